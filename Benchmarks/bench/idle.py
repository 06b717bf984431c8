"""Idle TLS connections: opened, used once, and kept."""

import contextlib
import socket
import ssl

from .check import client_context
from .errors import WrongAnswers
from .workspace import HOST


class IdleConnections:
    """Clients that had one answer each and stay. Use it in a `with`."""

    def __init__(self, proxy, workspace):
        self.proxy = proxy
        self.expected = workspace.content("small")
        self.context = client_context(workspace)
        self.open = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for connection in self.open:
            with contextlib.suppress(OSError):
                connection.close()

    def grow(self, count):
        """Opens connections until there are `count`."""
        try:
            while len(self.open) < count:
                plain = socket.create_connection(("127.0.0.1", self.proxy.https_port), timeout=10)
                self.open.append(self.context.wrap_socket(plain, server_hostname=HOST))
                self._ask(self.open[-1])
        except OSError as error:
            raise WrongAnswers(f"{self.proxy.name}: connection {len(self.open)} of {count}: {error}") from error

    def require_all_open(self):
        """A proxy that closed some of them would look lean: each must answer again."""
        for number, connection in enumerate(self.open, start=1):
            try:
                self._ask(connection)
            except OSError as error:
                raise WrongAnswers(f"{self.proxy.name}: idle connection {number} was closed: {error}") from error

    def _ask(self, connection):
        connection.sendall(f"GET /small HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        answer = b""
        while not answer.endswith(self.expected):
            part = connection.recv(4096)
            if not part:
                raise ssl.SSLEOFError("it ended before the answer did")
            answer += part
            if not answer.startswith(b"HTTP/1.1 200"[: len(answer)]):
                raise WrongAnswers(f"{self.proxy.name}: an idle connection was answered {answer[:40]!r}")
