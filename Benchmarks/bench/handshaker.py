"""A client that makes TLS 1.3 connections, full or resumed, each with one request: the load of the handshake rows.

A program of its own, so that it can be bound to the load's core and given OpenSSL's configuration; `handshakes.py`
starts it. Neither wrk nor h2load will do: both keep the session of a connection and resume it on the next, or not, and
do not tell. Here what OpenSSL says of each session is looked at: a full handshake that was resumed, or a resumed one
that was not, is an error.

Python's part is kept small: one loop over epoll, TLS on memory BIOs, and the end of the handshake goes out together
with the request. Certificates are not verified (check.py did that), as no load generator does.

Prints one line of JSON: {"handshakes": N, "microseconds": N, "errors": N, "first_error": text or null,
"p50": N, "p99": N}, the latencies in microseconds from connect to the end of the handshake.
"""

import json
import select
import socket
import ssl
import sys
import time


class Connection:
    """One connection from its connect to its end."""

    def __init__(self, load):
        self.load = load
        self.begin = time.monotonic()
        self.answer = b""
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.tls = load.context.wrap_bio(
            self.incoming, self.outgoing, server_hostname=load.host, session=load.session
        )
        self.shaken = False
        self.socket = socket.socket()
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Over the loopback device a connect is done at once.
        self.socket.connect(load.address)
        self.socket.setblocking(False)
        self.advance()

    def receive(self):
        """Takes what came; true when the connection is through."""
        data = self.socket.recv(65536)
        if data:
            self.incoming.write(data)
        else:
            self.incoming.write_eof()
        return self.advance() or not data

    def advance(self):
        """Does what can be done with the bytes there are; true when the answer is at its end."""
        try:
            if not self.shaken:
                self.tls.do_handshake()
                self.shaken = True
                self.load.shaken(self)
                self.tls.write(self.load.request)
            while part := self.tls.read(65536):
                self.answer += part
            return True
        except ssl.SSLWantReadError:
            return False
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return True
        finally:
            if self.outgoing.pending:
                self.socket.sendall(self.outgoing.read())

    def close(self):
        self.socket.close()


class Load:
    """A number of connections at a time, each followed by the next, for so many seconds."""

    def __init__(self, host, port, resume, path, expected):
        self.host = host
        self.address = ("127.0.0.1", port)
        self.request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        self.expected = expected
        self.resume = resume
        self.session = None
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname = False
        self.context.verify_mode = ssl.CERT_NONE
        self.context.minimum_version = ssl.TLSVersion.TLSv1_3
        self.latencies = []
        self.errors = 0
        self.first_error = None

    def shaken(self, connection):
        self.latencies.append(round((time.monotonic() - connection.begin) * 1e6))

    def failed(self, reason):
        self.errors += 1
        self.first_error = self.first_error or reason

    def judge(self, connection):
        """Looks at a connection that is through."""
        reused = bool(connection.tls.session_reused)
        if not connection.answer.startswith(b"HTTP/1.1 200") or not connection.answer.endswith(self.expected):
            self.failed(f"wrong answer: {connection.answer[:80]!r}")
        elif reused != (self.session is not None):
            self.failed("a handshake was resumed" if reused else "a handshake was not resumed")

    def first_ticket(self):
        """One connection that is not counted, when sessions are to be resumed."""
        connection = Connection(self)
        connection.socket.setblocking(True)
        while not connection.receive():
            pass
        self.judge(connection)
        # One ticket serves for all: to ask for the session of each connection costs Python a copy of it, certificate
        # included, and the client would be slower than the proxies.
        self.session = connection.tls.session
        connection.close()
        self.latencies.clear()

    def run(self, at_a_time, seconds):
        """Returns the seconds it really took."""
        if self.resume:
            self.first_ticket()
        poll = select.epoll()
        connections = {}
        begin = time.monotonic()
        deadline = begin + seconds

        def start():
            connection = Connection(self)
            connections[connection.socket.fileno()] = connection
            poll.register(connection.socket.fileno(), select.EPOLLIN)

        for _ in range(at_a_time):
            start()
        while connections:
            if time.monotonic() > deadline + 5:
                self.failed(f"{len(connections)} connections were never answered to the end")
                break
            for descriptor, _ in poll.poll(1):
                connection = connections[descriptor]
                try:
                    if not connection.receive():
                        continue
                    self.judge(connection)
                except OSError as error:
                    self.failed(f"{type(error).__name__}: {error}")
                del connections[descriptor]
                connection.close()
                if time.monotonic() < deadline:
                    start()
        return time.monotonic() - begin


def main():
    told = json.loads(sys.argv[1])
    load = Load(told["host"], told["port"], told["resume"], told["path"], told["expected"].encode())
    seconds = load.run(told["at_a_time"], told["seconds"])
    ordered = sorted(load.latencies) or [0]
    result = {
        "handshakes": len(load.latencies),
        "microseconds": round(seconds * 1e6),
        "errors": load.errors,
        "first_error": load.first_error,
        "p50": ordered[len(ordered) // 2],
        "p99": ordered[len(ordered) * 99 // 100],
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
