"""A site with thousands of certificates: how long it takes to start, what each takes of memory, and what a change of one
costs."""

import re
import socket
import ssl
import subprocess
import time

from .errors import WrongAnswers
from .processes import LOAD_CORE, PROXY_CORE, ServerProcess
from .proxies import Gatehouse

SITE = """site: scale

gateway:
  workers: 1
  user: {user}
  access-log: off
  listen:
    - {{ address: [127.0.0.1], port: {port}, tls: {{ certificates: [{names}] }}, protocols: [http/1.1] }}
  routes:
    - {{ hosts: [any], pool: web }}
  pools:
    web:
      servers:
        - {{ address: 127.0.0.1, port: {app} }}

certificate-store: {store}
certificates:
{certificates}
"""


class Scale:
    """A site of `count` certificates of the internal CA, in the workspace."""

    def __init__(self, workspace, apps, count):
        self.count = count
        self.gatehouse = Gatehouse(workspace, apps)
        self.directory = workspace.directory(f"scale-{count}")
        names = [f"site-{number}" for number in range(count)]
        self.file = self.directory / "site.yaml"
        self.file.write_text(
            SITE.format(
                user=self.gatehouse.values()["USER_NAME"],
                port=self.gatehouse.https_port,
                app=apps.ports[0],
                names=", ".join(names),
                store=self.directory / "store",
                certificates="\n".join(
                    f"  {name}: {{ names: [{name}.example.com], issuer: internal }}" for name in names
                ),
            )
        )

    def start(self, cores):
        """Starts the gateway on `cores`; the process, and the seconds until it was ready."""
        begin = time.monotonic()
        server = ServerProcess("gatehouse", self.gatehouse.command(self.file), cores, self.directory)
        ready = server.output.read_text().count("gatehouse: ready") + 1
        while server.output.read_text().count("gatehouse: ready") < ready:
            server.require_alive()
            if time.monotonic() - begin > 1800:
                raise WrongAnswers("the gateway is not ready after half an hour")
            time.sleep(0.005)
        return server, time.monotonic() - begin

    def handshake(self, number):
        """Microseconds of a handshake that asks for one name, whose certificate must come."""
        name = f"site-{number}.example.com"
        context = ssl.create_default_context(cafile=str(self.root))
        begin = time.monotonic()
        with socket.create_connection(("127.0.0.1", self.gatehouse.https_port), timeout=10) as plain:
            with context.wrap_socket(plain, server_hostname=name):
                return (time.monotonic() - begin) * 1e6

    @property
    def root(self):
        file = self.directory / "root.pem"
        if not file.exists():
            file.write_text(self.certs("ca", "export"))
        return file

    def certs(self, *words):
        command = [self.gatehouse.binary(), "certs", *words, "--site", str(self.file)]
        command += ["--socket", str(self.directory / "admin.sock")] if words[0] != "ca" else []
        made = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if made.returncode != 0:
            raise WrongAnswers(f"{' '.join(command)}: {made.stderr}")
        return made.stdout


def measure(workspace, apps, count):
    """What was asked, beside what was measured, as lines."""
    few = _look(workspace, apps, 10)
    many = _look(workspace, apps, count)
    each = (many["memory"] - few["memory"]) / (count - 10)
    return "\n".join([
        f"asked: {count} certificates start in under 5 s; measured: {many['start']:.2f} s on two cores, "
        f"{many['alone']:.2f} s on one (10: {few['start']:.2f} s; the first start, which issues them all: "
        f"{many['first']:.0f} s)",
        f"memory for each certificate, in both processes: {each / 1024:.1f} KiB "
        f"({few['memory'] / 2**20:.1f} MiB with 10, {many['memory'] / 2**20:.1f} with {count})",
        f"asked: picked by SNI in constant time; measured: a handshake of {many['handshake']:.0f} µs "
        f"with {count}, of {few['handshake']:.0f} with 10 (medians of 200, each with another name)",
        f"asked: a change of one is a delta; measured: `certs rotate` of one takes {many['rotate'] * 1000:.0f} ms "
        f"with {count}, {few['rotate'] * 1000:.0f} ms with 10; all workers go by it {many['committed']:.2f} ms after "
        f"the gateway committed it and {many['written']:.0f} ms after it was written, "
        f"{few['committed']:.2f} and {few['written']:.0f} with 10",
    ])


def _look(workspace, apps, count):
    scale = Scale(workspace, apps, count)
    server, first = scale.start({PROXY_CORE, LOAD_CORE})
    server.stop()
    server, alone = scale.start({PROXY_CORE})
    server.stop()
    server, start = scale.start({PROXY_CORE, LOAD_CORE})
    try:
        # Under measurement each process has its own core, as elsewhere.
        server.cores = {PROXY_CORE}
        server.pin()
        step = max(1, count // 200)
        times = sorted(scale.handshake(number % count) for number in range(0, 200 * step, step))
        memory = server.memory()
        begin = time.monotonic()
        said = scale.certs("rotate", "site-3", "--reason", "a measurement")
        rotate = time.monotonic() - begin
        change = re.search(r"on all workers ([0-9.]+) ms after it was written, ([0-9.]+) ms after", said)
        if not change:
            raise WrongAnswers(f"certs rotate does not say how long the change took: {said}")
        return {
            "first": first,
            "start": start,
            "alone": alone,
            "handshake": times[len(times) // 2],
            "memory": memory,
            "rotate": rotate,
            "written": float(change.group(1)),
            "committed": float(change.group(2)),
        }
    finally:
        server.stop()
