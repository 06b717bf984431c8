"""How soon Gatehouse answers again after its data plane was killed with SIGKILL."""

import contextlib
import os
import signal
import socket
import statistics
import time

from .errors import WrongAnswers
from .processes import parents
from .workspace import HOST

REQUEST = f"GET /small HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()
ASKED = 0.200  # seconds, of the time to the first answer
PATIENCE = 30


class Revival:
    """Kills the data plane again and again, and asks at once each time."""

    def __init__(self, proxy, server):
        self.proxy = proxy
        self.server = server
        self.times = []
        self.refused = 0

    def run(self, kills, pause):
        """`kills` times, `pause` seconds after the answer before."""
        for number in range(1, kills + 1):
            victim = self._data_plane()
            os.kill(victim, signal.SIGKILL)
            began = time.monotonic()
            self._await_answer(began, number)
            self.times.append(time.monotonic() - began)
            if self._data_plane() == victim:
                raise WrongAnswers(f"{self.proxy.name}: process {victim} outlived SIGKILL")
            time.sleep(pause)

    def summary(self):
        """One line of figures beside what was asked."""
        late = sum(1 for time in self.times if time > ASKED)
        return (
            f"median {statistics.median(self.times) * 1000:.0f} ms, worst {max(self.times) * 1000:.0f} ms to the first "
            f"answer (asked: {ASKED * 1000:.0f} ms), {late} of {len(self.times)} later, {self.refused} refused"
        )

    def _data_plane(self):
        """The child of the control plane that answers: the one with the word `data-plane` among its arguments."""
        for pid, parent in parents().items():
            if parent != self.server.process.pid:
                continue
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    if b"data-plane" in file.read():
                        return pid
        raise WrongAnswers(f"{self.proxy.name} has no data plane")

    def _await_answer(self, began, number):
        """Until one connection is answered. What the dead process had accepted already is reset; none is refused."""
        while time.monotonic() < began + PATIENCE:
            try:
                with socket.create_connection(("127.0.0.1", self.proxy.http_port), timeout=PATIENCE) as connection:
                    connection.sendall(REQUEST)
                    if connection.recv(4096).startswith(b"HTTP/1.1 200"):
                        return
            except ConnectionRefusedError:
                self.refused += 1
            except ConnectionError:
                pass
        raise WrongAnswers(f"{self.proxy.name}: no answer within {PATIENCE} s of kill {number}")
