#!/usr/bin/python3
"""Clients of all kinds of a gateway whose certificates change meanwhile. Ends at SIGTERM, or after --seconds.

The run begins calm, and each SIGUSR1 has the other phase begin, rotated or calm: so both have the same clients, and whatever
else the machine does meets both.

Writes one line of JSON: for each kind what was done, what failed, which connections were closed that should have
lasted, and the latencies in microseconds of what it does in each of the phases; and how many different certificates were
shown.
"""

import argparse
import hashlib
import json
import multiprocessing
import os
import signal
import socket
import ssl
import time

PATIENCE = 60
PHASES = ["calm", "rotated"]


class Clients:
    """One process of clients of one kind."""

    def __init__(self, told, stop, phase):
        self.told = told
        self.stop = stop
        self.phase = phase
        self.parent = os.getppid()
        self.done = self.failed = self.closed = self.not_resumed = 0
        self.first_failure = None
        self.latencies = {phase: [] for phase in PHASES}
        self.certificates = set()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname = bool(told.trust)
        self.context.verify_mode = ssl.CERT_REQUIRED if told.trust else ssl.CERT_NONE
        if told.trust:
            self.context.load_verify_locations(told.trust)

    def is_over(self):
        """Asked to end, or left behind by a parent that was killed."""
        return self.stop.is_set() or os.getppid() != self.parent

    def report(self):
        return {
            "done": self.done,
            "failed": self.failed,
            "closed": self.closed,
            "not_resumed": self.not_resumed,
            "latencies": {phase: self.percentiles(taken) for phase, taken in self.latencies.items()},
            "first_failure": self.first_failure,
        }

    @staticmethod
    def percentiles(latencies):
        ordered = sorted(latencies) or [0]
        return {
            "count": len(latencies),
            "p50": ordered[len(ordered) // 2],
            "p99": ordered[len(ordered) * 99 // 100],
            "max": ordered[-1],
        }

    def connect(self, session=None):
        plain = socket.create_connection(("127.0.0.1", self.told.port), timeout=PATIENCE)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            return self.context.wrap_socket(plain, server_hostname=self.told.host, session=session)
        except BaseException:
            plain.close()
            raise

    def head(self, path, fields=""):
        return f"GET {path} HTTP/1.1\r\nHost: {self.told.host}\r\n{fields}\r\n".encode()

    def answer(self, connection):
        """One answer with a length: its body, and whether the connection is to end."""
        text = b""
        while b"\r\n\r\n" not in text:
            text += self.receive(connection)
        head, _, body = text.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        if not lines[0].startswith("HTTP/1.1 200"):
            raise OSError(f"answered {lines[0]}")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        length = int(fields["content-length"])
        pieces, held = [body], len(body)
        while held < length:
            pieces.append(self.receive(connection))
            held += len(pieces[-1])
        return b"".join(pieces), fields.get("connection", "").lower() == "close"

    @staticmethod
    def receive(connection):
        piece = connection.recv(1 << 16)
        if not piece:
            raise EOFError("the connection was closed")
        return piece

    def attempt(self, act):
        """Does one thing and notes how it went; nil when it failed."""
        begin, phase = time.monotonic(), self.phase.value
        try:
            result = act()
        except (OSError, EOFError, ValueError, KeyError) as error:
            self.failed += 1
            self.first_failure = self.first_failure or f"{type(error).__name__}: {error}"
            return None
        # What spans both phases is of neither.
        if self.phase.value == phase:
            self.latencies[PHASES[phase % 2]].append(round((time.monotonic() - begin) * 1e6))
        self.done += 1
        return result

    def kept(self, count, open_one, act):
        """Goes round connections that are to last as long as the run."""
        connections = [open_one() for _ in range(count)]
        while not self.is_over():
            for index, connection in enumerate(connections):
                # An answer that ends the connection in good order is no failed request, and yet a connection less.
                outcome = self.attempt(lambda: act(connection))
                if outcome is None or outcome == "close":
                    self.closed += 1
                    connection.close()
                    try:
                        connections[index] = open_one()
                    except OSError:
                        time.sleep(0.01)
                if self.told.pause:
                    time.sleep(self.told.pause)
        for connection in connections:
            connection.close()

    # The kinds

    def keep_alive(self):
        def ask(connection):
            connection.sendall(self.head(self.told.path))
            return "close" if self.answer(connection)[1] else "kept"

        self.kept(8, self.connect, ask)

    def downloads(self):
        digests = set()

        def ask(connection):
            connection.sendall(self.head(self.told.download))
            body, ends = self.answer(connection)
            digests.add(hashlib.sha256(body).digest())
            if len(digests) > 1:
                raise OSError("other bytes than before")
            return "close" if ends else "kept"

        self.kept(3, self.connect, ask)

    def websockets(self):
        fields = (
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        )

        def upgrade():
            connection = self.connect()
            connection.sendall(self.head(self.told.upgrade, fields))
            text = b""
            while not text.endswith(b"\r\n\r\n"):
                text += self.receive(connection)
            if b" 101 " not in text:
                raise OSError(f"answered {text[:60]!r}")
            return connection

        message = bytes(range(256)) * 4

        def echo(connection):
            connection.sendall(message)
            text = b""
            while len(text) < len(message):
                text += self.receive(connection)
            if text != message:
                raise OSError("other bytes came back")
            return "kept"

        self.kept(4, upgrade, echo)

    def full(self):
        def visit():
            with self.connect() as connection:
                shown = connection.getpeercert(binary_form=True)
                self.certificates.add(hashlib.sha256(shown).hexdigest())
                connection.sendall(self.head(self.told.path, "Connection: close\r\n"))
                self.answer(connection)
            return "kept"

        self.visits(visit)

    def resumed(self):
        session = None

        def visit():
            nonlocal session
            with self.connect(session) as connection:
                connection.sendall(self.head(self.told.path, "Connection: close\r\n"))
                self.answer(connection)
                if session is not None and not connection.session_reused:
                    self.not_resumed += 1
                    session = None
                session = session or connection.session
            return "kept"

        self.visits(visit)

    def visits(self, visit):
        while not self.is_over():
            self.attempt(visit)
            if self.told.pause:
                time.sleep(self.told.pause)


KINDS = {"keep-alive": "keep_alive", "full": "full", "resumed": "resumed", "websockets": "websockets",
         "downloads": "downloads"}


def work(told, kind, stop, phase, pipe):
    # A terminal's interrupt is the parent's matter.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    clients = Clients(told, stop, phase)
    try:
        getattr(clients, KINDS[kind])()
    except (OSError, EOFError) as error:
        clients.failed += 1
        clients.first_failure = f"{type(error).__name__}: {error}"
    pipe.send((clients.report(), clients.certificates))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--trust", metavar="FILE", help="the root that every certificate must lead to; else none is checked")
    parser.add_argument("--path", default="/", help="of what is asked for but for downloads and WebSockets")
    parser.add_argument("--download", metavar="PATH", default="/large")
    parser.add_argument("--upgrade", metavar="PATH", default="/echo")
    parser.add_argument("--pause", metavar="S", type=float, default=0, help="between two things of one kind")
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--only", metavar="KIND", choices=list(KINDS), help="one kind alone")
    told = parser.parse_args()

    stop = multiprocessing.Event()
    phase = multiprocessing.Value("i", 0, lock=False)
    workers = []
    for kind in [told.only] if told.only else KINDS:
        ours, theirs = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.Process(target=work, args=(told, kind, stop, phase, theirs), daemon=True)
        process.start()
        theirs.close()
        workers.append((kind, process, ours))
    asked = []
    signal.signal(signal.SIGTERM, lambda *_: asked.append(True))

    def turn(*_):
        phase.value += 1

    signal.signal(signal.SIGUSR1, turn)
    print("running", flush=True)
    deadline = time.monotonic() + told.seconds
    while not asked and time.monotonic() < deadline:
        time.sleep(0.02)
    stop.set()
    report, certificates = {}, set()
    for kind, process, pipe in workers:
        try:
            report[kind], shown = pipe.recv()
            certificates |= shown
        except EOFError:
            report[kind] = {"done": 0, "failed": 1, "closed": 0, "not_resumed": 0, "first_failure": "the client ended"}
        process.join()
    print(json.dumps({"kinds": report, "certificates": len(certificates)}), flush=True)


if __name__ == "__main__":
    main()
