import Testing

/// Extended CONNECT (RFC 8441) is an Upgrade to the app server, which may decline it.
@Suite("Extended CONNECT", .patient)
struct ExtendedConnectTests {
    /// What each of `paths` was answered, asked for `protocol`: status, body and how it ended.
    private func outcomes(
        _ front: SecureGateway,
        _ paths: [String],
        asking name: String = "websocket"
    ) throws -> [String] {
        let result = try python(
            HTTP2Scripts.client + """
                for path in sys.argv[3:]:
                    client = Client()
                    stream = client.request("CONNECT", path, end=False, fields=[
                        (":protocol", sys.argv[2]), ("sec-websocket-version", "13"), ("sec-websocket-key", "bWluZQ==")])
                    while not client.answers[stream].informational and client.answers[stream].status is None:
                        if not client.read(60):
                            break
                    if client.answers[stream].outcome is None:
                        client.send(stream, b"GET /smuggled HTTP/1.1\\r\\nHost: foobar.test\\r\\n\\r\\n")
                    answer = client.finish(stream)
                    body = "page" if b"<h1>" in answer.body else answer.body.decode()
                    print(answer.status, body, answer.outcome, "sec-websocket-accept" in answer.fields)
                """,
            ["\(front.secure)", name] + paths,
            in: front.directory
        )
        #expect(result.status == 0, "\(result.error)")
        return result.output.split(separator: "\n").map(String.init)
    }

    @Test("a server that declines has no tunnel: its 2xx is a 502, any other answer is passed on with its body")
    func declined() throws {
        let app = try ScriptedServer { peer in
            while let request = try peer.request() {
                let path = request.startLine.split(separator: " ")[1].dropFirst()
                guard request["upgrade"] != nil else {
                    try peer.answer("good")
                    continue
                }
                let accept = "Sec-WebSocket-Accept: a\r\n"
                switch path {
                case "200": try peer.answer("ignored", fields: accept)
                case "204": try peer.send("HTTP/1.1 204 No Content\r\n\r\n")
                case "404": try peer.answer("none here", status: "404 Not Found", fields: accept)
                case "302": try peer.answer("", status: "302 Found", fields: "Location: /\r\n")
                case "early":
                    // What the client sends before it has its answer must not come.
                    try peer.send("HTTP/1.1 103 Early Hints\r\n\r\n")
                    let early = (try? peer.http.socket.read(by: Deadline(.milliseconds(500)))) ?? []
                    try peer.answer("\(early.count) bytes", status: "403 Forbidden")
                default: break
                }
            }
        }
        let front = try SecureGateway([.init(app)])
        #expect(
            try outcomes(front, ["/200", "/204", "/404", "/302", "/early"]) == [
                "502 page end False", "502 page end False", "404 none here end False", "302  end False",
                "403 0 bytes end False",
            ]
        )
        // Any client can ask so; that puts no server out of use.
        #expect(try outcomes(front, .init(repeating: "/200", count: 20)).allSatisfy { $0.hasPrefix("502 page") })
        #expect(try front.curl("--http2").output == "good")
        #expect(!app.requests.contains { $0.startLine.contains("smuggled") })
    }

    @Test("a protocol that would carry requests past the gateway is refused", arguments: ["h2c", "h2", "HTTP", "tls"])
    func refused(_ name: String) throws {
        let app = try ScriptedServer.named("app")
        let front = try SecureGateway([.init(app)])
        #expect(try outcomes(front, ["/ws"], asking: name) == ["501 page end False"])
        #expect(app.requests.isEmpty)
    }

    @Test("the handshake with the app server is the gateway's own: one key, and its proof goes no further")
    func handshake() throws {
        let app = try ScriptedServer { peer in
            guard try peer.request() != nil else { return }
            try peer.send(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: a\r\n\r\nhello"
            )
        }
        let front = try SecureGateway([.init(app)])
        let outcome = try #require(try outcomes(front, ["/ws"]).first)
        #expect(outcome.hasPrefix("200 hello ") && outcome.hasSuffix(" False"), "\(outcome)")
        let keys = try #require(app.requests.first).values("sec-websocket-key")
        #expect(keys.count == 1 && keys != ["bWluZQ=="])
    }
}
