"""The four proxies: how each is found, configured and started."""

import contextlib
import getpass
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from . import check
from .errors import MachineLacks, WrongAnswers
from .logsink import LogSink
from .processes import PROXY_CORE, ServerProcess
from .workspace import BENCHMARKS

START_WITHIN = 15


class Proxy:
    """A proxy under test. Subclasses say what is its own."""

    name = ""
    template = ""
    is_peer = True

    def __init__(self, workspace, apps):
        self.workspace = workspace
        self.apps = apps
        self.https_port = workspace.free_port()
        self.http_port = workspace.free_port()
        self.metrics_port = workspace.free_port()

    def binary(self):
        """The program's path; None when it is not installed."""
        # Debian keeps servers out of the path of users.
        return shutil.which(self.name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")

    def missing(self):
        """Why it cannot be started, in one line; None when it can."""
        return None if self.binary() else f"{self.name} is not installed: `make bench` installs it"

    def version(self):
        """One line."""
        made = subprocess.run([self.binary(), *self.version_arguments], capture_output=True, text=True, timeout=10)
        found = re.search(r"\d+\.\d+[^\s]*", made.stdout + made.stderr)
        return found.group() if found else "unknown"

    version_arguments = ["-v"]

    def values(self):
        """What the template may name."""
        return {
            "HTTPS": self.https_port,
            "HTTP": self.http_port,
            "APP_1": self.apps.ports[0],
            "APP_2": self.apps.ports[1],
            "METRICS": self.metrics_port,
            # Whom Gatehouse's data plane runs as.
            "USER_NAME": "nobody" if os.geteuid() == 0 else getpass.getuser(),
        }

    def command(self, configuration):
        raise NotImplementedError

    @contextlib.contextmanager
    def running(self):
        """Started afresh, answering rightly, and stopped at the end."""
        directory = self.workspace.directory(self.name)
        configuration = self.workspace.configure(self.template, directory, self.values())
        server = ServerProcess(self.name, self.command(configuration), {PROXY_CORE}, directory)
        try:
            self._await_start(server)
            server.pin()
            check.answers(self, self.workspace)
            yield server
        finally:
            server.stop()

    def _await_start(self, server):
        deadline = time.monotonic() + START_WITHIN
        while True:
            server.require_alive()
            try:
                return check.listens(self)
            except OSError as error:
                if time.monotonic() > deadline:
                    text = server.output.read_text(errors="replace")[-2000:]
                    raise WrongAnswers(f"{self.name} does not answer: {error}. It said:\n{text}") from error
            time.sleep(0.02)


class NGINX(Proxy):
    name = "nginx"
    template = "nginx.conf"

    def command(self, configuration):
        return [self.binary(), "-c", str(configuration), "-e", str(configuration.with_name("error.log"))]


class HAProxy(Proxy):
    name = "haproxy"
    template = "haproxy.conf"

    def __init__(self, workspace, apps):
        super().__init__(workspace, apps)
        self.log = LogSink()

    def values(self):
        return {**super().values(), "LOG": self.log.port}

    def command(self, configuration):
        return [self.binary(), "-db", "-f", str(configuration)]


class H2O(Proxy):
    name = "h2o"
    template = "h2o.conf"

    def command(self, configuration):
        return [self.binary(), "-c", str(configuration)]


class Gatehouse(Proxy):
    """Built before; where it is, the variable GATEHOUSE says, else it is the release build."""

    name = "gatehouse"
    template = "gatehouse.yaml"
    is_peer = False
    version_arguments = ["--version"]

    def binary(self):
        path = Path(os.environ.get("GATEHOUSE") or BENCHMARKS.parent / ".build/release/gatehouse").absolute()
        return str(path) if os.access(path, os.X_OK) else None

    def missing(self):
        return None if self.binary() else "gatehouse is not built: swift build -c release, or name it in GATEHOUSE"

    def command(self, configuration):
        # The admin socket is its own: another gateway of the same name on this machine is left alone.
        socket = configuration.with_name("admin.sock")
        return [self.binary(), "serve", "--site", str(configuration), "--workers", "1", "--socket", str(socket)]

    @contextlib.contextmanager
    def running(self):
        """As all, and with its metrics there to be read."""
        with super().running() as server:
            check.metrics(self, self.metrics_port)
            yield server


ALL = [NGINX, HAProxy, H2O, Gatehouse]
NAMES = [kind.name for kind in ALL]


def available(names, workspace, apps):
    """The proxies of these names that can run, with one line for each that cannot."""
    chosen = [kind(workspace, apps) for kind in ALL if kind.name in names]
    absent = [proxy.missing() for proxy in chosen if proxy.missing()]
    if missing_peers := [proxy for proxy in chosen if proxy.is_peer and proxy.missing()]:
        raise MachineLacks(missing_peers[0].missing())
    return [proxy for proxy in chosen if not proxy.missing()], absent
