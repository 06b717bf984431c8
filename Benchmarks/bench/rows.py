"""The rows of the table: what is done, which figure is compared, and what was asked of it."""

import dataclasses
import time
from typing import Callable, Optional

from . import load
from .idle import IdleConnections
from .processes import PROXY_CORE, core_busy
from .workspace import LARGE, SMALL, UPLOAD

# A moment for the log's buffers and the allocator's leftovers to settle before memory is read.
SETTLE = 1.5
FEW, MANY = 200, 2000
SHARE_OF_PEAK = 0.70


@dataclasses.dataclass
class Sample:
    """What one measurement of one proxy came to. Absent where the row does not have it."""

    cpu: Optional[float] = None  # microseconds of the proxy's CPU for each request
    rate: Optional[float] = None  # requests a second
    p50: Optional[float] = None  # microseconds
    p99: Optional[float] = None  # microseconds
    busy: Optional[float] = None  # CPU time of the proxy over time passed: its share of its core
    others: Optional[float] = None  # what everything else took of the proxy's core, as a share
    memory: Optional[float] = None  # KiB for each connection


@dataclasses.dataclass(frozen=True)
class Row:
    """A line of the table."""

    name: str
    title: str
    # The field of Sample that is compared with the best peer; less is better.
    figure: str
    # The greatest allowed ratio to the best peer, and the one aimed for.
    at_most: float
    aim: float
    # Makes one Sample: (run, proxy, server) -> Sample
    measure: Callable
    # Whether its load is a share of the slowest peer's peak.
    needs_peak: bool = False
    # Measurements whose median is one sample. A p99 is what the machine did in its worst hundredth of the time: a stall of
    # its own, once a second, is in some of several measurements and not in most.
    windows: int = 1


def _loaded(generate):
    """A row that is measured under load: `generate(run, proxy, seconds)` returns a load.Load."""

    def measure(run, proxy, server):
        generate(run, proxy, run.warm_up)
        before, all_before = server.cpu(), core_busy(PROXY_CORE)
        begin = time.monotonic()
        seen = generate(run, proxy, run.seconds)
        passed = time.monotonic() - begin
        cpu, all_cpu = server.cpu_since(before), core_busy(PROXY_CORE) - all_before
        return Sample(
            cpu=cpu / 1e3 / seen.requests,
            rate=seen.requests / seen.seconds,
            p50=seen.p50,
            p99=seen.p99,
            busy=cpu / 1e9 / passed,
            others=max(0, all_cpu - cpu) / 1e9 / passed,
        )

    return measure


def _kept(**options):
    return _loaded(lambda run, proxy, seconds: load.wrk(proxy, run.workspace, seconds, **options))


def _h2(run, proxy, seconds):
    return load.h2load(proxy, run.workspace, seconds, connections=16, streams=16, path="/small", size=SMALL)


def _handshakes(resume):
    def generate(run, proxy, seconds):
        return load.handshakes(proxy, run.workspace, seconds, resume=resume, connections=16, path="/small")

    return _loaded(generate)


def _constant_rate(run, proxy, server):
    rate = SHARE_OF_PEAK * run.slowest_peak()

    def generate(run, proxy, seconds):
        environment = {"RATE": str(rate), "SEED": str(run.round)}
        return load.wrk(
            proxy,
            run.workspace,
            seconds,
            connections=128,
            path="/small",
            size=SMALL,
            script="constant_rate.lua",
            environment=environment,
        )

    return _loaded(generate)(run, proxy, server)


def _idle(run, proxy, server):
    with IdleConnections(proxy, run.workspace) as idle:
        idle.grow(FEW)
        time.sleep(SETTLE)
        few = server.memory()
        idle.grow(MANY)
        time.sleep(SETTLE)
        many = server.memory()
        idle.require_all_open()
    return Sample(memory=(many - few) / 1024 / (MANY - FEW))


HTTPS11 = Row(
    "https11",
    "HTTPS/1.1 keep-alive, 100-byte answers, 64 connections",
    "cpu",
    0.75,
    0.65,
    _kept(connections=64, path="/small", size=SMALL),
)

ALL = [
    HTTPS11,
    Row(
        "http11",
        "plain HTTP/1.1, the same",
        "cpu",
        0.75,
        0.65,
        _kept(connections=64, path="/small", size=SMALL, secure=False),
    ),
    Row("h2", "HTTPS h2, 16 connections x 16 streams, 100-byte answers", "cpu", 1.0, 0.75, _loaded(_h2)),
    Row("full", "full TLS 1.3 handshakes (ECDSA P-256), one request each", "cpu", 0.95, 0.70, _handshakes(False)),
    Row("resumed", "resumed TLS 1.3 handshakes, one request each", "cpu", 0.95, 0.70, _handshakes(True)),
    Row(
        "large",
        "1 MiB answers over HTTPS, 16 connections",
        "cpu",
        0.90,
        0.80,
        _kept(connections=16, path="/large", size=LARGE),
    ),
    Row(
        "upload",
        "64 KiB uploads over HTTPS, 16 connections",
        "cpu",
        0.90,
        0.80,
        _kept(connections=16, path="/upload", size=0, script="upload.lua", environment={"UPLOAD": str(UPLOAD)}),
    ),
    Row(
        "latency",
        "p99 latency at 70 % of the slowest peer's peak, HTTPS/1.1",
        "p99",
        1.0,
        0.8,
        _constant_rate,
        needs_peak=True,
        windows=5,
    ),
    Row("memory", "memory for each idle TLS connection, 2,000 after 200", "memory", 1.0, 0.9, _idle),
]
NAMES = [row.name for row in ALL]
