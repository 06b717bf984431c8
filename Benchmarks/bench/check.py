"""Whether a proxy answers rightly: done before each measurement, over each protocol that it is measured in."""

import http.client
import os
import socket
import ssl
import subprocess

from .errors import WrongAnswers
from .workspace import HOST, TLS_GROUP, TLS_SUITE, UPLOAD


def client_context(workspace, protocols=("http/1.1",)):
    """A context that trusts the run's certificate alone and speaks TLS 1.3."""
    context = ssl.create_default_context(cafile=str(workspace.certificate))
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(list(protocols))
    return context


def listens(proxy):
    """Throws OSError as long as one of the ports refuses."""
    for port in (proxy.https_port, proxy.http_port):
        socket.create_connection(("127.0.0.1", port), timeout=5).close()


def answers(proxy, workspace):
    """Throws WrongAnswers unless status, length and every byte are right, both ways, over HTTP, HTTPS and h2."""
    context = client_context(workspace)
    secure = http.client.HTTPSConnection(HOST, proxy.https_port, timeout=10, context=context)
    plain = http.client.HTTPConnection(HOST, proxy.http_port, timeout=10)
    try:
        for connection in (secure, plain):
            for name in ("small", "large"):
                _expect(proxy, connection, "GET", f"/{name}", None, 200, workspace.content(name))
        body = os.urandom(UPLOAD)
        name = f"put/{proxy.name}"
        _expect(proxy, secure, "POST", "/upload", body, 200, b"swallowed\n")
        _expect(proxy, secure, "PUT", f"/{name}", body, (201, 204), b"")
        if workspace.content(name) != body:
            raise WrongAnswers(f"{proxy.name}: an upload of {UPLOAD} bytes arrived changed")
    except (OSError, http.client.HTTPException) as error:
        raise WrongAnswers(f"{proxy.name}: {type(error).__name__}: {error}") from error
    finally:
        secure.close()
        plain.close()
    _check_suite(proxy, workspace)
    _check_h2(proxy, workspace)


def metrics(proxy, port):
    """Throws WrongAnswers unless the metrics page counts requests."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/metrics")
        page = connection.getresponse().read()
    except (OSError, http.client.HTTPException) as error:
        raise WrongAnswers(f"{proxy.name}: metrics: {type(error).__name__}: {error}") from error
    finally:
        connection.close()
    if b"requests_total" not in page:
        raise WrongAnswers(f"{proxy.name}: its metrics count no requests: {page[:200]!r}")


def _expect(proxy, connection, method, path, body, status, expected):
    connection.request(method, path, body=body)
    answer = connection.getresponse()
    got = answer.read()
    statuses = status if isinstance(status, tuple) else (status,)
    if answer.status not in statuses:
        raise WrongAnswers(f"{proxy.name}: {method} {path} was answered {answer.status}, not {status}")
    if got != expected:
        raise WrongAnswers(f"{proxy.name}: {method} {path}: {len(got)} bytes that are not the {len(expected)} expected")


def _check_suite(proxy, workspace):
    """The load generators offer one suite alone: the proxy must take it."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{proxy.https_port}", "-servername", HOST, "-tls1_3"]
    command += ["-ciphersuites", TLS_SUITE, "-groups", TLS_GROUP, "-CAfile", str(workspace.certificate)]
    made = subprocess.run(command, input="", capture_output=True, text=True, timeout=10)
    if f"Cipher is {TLS_SUITE}" not in made.stdout:
        raise WrongAnswers(f"{proxy.name}: does not take {TLS_SUITE} with {TLS_GROUP}:\n{made.stdout[-500:]}")


def _check_h2(proxy, workspace):
    """ALPN must choose h2, and nghttp must get the very bytes."""
    url = f"https://{HOST}:{proxy.https_port}"
    for name in ("small", "large"):
        made = subprocess.run(["nghttp", f"{url}/{name}"], capture_output=True, timeout=20)
        if made.stdout != workspace.content(name):
            text = made.stderr.decode(errors="replace")[-500:]
            raise WrongAnswers(f"{proxy.name}: GET /{name} over h2: {len(made.stdout)} bytes, not the expected. {text}")
