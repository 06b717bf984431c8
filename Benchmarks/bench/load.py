"""The load generators. They run on the load's core, as this program does; each returns what its clients saw."""

import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from .errors import MachineLacks, WrongAnswers
from .workspace import BENCHMARKS, HOST, TLS_GROUP, TLS_SUITE

# What a generator may take beyond the seconds it was told, before it is taken for hung.
GRACE = 30


@dataclasses.dataclass
class Load:
    """What the clients of one run saw. Latencies in microseconds."""

    requests: int
    seconds: float
    p50: float
    p99: float


def execute(command, workspace, seconds, environment=None):
    """Standard output of a load generator. An end other than a good one is an error."""
    settings = {"OPENSSL_CONF": str(workspace.openssl_configuration), "LUA_DIRECTORY": str(BENCHMARKS / "lua")}
    try:
        made = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=seconds + GRACE,
            env={**os.environ, **settings, **(environment or {})},
        )
    except FileNotFoundError as error:
        raise MachineLacks(f"{command[0]} is not installed: `make bench` installs it") from error
    except subprocess.TimeoutExpired as error:
        raise WrongAnswers(f"{command[0]} was not through after {seconds + GRACE} seconds") from error
    if made.returncode != 0:
        text = f"{made.stdout[-500:]}{made.stderr[-500:]}"
        raise WrongAnswers(f"{command[0]} ended with status {made.returncode}: {text}")
    return made.stdout


def wrk(proxy, workspace, seconds, *, connections, path, size, secure=True, script="summary.lua", environment=None):
    """HTTP/1.1 over kept connections. `size`: bytes that each answer holds at least."""
    port = proxy.https_port if secure else proxy.http_port
    url = f"{'https' if secure else 'http'}://{HOST}:{port}{path}"
    command = ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s"]
    command += ["--timeout", "10s", "--script", str(BENCHMARKS / "lua" / script), url]
    output = execute(command, workspace, seconds, environment)
    seen = json.loads(output.splitlines()[-1])
    if seen["errors"]:
        raise WrongAnswers(f"{proxy.name}: {seen['errors']} of {seen['requests']} requests to {url} failed")
    if seen["bytes"] < seen["requests"] * size:
        raise WrongAnswers(f"{proxy.name}: {seen['requests']} answers from {url} held {seen['bytes']} bytes: too few")
    return Load(seen["requests"], seen["microseconds"] / 1e6, seen["p50"], seen["p99"])


def h2load(proxy, workspace, seconds, *, connections, streams, path, size):
    """HTTP/2 over TLS."""
    log = Path(workspace.path, "h2load.log")
    log.unlink(missing_ok=True)
    command = ["h2load", "--clients", str(connections), "--max-concurrent-streams", str(streams), "--threads", "1"]
    command += ["--duration", str(seconds), "--tls13-ciphers", TLS_SUITE, "--groups", TLS_GROUP]
    command += ["--log-file", str(log), f"https://{HOST}:{proxy.https_port}{path}"]
    output = execute(command, workspace, seconds)
    requests = _number(output, r"(\d+) done")
    good = _number(output, r"(\d+) 2xx")
    failed = _number(output, r"(\d+) failed") + _number(output, r"(\d+) errored") + _number(output, r"(\d+) timeout")
    body = _number(output, r"\((\d+)\) data")
    if failed or good != requests or "Application protocol: h2" not in output:
        raise WrongAnswers(f"{proxy.name}: h2load saw failures:\n{output}")
    if body < good * size:
        raise WrongAnswers(f"{proxy.name}: {good} answers over h2 held {body} bytes of body: too few")
    latencies = sorted(int(line.split("\t")[2]) for line in log.read_text().splitlines())
    log.unlink()
    return Load(requests, seconds, latencies[len(latencies) // 2], latencies[len(latencies) * 99 // 100])


def _number(text, pattern):
    found = re.search(pattern, text)
    if not found:
        raise WrongAnswers(f"h2load's answer was not understood:\n{text}")
    return int(found.group(1))


def handshakes(proxy, workspace, seconds, *, resume, connections, path):
    """New connections, each with one handshake and one request."""
    told = {
        "host": HOST,
        "port": proxy.https_port,
        "resume": resume,
        "path": path,
        "expected": workspace.content(path.strip("/")).decode(),
        "at_a_time": connections,
        "seconds": seconds,
    }
    command = [sys.executable, str(Path(__file__).with_name("handshaker.py")), json.dumps(told)]
    seen = json.loads(execute(command, workspace, seconds))
    if seen["errors"] or not seen["handshakes"]:
        raise WrongAnswers(f"{proxy.name}: {seen['errors']} of {seen['handshakes']} handshakes: {seen['first_error']}")
    return Load(seen["handshakes"], seen["microseconds"] / 1e6, seen["p50"], seen["p99"])
