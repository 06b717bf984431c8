import Testing

/// Python's http.client, ssl and h2: clients that others wrote, and that check what they get.
@Suite("Python's clients", .patient)
struct PythonTests {
    /// Answers with what came: method, target and body.
    private func echo() throws -> ScriptedServer {
        try ScriptedServer { peer in
            while let request = try peer.request() {
                let words = request.startLine.split(separator: " ")
                let text = "\(words[0]) \(words[1]) \(request.text)"
                if words[1].hasSuffix("chunked") {
                    try peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Kind: chunked\r\n\r\n")
                    for byte in text.utf8 { try peer.send("1\r\n\(Character(Unicode.Scalar(byte)))\r\n") }
                    try peer.send("0\r\n\r\n")
                } else if words[0] == "HEAD" {
                    try peer.send("HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\n\r\n")
                } else {
                    try peer.answer(text)
                }
            }
        }
    }

    private func check(_ script: String, _ front: SecureGateway) throws {
        let certificate = try #require(front.gateway.site.certificates.first).certificatePath
        let result = try python(
            script,
            ["\(front.plain)", "\(front.secure)", certificate],
            in: front.directory,
            within: .seconds(60)
        )
        #expect(result.status == 0 && result.output == "done\n", "\(result.output)\(result.error)")
    }

    @Test("http.client: many requests on one connection, plain and over TLS")
    func httpClient() throws {
        let app = try echo()
        try check(
            """
            import http.client, socket, ssl, sys
            plain, secure, authority = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]

            def connect(tls):
                connection = http.client.HTTPConnection("foobar.test", secure if tls else plain, timeout=20)
                raw = socket.create_connection(("127.0.0.1", secure if tls else plain), 20)
                if tls:
                    context = ssl.create_default_context(cafile=authority)
                    raw = context.wrap_socket(raw, server_hostname="foobar.test")
                connection.sock = raw
                return connection

            for tls in (False, True):
                connection = connect(tls)
                kept = connection.sock
                for number in range(50):
                    for method, target, body in (
                        ("GET", f"/{number}", None), ("HEAD", f"/{number}", None), ("POST", f"/{number}", "abc" * number),
                        ("PUT", f"/{number}?q=chunked", (part for part in [b"one", b"two", b"three" * number])),
                        ("DELETE", f"/{number}", None), ("GET", f"/{number}/chunked", None),
                    ):
                        sent = body
                        if hasattr(body, "__next__"):
                            sent = "onetwo" + "three" * number
                        connection.request(method, target, body, encode_chunked=hasattr(body, "__next__"),
                                           headers={"Transfer-Encoding": "chunked"} if hasattr(body, "__next__") else {})
                        answer = connection.getresponse()
                        text = answer.read().decode()
                        assert answer.status == 200, (answer.status, text)
                        wanted = "" if method == "HEAD" else f"{method} {target} {sent or ''}"
                        assert text == wanted, (text, wanted)
                        assert connection.sock is kept, "the connection was not kept"
                connection.close()
            print("done")
            """,
            SecureGateway([.init(app)])
        )
    }

    @Test("ssl: the chain and name are checked, sessions resume, both sides say goodbye")
    func ssl() throws {
        let app = try echo()
        try check(
            """
            import socket, ssl, sys
            secure, authority = int(sys.argv[2]), sys.argv[3]

            def connect(context, name="foobar.test", session=None):
                raw = socket.create_connection(("127.0.0.1", secure), 20)
                return context.wrap_socket(raw, server_hostname=name, session=session, suppress_ragged_eofs=False)

            def exchange(tls, last=False):
                end = b"Connection: close\\r\\n" if last else b""
                tls.sendall(b"GET / HTTP/1.1\\r\\nHost: foobar.test\\r\\n" + end + b"\\r\\n")
                answer = b""
                while not answer.endswith(b"GET / "):
                    part = tls.recv(65536)
                    assert part, answer
                    answer += part
                assert answer.startswith(b"HTTP/1.1 200 OK\\r\\n"), answer

            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                context = ssl.create_default_context(cafile=authority)
                context.minimum_version = context.maximum_version = version
                context.set_alpn_protocols(["http/1.1"])
                tls = connect(context)
                assert tls.selected_alpn_protocol() == "http/1.1"
                assert tls.compression() is None
                exchange(tls)
                exchange(tls)
                session = tls.session
                tls.unwrap().close()
                for _ in range(4):
                    tls = connect(context, session=session)
                    assert tls.session_reused, version
                    exchange(tls, last=True)
                    assert tls.recv(1) == b"", "no close_notify"
                    tls.close()

            stranger = ssl.create_default_context()
            try:
                connect(stranger)
                raise SystemExit("a stranger's certificate was trusted")
            except ssl.SSLCertVerificationError:
                pass
            try:
                connect(ssl.create_default_context(cafile=authority), "other.test")
                raise SystemExit("an unknown name got a session")
            except ssl.SSLError as error:
                assert "UNRECOGNIZED_NAME" in str(error).upper(), error
            print("done")
            """,
            SecureGateway([.init(app)])
        )
    }

    @Test("h2: streams interleave, bodies pass both ways within the windows, the end is orderly")
    func h2() throws {
        let app = try echo()
        try check(
            """
            import socket, ssl, sys
            import h2.connection, h2.config, h2.events, h2.errors
            secure, authority = int(sys.argv[2]), sys.argv[3]

            context = ssl.create_default_context(cafile=authority)
            context.set_alpn_protocols(["h2"])
            tls = context.wrap_socket(socket.create_connection(("127.0.0.1", secure), 20), server_hostname="foobar.test")
            assert tls.selected_alpn_protocol() == "h2"
            connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
            connection.initiate_connection()
            bodies, status, ended, waiting, pinged = {}, {}, set(), {}, False

            def send_what_fits():
                for stream in list(waiting):
                    while waiting.get(stream):
                        room = min(connection.local_flow_control_window(stream), connection.max_outbound_frame_size)
                        if room <= 0:
                            break
                        part, waiting[stream] = waiting[stream][:room], waiting[stream][room:]
                        connection.send_data(stream, part, end_stream=not waiting[stream])
                    if not waiting[stream]:
                        del waiting[stream]

            wanted = {}
            for number in range(40):
                stream = connection.get_next_available_stream_id()
                method, body = ("POST", bytes([97 + number % 26]) * 20000 * (number // 10)) if number % 2 else ("GET", b"")
                connection.send_headers(stream, [(":method", method), (":scheme", "https"), (":path", f"/{number}"),
                                                 (":authority", "foobar.test")], end_stream=not body)
                wanted[stream] = f"{method} /{number} {body.decode()}"
                if body:
                    waiting[stream] = body
            connection.ping(b"12345678")
            send_what_fits()
            tls.sendall(connection.data_to_send())
            while len(ended) < 40 or not pinged:
                part = tls.recv(65536)
                assert part, "the gateway closed"
                for event in connection.receive_data(part):
                    if isinstance(event, h2.events.ResponseReceived):
                        status[event.stream_id] = dict(event.headers)[":status"]
                    elif isinstance(event, h2.events.DataReceived):
                        bodies[event.stream_id] = bodies.get(event.stream_id, b"") + event.data
                        connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    elif isinstance(event, h2.events.StreamEnded):
                        ended.add(event.stream_id)
                    elif isinstance(event, h2.events.PingAckReceived):
                        pinged = event.ping_data == b"12345678"
                    elif isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)):
                        raise SystemExit(f"{event}")
                send_what_fits()
                tls.sendall(connection.data_to_send())
            for stream, text in wanted.items():
                assert status[stream] == "200", (stream, status[stream])
                assert bodies[stream].decode() == text, (stream, len(bodies[stream]), len(text))
            connection.close_connection()
            tls.sendall(connection.data_to_send())
            while tls.recv(65536):
                pass
            print("done")
            """,
            SecureGateway([.init(app)])
        )
    }
}
