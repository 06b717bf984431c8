"""Certificates rotated under load: what it costs the clients of each proxy."""

import contextlib
import hashlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

from . import proxies
from .errors import MachineLacks, WrongAnswers
from .processes import PROXY_CORE, ServerProcess
from .workspace import BENCHMARKS, HOST, fill_in

CLIENTS = BENCHMARKS.parent / "Tests/Tools/rotation-load.py"
# Between two things that a client does, so that the proxy's core is not full and latency says something of the proxy.
PAUSE = 0.002


class Echo:
    """An app server for WebSockets that sends back what comes. Its threads inherit the load's core."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            connection, _ = self._listener.accept()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    @staticmethod
    def _serve(connection):
        with connection, contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            head = b""
            while b"\r\n\r\n" not in head:
                piece = connection.recv(1 << 16)
                if not piece:
                    return
                head += piece
            connection.sendall(
                b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
            )
            while piece := connection.recv(1 << 16):
                connection.sendall(piece)


class Pair:
    """A certificate with its key."""

    def __init__(self, workspace, name):
        self.certificate = workspace.path / f"{name}.crt"
        self.key = workspace.path / f"{name}-key"
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        command += ["-days", "2", "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
        command += ["-keyout", str(self.key), "-out", str(self.certificate)]
        made = subprocess.run(command, capture_output=True, text=True, timeout=30)
        if made.returncode != 0:
            raise MachineLacks(f"openssl could not make a certificate:\n{made.stderr}")
        der = ssl.PEM_cert_to_DER_cert(self.certificate.read_text())
        self.fingerprint = hashlib.sha256(der).digest()
        self.bundle = self.certificate.read_text() + self.key.read_text()

    def put(self, folder):
        """Each file replaced as a whole, as tools do."""
        for name, text in [
            ("key.pem", self.key.read_text()),
            ("certificate.pem", self.certificate.read_text()),
            ("bundle.pem", self.bundle),
        ]:
            fresh = folder / f"{name}.new"
            fresh.touch(mode=0o600)
            fresh.write_text(text)
            fresh.rename(folder / name)


class Rotating:
    """What the three have in common. A class of bench/proxies.py is its other parent."""

    def values(self):
        return {**super().values(), "LIVE": self.live, "ECHO": self.echo.port}

    def prepare(self, workspace, echo, first):
        self.echo = echo
        self.live = workspace.directory(f"live-{self.name}")
        first.put(self.live)

    @contextlib.contextmanager
    def running(self):
        directory = self.workspace.directory(self.name)
        (directory / "ticket.key").write_bytes(os.urandom(80))
        configuration = directory / self.template.rpartition("/")[2]
        values = {**self.workspace.values(), **self.values(), "DIRECTORY": directory}
        configuration.write_text(fill_in(self.template, values))
        self.directory = directory
        server = ServerProcess(self.name, self.command(configuration), {PROXY_CORE}, directory)
        try:
            deadline = time.monotonic() + proxies.START_WITHIN
            while self.shown() is None:
                server.require_alive()
                if time.monotonic() > deadline:
                    raise WrongAnswers(f"{self.name} does not answer: {server.output.read_text()[-2000:]}")
                time.sleep(0.02)
            server.pin()
            yield server
        finally:
            server.stop()

    def shown(self):
        """The fingerprint of the certificate that a new client gets; None when none does."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        try:
            with socket.create_connection(("127.0.0.1", self.https_port), timeout=5) as plain:
                with context.wrap_socket(plain, server_hostname=HOST) as connection:
                    return hashlib.sha256(connection.getpeercert(binary_form=True)).digest()
        except OSError:
            return None

    def ask(self, line, within=60):
        """One command over the proxy's admin socket, and its whole answer."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(within)
            connection.connect(str(self.directory / "admin.sock"))
            connection.sendall(line.encode())
            answer = b""
            while piece := connection.recv(1 << 16):
                answer += piece
                if self.is_whole(answer):
                    break
        return answer.decode()

    @staticmethod
    def is_whole(_answer):
        return False


class NGINX(Rotating, proxies.NGINX):
    template = "rotation/nginx.conf"

    def rotate(self, server, pair):
        pair.put(self.live)
        server.process.send_signal(signal.SIGHUP)


class HAProxy(Rotating, proxies.HAProxy):
    template = "rotation/haproxy.conf"

    def rotate(self, server, pair):
        name = self.live / "bundle.pem"
        self.ask(f"set ssl cert {name} <<\n{pair.bundle}\n")
        answer = self.ask(f"commit ssl cert {name}\n")
        if "Success" not in answer:
            raise WrongAnswers(f"haproxy: {answer}")


class Gatehouse(Rotating, proxies.Gatehouse):
    template = "rotation/gatehouse.yaml"

    def __init__(self, workspace, apps):
        super().__init__(workspace, apps)
        # From the commit until all workers go by it, as the gateway says: microseconds.
        self.changes = []

    def rotate(self, server, pair):
        pair.put(self.live)
        answer = json.loads(self.ask("certificates\n"))
        if answer["exit"] != 0:
            raise WrongAnswers(f"gatehouse: {answer['error']}")
        self.changes.append(answer["result"]["change_microseconds"])

    @staticmethod
    def is_whole(answer):
        return answer.endswith(b"\n")


ALL = [NGINX, HAProxy, Gatehouse]


class Run:
    """One proxy under load, in turns calm and rotated: what the machine does besides meets both alike."""

    def __init__(self, proxy, server, pairs, every):
        self.proxy = proxy
        self.server = server
        self.pairs = pairs
        self.every = every
        self.spare = proxy.workspace.directory(f"spare-{proxy.name}")
        self.rotations = 0
        self.effects = []

    def run(self, turns, seconds):
        """Twice `turns` of so many seconds each; returns the clients' report."""
        command = [sys.executable, str(CLIENTS), "--port", str(self.proxy.https_port), "--host", HOST]
        command += ["--path", "/small", "--pause", str(PAUSE), "--seconds", "3600"]
        clients = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            if clients.stdout.readline().strip() != "running":
                raise WrongAnswers("the clients did not start")
            for turn in range(2 * turns):
                if turn > 0:
                    clients.send_signal(signal.SIGUSR1)
                self.pass_time(seconds, self.rotate if turn % 2 else self.idle)
            clients.send_signal(signal.SIGTERM)
            output = clients.communicate(timeout=120)[0]
        finally:
            if clients.poll() is None:
                clients.kill()
                clients.wait()
        return json.loads(output.strip().splitlines()[-1])

    def pass_time(self, seconds, act):
        end = time.monotonic() + seconds
        following = time.monotonic()
        while following < end:
            time.sleep(max(0, following - time.monotonic()))
            act(self.pairs[(self.rotations + 1) % 2])
            following = max(following + self.every, time.monotonic())

    def idle(self, pair):
        """All that a rotation has this program do, so that nothing differs but what the proxy does."""
        pair.put(self.spare)
        self.proxy.shown()

    def rotate(self, pair):
        self.server.require_alive()
        begin = time.monotonic()
        self.proxy.rotate(self.server, pair)
        while self.proxy.shown() != pair.fingerprint:
            if time.monotonic() - begin > 30:
                raise WrongAnswers(f"{self.proxy.name}: the new certificate is not shown after 30 s")
        self.effects.append((time.monotonic() - begin) * 1000)
        self.rotations += 1


def compare(workspace, apps, names, seconds, every, rounds):
    """One line for each proxy."""
    echo = Echo()
    pairs = [Pair(workspace, "first"), Pair(workspace, "second")]
    lines = []
    for kind in ALL:
        if kind.name not in names:
            continue
        proxy = kind(workspace, apps)
        if missing := proxy.missing():
            print(f"left out: {missing}", file=sys.stderr)
            continue
        proxy.prepare(workspace, echo, pairs[0])
        with proxy.running() as server:
            # To have everything in memory that will be.
            Run(proxy, server, pairs, every).run(1, 1)
            before = server.memory()
            run = Run(proxy, server, pairs, every)
            report = run.run(rounds, seconds)
            lines.append(Line(run, report["kinds"], before, server.memory()))
    return lines


class Line:
    def __init__(self, run, kinds, before, after):
        self.name = run.proxy.name
        self.rotations = run.rotations
        self.done = sum(kind["done"] for kind in kinds.values())
        self.failed = sum(kind["failed"] for kind in kinds.values())
        self.closed = sum(kind["closed"] for kind in kinds.values())
        self.not_resumed = sum(kind["not_resumed"] for kind in kinds.values())
        phases = [kinds["keep-alive"]["latencies"][phase] for phase in ("calm", "rotated")]
        self.p99 = [phase["p99"] / 1000 for phase in phases]
        self.worst = phases[1]["max"] / 1000
        self.effect = median(run.effects)
        self.slowest = max(run.effects)
        self.memory = (before, after)
        self.changes = sorted(getattr(run.proxy, "changes", []))
        first = [kind["first_failure"] for kind in kinds.values() if kind["first_failure"]]
        self.first_failure = first[0] if first else None


def median(values):
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def table(lines):
    rows = [
        "| proxy | rotations | done | failed | closed | not resumed | p99 calm | p99 rotated | worst | shown after | "
        "memory before, after |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for line in lines:
        rows.append(
            f"| {line.name} | {line.rotations} | {line.done} | {line.failed} | {line.closed} | {line.not_resumed} "
            f"| {line.p99[0]:.2f} ms | {line.p99[1]:.2f} ms ({line.p99[1] / line.p99[0] - 1:+.0%}) "
            f"| {line.worst:.1f} ms | {line.effect:.1f} ms, at most {line.slowest:.1f} "
            f"| {line.memory[0] / 2**20:.1f}, {line.memory[1] / 2**20:.1f} MiB |"
        )
    return "\n".join(rows)


def verdicts(lines):
    """What was asked of Gatehouse, beside what was measured."""
    said = []
    for line in lines:
        if line.first_failure:
            said.append(f"{line.name}: the first failure: {line.first_failure}")
        if line.name != "gatehouse":
            continue
        lost = line.failed + line.closed + line.not_resumed
        said.append(f"asked: nothing lost; measured: {lost} in {line.done} over {line.rotations} rotations")
        gain = line.p99[1] / line.p99[0] - 1
        said.append(f"asked: p99 within 10 % of the run without rotation; measured: {gain:+.1%}")
        if line.changes:
            said.append(
                "asked: in effect on all workers in under 10 ms after the commit; measured: "
                f"{median(line.changes) / 1000:.2f} ms, at most {line.changes[-1] / 1000:.2f}"
            )
    return "\n".join(said)
