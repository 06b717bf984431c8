"""The temporary directory of a run: certificate, contents of the app servers, filled-in configurations."""

import getpass
import grp
import os
import re
import resource
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from .errors import MachineLacks

BENCHMARKS = Path(__file__).resolve().parent.parent
HOST = "localhost"

SMALL = 100
LARGE = 1024 * 1024
UPLOAD = 64 * 1024

# Every load generator that reads OpenSSL's configuration offers this alone, so that all proxies speak the same
# version, suite and group whatever their defaults.
TLS_SUITE = "TLS_AES_128_GCM_SHA256"
TLS_GROUP = "X25519"
CLIENT_OPENSSL = f"""openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = client
[client]
MinProtocol = TLSv1.3
Ciphersuites = {TLS_SUITE}
Groups = {TLS_GROUP}
"""

OPEN_FILES = 16384


class Workspace:
    """Use it in a `with`: the directory is removed at the end, whatever happens."""

    def __init__(self):
        self._ports = []

    def __enter__(self):
        raise_open_files()
        self.path = Path(tempfile.mkdtemp(prefix="gatehouse-bench-"))
        try:
            self._fill()
        except BaseException:
            shutil.rmtree(self.path)
            raise
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def _fill(self):
        # h2o changes to another user before it serves; what is secret here is the key, which has its own mode.
        self.path.chmod(0o711)
        content = self.path / "content"
        (content / "put").mkdir(parents=True)
        (content / "small").write_bytes(os.urandom(SMALL // 2).hex().encode())
        (content / "large").write_bytes(os.urandom(LARGE))
        self.openssl_configuration = self.path / "openssl.cnf"
        self.openssl_configuration.write_text(CLIENT_OPENSSL)
        self.certificate = self.path / "certificate.crt"
        self.key = self.path / "certificate-key"
        self._make_certificate()

    def _make_certificate(self):
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        command += ["-days", "2", "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
        command += ["-keyout", str(self.key), "-out", str(self.certificate)]
        made = subprocess.run(command, capture_output=True, text=True, timeout=30)
        if made.returncode != 0:
            raise MachineLacks(f"openssl could not make a certificate:\n{made.stderr}")
        # HAProxy wants both in one file.
        self.bundle = self.path / "certificate-and-key"
        self.bundle.touch(mode=0o600)
        self.bundle.write_text(self.certificate.read_text() + self.key.read_text())

    def content(self, name):
        """What the app servers answer under /NAME."""
        return (self.path / "content" / name).read_bytes()

    def directory(self, name):
        """A fresh, empty directory in the workspace."""
        path = self.path / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        return path

    def free_port(self):
        """A port of 127.0.0.1 that nothing listens on, below those of the tests and of outgoing connections; each only once."""
        first_outgoing = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
        for port in range(10000, first_outgoing):
            if port in self._ports:
                continue
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    continue
            self._ports.append(port)
            return port
        raise MachineLacks(f"no free port between 10000 and {first_outgoing}")

    def configure(self, template, directory, values):
        """Fills in peers/TEMPLATE, writes it into `directory`, and gives its path."""
        text = fill_in(template, {**self.values(), **values, "DIRECTORY": directory})
        path = Path(directory, template)
        path.write_text(text)
        return path

    def values(self):
        """What every template may name."""
        return {
            "CERTIFICATE": self.certificate,
            "KEY": self.key,
            "BUNDLE": self.bundle,
            "CONTENT": self.path / "content",
            "HOST": HOST,
            "USER": f"{getpass.getuser()} {grp.getgrgid(os.getgid()).gr_name}",
            "OPEN_FILES": OPEN_FILES,
        }


def fill_in(template, values):
    """The text of peers/TEMPLATE with each @NAME@ replaced."""
    text = (BENCHMARKS / "peers" / template).read_text()
    return re.sub(r"@([A-Z0-9_]+)@", lambda name: str(values[name[1]]), text)


def raise_open_files():
    """Two thousand connections, on both sides of a proxy, need more than the usual 1,024 descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < OPEN_FILES:
        raise MachineLacks(f"the limit on open files is {hard}, {OPEN_FILES} are needed: ulimit -Hn {OPEN_FILES}")
    if soft < OPEN_FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, hard))
