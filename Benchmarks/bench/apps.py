"""The two app servers: nginx, on the load's core."""

import contextlib
import http.client
import shutil
import time

from .errors import MachineLacks
from .processes import LOAD_CORE, ServerProcess


class Apps:
    """Use it in a `with`: both are stopped at the end."""

    def __init__(self, workspace):
        self.workspace = workspace
        self.ports = [workspace.free_port(), workspace.free_port()]

    def __enter__(self):
        binary = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
        if not binary:
            raise MachineLacks("nginx is not installed: `make bench` installs it")
        with contextlib.ExitStack() as stack:
            for number, port in enumerate(self.ports, start=1):
                directory = self.workspace.directory(f"app-{number}")
                configuration = self.workspace.configure("app.conf", directory, {"PORT": port})
                command = [binary, "-c", str(configuration), "-e", str(directory / "error.log")]
                server = ServerProcess(f"app-{number}", command, {LOAD_CORE}, directory)
                stack.callback(server.stop)
                self._await_health(server, port)
            self._stop = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stop.close()

    @staticmethod
    def _await_health(server, port):
        deadline = time.monotonic() + 10
        while True:
            server.require_alive()
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            try:
                connection.request("GET", "/healthz")
                if connection.getresponse().status == 200:
                    return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            finally:
                connection.close()
