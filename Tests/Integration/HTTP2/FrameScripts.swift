/// Python that speaks HTTP/2 frame by frame, with no library between that would refuse to send what is wrong.
/// Each script ends by printing one line for each case: its name and what the gateway did.
enum FrameScripts {
    /// A connection, frames, header blocks, and what came back.
    static let prelude = """
        import socket, ssl, struct, sys
        import hpack

        PORT = int(sys.argv[1])
        DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
        GET = [(":method", "GET"), (":scheme", "https"), (":authority", "foobar.test"), (":path", "/")]
        POST = [(":method", "POST"), (":scheme", "https"), (":authority", "foobar.test"), (":path", "/")]

        def frame(kind, flags, stream, payload=b""):
            return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload

        class Connection:
            def __init__(self, settings=b"", preface=True):
                context = ssl.create_default_context()
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
                context.set_alpn_protocols(["h2"])
                raw = socket.create_connection(("127.0.0.1", PORT), 60)
                self.tls = context.wrap_socket(raw, server_hostname="foobar.test")
                self.encoder, self.decoder = hpack.Encoder(), hpack.Decoder()
                self.buffer = b""
                if preface:
                    self.send(b"PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n" + frame(SETTINGS, 0, 0, settings))

            def send(self, data):
                self.tls.sendall(data)

            def request(self, fields, stream=1, end=True):
                self.send(frame(HEADERS, 4 | (1 if end else 0), stream, self.block(fields)))

            def block(self, fields):
                return self.encoder.encode([hpack.NeverIndexedHeaderTuple(*field) for field in fields])

            def receive(self):
                # One frame as (kind, flags, stream, payload); None at the end.
                while len(self.buffer) < 9 or len(self.buffer) < 9 + int.from_bytes(self.buffer[:3], "big"):
                    try:
                        part = self.tls.recv(65536)
                    except socket.timeout:
                        raise
                    except OSError:
                        return None
                    if not part:
                        return None
                    self.buffer += part
                length = int.from_bytes(self.buffer[:3], "big")
                head, payload = self.buffer[:9], self.buffer[9:9 + length]
                self.buffer = self.buffer[9 + length:]
                return head[3], head[4], int.from_bytes(head[5:9], "big") & 0x7fffffff, payload

            def ending(self):
                # How the connection ends: the code of GOAWAY, if one came, and `closed`.
                found = []
                try:
                    while True:
                        got = self.receive()
                        if got is None:
                            return ", ".join(found + ["closed"])
                        if got[0] == GOAWAY:
                            found.append("goaway %d" % int.from_bytes(got[3][4:8], "big"))
                except (socket.timeout, TimeoutError):
                    return ", ".join(found + ["silence"])

            def outcome(self, stream=1):
                # What ends the stream: its status, `reset` or the connection's end.
                status = None
                try:
                    while True:
                        got = self.receive()
                        if got is None:
                            return "closed"
                        kind, flags, number, payload = got
                        if kind == GOAWAY and int.from_bytes(payload[4:8], "big") != 0:
                            return "goaway"
                        if kind == RST_STREAM and number == stream:
                            return "reset" if status is None else status
                        if kind == HEADERS:
                            fields = self.decoder.decode(payload)
                            if number == stream:
                                found = [v for n, v in fields if n in (":status", b":status")]
                                status = str(found[0]) if found else status
                        if number == stream and kind in (HEADERS, DATA) and flags & 1:
                            return status
                except (socket.timeout, TimeoutError):
                    return "silence"

        """

    /// Requests that are wrong, one a connection. Each ends with a 4xx, a reset or the connection's end.
    static let refusals =
        prelude + """
            def without(name): return [f for f in GET if f[0] != name]
            def replacing(name, value): return [(n, value if n == name else v) for n, v in GET]

            CASES = {
                "upper case in a name": GET + [("Abc", "d")],
                "a space in a name": GET + [("a b", "c")],
                "a colon in a name": GET + [("a:b", "c")],
                "an empty name": GET + [("", "c")],
                "CR in a value": GET + [("a", "b\\rc")],
                "LF in a value": GET + [("a", "b\\nc")],
                "CRLF and a field in a value": GET + [("a", "b\\r\\nx-evil: 1")],
                "NUL in a value": GET + [("a", "b\\0c")],
                "a control character in a value": GET + [("a", "b\\1c")],
                "DEL in a value": GET + [("a", "b\\x7fc")],
                "a space before a value": GET + [("a", " b")],
                "a tab behind a value": GET + [("a", "b\\t")],
                "CRLF in a name": GET + [("a: b\\r\\nc", "d")],
                "NUL in a name": GET + [("a\\0b", "c")],
                "a name beyond ASCII": GET + [("\\u00e9", "c")],
                "no method": without(":method"),
                "no scheme": without(":scheme"),
                "no path": without(":path"),
                "an empty path": replacing(":path", ""),
                "a path without a slash": replacing(":path", "a"),
                "a space in the path": replacing(":path", "/a b"),
                "CRLF in the path": replacing(":path", "/ HTTP/1.1\\r\\nx-evil: 1"),
                "a fragment in the path": replacing(":path", "/a#b"),
                "an asterisk with GET": replacing(":path", "*"),
                "a tab in the path": replacing(":path", "/a\\tb"),
                "NUL in the path": replacing(":path", "/\\0"),
                "DEL in the path": replacing(":path", "/\\x7f"),
                "a path beyond ASCII": replacing(":path", "/\\u00e9"),
                "a whole request in the path": replacing(
                    ":path", "/ HTTP/1.1\\r\\nHost: foobar.test\\r\\n\\r\\nGET /evil"),
                "an absolute path": replacing(":path", "https://evil.test/"),
                "a scheme of no web": replacing(":scheme", "file"),
                "a request line in the scheme": replacing(":scheme", "http://evil.test/ HTTP/1.1\\r\\nx-evil: 1"),
                "an empty method": replacing(":method", ""),
                "a colon in the method": replacing(":method", "GE:T"),
                "a space in the method": replacing(":method", "GET /evil HTTP/1.1"),
                "CRLF in the method": replacing(":method", "GET\\r\\nx-evil: 1"),
                "CRLF in the authority": replacing(":authority", "foobar.test\\r\\nx-evil: 1"),
                "a user in the authority": replacing(":authority", "user@foobar.test"),
                "an empty authority": replacing(":authority", ""),
                "a space in the authority": replacing(":authority", "foobar.test evil.test"),
                "a list in the authority": replacing(":authority", "foobar.test, evil.test"),
                "a path in the authority": replacing(":authority", "foobar.test/a"),
                "a port that is none in the authority": replacing(":authority", "foobar.test:99999"),
                "a method twice": GET + [(":method", "GET")],
                "a path twice": [GET[0]] + GET,
                "an unknown pseudo-field": [(":evil", "a")] + GET,
                "a response's pseudo-field": [(":status", "200")] + GET,
                "a pseudo-field behind a field": GET[:3] + [("a", "b")] + GET[3:],
                "Host that differs from the authority": GET + [("host", "evil.test")],
                "two Hosts": GET + [("host", "foobar.test"), ("host", "foobar.test")],
                "no authority and no Host": without(":authority"),
                "Connection": GET + [("connection", "close")],
                "Transfer-Encoding": POST + [("transfer-encoding", "chunked")],
                "Upgrade": GET + [("upgrade", "websocket")],
                "Keep-Alive": GET + [("keep-alive", "1")],
                "Proxy-Connection": GET + [("proxy-connection", "close")],
                "TE other than trailers": GET + [("te", "gzip")],
                "TE with more than trailers": GET + [("te", "trailers, gzip")],
                "Transfer-Encoding without a body": GET + [("transfer-encoding", "identity")],
                ":protocol without CONNECT": [(":protocol", "websocket")] + GET,
                ":protocol that is no token": [(":method", "CONNECT"), (":protocol", "a b")] + GET[1:],
                "extended CONNECT with a length": [
                    (":method", "CONNECT"), (":protocol", "websocket")] + GET[1:] + [("content-length", "0")],
                "CONNECT": [(":method", "CONNECT"), (":authority", "foobar.test:443")],
                "an end with a Content-Length outstanding": POST + [("content-length", "3")],
                "two Content-Lengths": POST + [("content-length", "0"), ("content-length", "0")],
                "a Content-Length that is no number": POST + [("content-length", "+0")],
                "a Content-Length in hexadecimal": POST + [("content-length", "0x0")],
                "an empty Content-Length": POST + [("content-length", "")],
                "a Content-Length in a list": POST + [("content-length", "0, 0")],
                "a Content-Length beyond 64 bits": POST + [("content-length", "18446744073709551616")],
            }
            for name, fields in CASES.items():
                connection = Connection()
                connection.request(fields)
                print(name, connection.outcome(), sep="|", flush=True)

            def body(name, length, *frames):
                connection = Connection()
                connection.request(POST + [("content-length", length)], end=False)
                for data, end in frames:
                    connection.send(frame(DATA, 1 if end else 0, 1, data))
                print(name, connection.outcome(), sep="|", flush=True)

            body("less data than the Content-Length", "5", (b"abc", True))
            body("more data than the Content-Length", "2", (b"abc", True))

            def trailers(name, fields, end=True, length=None):
                connection = Connection()
                connection.request(POST + ([("content-length", length)] if length else []), end=False)
                connection.send(frame(DATA, 0, 1, b"abc"))
                connection.request(fields, end=end)
                print(name, connection.outcome(), sep="|", flush=True)

            trailers("a pseudo-field in the trailers", [(":path", "/evil")])
            trailers("upper case in a trailer's name", [("Abc", "d")])
            trailers("CRLF in a trailer", [("a", "b\\r\\nc: d")])
            trailers("Transfer-Encoding in the trailers", [("transfer-encoding", "chunked")])
            trailers("Connection in the trailers", [("connection", "close")])
            trailers("trailers that do not end the stream", [("a", "b")], end=False)
            trailers("trailers before the Content-Length's end", [("a", "b")], length="5")
            """

    /// Breaches of the protocol itself: the connection ends.
    static let breaches =
        prelude + """
            def case(name, act, settings=b""):
                connection = Connection(settings)
                try:
                    act(connection)
                except OSError:
                    pass
                print(name, connection.outcome(), sep="|", flush=True)

            case("DATA on an idle stream", lambda c: c.send(frame(DATA, 1, 1, b"abc")))
            case("an even stream", lambda c: c.request(GET, stream=2))
            case("a frame that is too long", lambda c: c.send(frame(HEADERS, 4, 1, b"a" * 20000)))
            case("a header block that is none", lambda c: c.send(frame(HEADERS, 5, 1, b"\\xff" * 40)))
            case("CONTINUATION out of place", lambda c: c.send(frame(CONTINUATION, 4, 1, b"")))
            case("another frame inside a header block", lambda c: c.send(
                frame(HEADERS, 1, 1, c.block(GET)) + frame(PING, 0, 0, b"12345678")))
            case("PUSH_PROMISE", lambda c: c.send(frame(PUSH, 4, 1, b"\\0\\0\\0\\2" + c.block(GET))))
            case("a WINDOW_UPDATE of 0", lambda c: c.send(frame(WINDOW_UPDATE, 0, 0, b"\\0\\0\\0\\0")))
            case("a window beyond 2^31", lambda c: c.send(frame(WINDOW_UPDATE, 0, 0, b"\\x7f\\xff\\xff\\xff") * 2))
            case("SETTINGS of a length that is none", lambda c: c.send(frame(SETTINGS, 0, 0, b"abc")))
            case("PING of a length that is none", lambda c: c.send(frame(PING, 0, 0, b"abc")))
            case("padding longer than its frame", lambda c: c.send(frame(DATA, 8, 1, b"\\xff")))

            connection = Connection(preface=False)
            connection.send(b"GET / HTTP/1.1\\r\\nHost: foobar.test\\r\\n\\r\\n")
            print("HTTP/1.1 where HTTP/2 was agreed", connection.outcome(), sep="|", flush=True)
            """

    /// Extended CONNECT (RFC 8441): a WebSocket's bytes, there and back, and its end.
    static let webSocket =
        prelude + """
            connection = Connection()
            connection.request(
                [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":path", "/ws"),
                 (":authority", "foobar.test"), ("sec-websocket-version", "13")], end=False)
            echoed, status = b"", None
            connection.send(frame(DATA, 0, 1, b"hello"))
            while len(echoed) < 5:
                got = connection.receive()
                if got is None:
                    break
                kind, flags, stream, payload = got
                if kind == SETTINGS and not flags & 1:
                    offered = any(payload[i:i + 6] == b"\\0\\x08\\0\\0\\0\\1" for i in range(0, len(payload), 6))
                    print("offered", offered, sep="|")
                if kind == HEADERS:
                    print("status", dict(connection.decoder.decode(payload)).get(":status"), sep="|")
                if kind == DATA:
                    echoed += payload
                if kind in (RST_STREAM, GOAWAY) or flags & 1 and kind in (HEADERS, DATA):
                    break
            print("echo", echoed.decode(), sep="|")
            """
}
