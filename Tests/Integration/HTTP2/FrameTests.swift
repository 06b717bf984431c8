import Testing

/// HTTP/2 that is wrong or meant to exhaust, sent frame by frame.
@Suite("Refusals of HTTP/2", .patient)
struct FrameTests {
    /// Runs a script and returns what became of each of its cases.
    private func outcomes(_ script: String, _ front: SecureGateway) throws -> [(name: String, outcome: String)] {
        let result = try python(script, ["\(front.secure)"], in: front.directory, within: .seconds(300))
        try #require(result.status == 0, "\(result.error)")
        return result.output.split(separator: "\n").map { line in
            let parts = line.split(separator: "|", maxSplits: 1).map(String.init)
            return (parts[0], parts.count > 1 ? parts[1] : "")
        }
    }

    @Test("a malformed request is refused and never reaches an app server, least of all as another request")
    func malformed() throws {
        let app = try ScriptedServer.named("app")
        let front = try SecureGateway([.init(app)])
        let cases = try outcomes(FrameScripts.refusals, front)
        #expect(cases.count == 79)
        for (name, outcome) in cases {
            let refused = ["reset", "goaway", "closed", "400", "405", "421", "501"].contains(outcome)
            #expect(refused, "\(name): \(outcome)")
        }
        #expect(app.requests.map(\.description) == [])
        #expect(try front.curl("--http2").output == "app")
    }

    @Test("data behind a body that is whole by its Content-Length never reaches the app server")
    func surplus() throws {
        let app = try ScriptedServer.named("app")
        let front = try SecureGateway([.init(app)])
        let cases = try outcomes(
            FrameScripts.prelude + """
                for length, body in (("0", b""), ("3", b"abc")):
                    connection = Connection()
                    connection.request(POST + [("content-length", length)], end=False)
                    if body:
                        connection.send(frame(DATA, 0, 1, body))
                    connection.send(frame(DATA, 1, 1, b"GET /evil HTTP/1.1\\r\\nHost: foobar.test\\r\\n\\r\\n"))
                    # The request may have been answered before the surplus came.
                    print(length, connection.outcome(), sep="|", flush=True)
                """,
            front
        )
        #expect(cases.map(\.name) == ["0", "3"])
        for (name, outcome) in cases { #expect(["reset", "200"].contains(outcome), "\(name): \(outcome)") }
        #expect(try front.curl("--http2").output == "app")
        #expect(app.requests.allSatisfy { ["", "abc"].contains($0.text) && !$0.startLine.contains("evil") })
    }

    @Test("a breach of the protocol ends the connection, and no other")
    func breaches() throws {
        let app = try ScriptedServer.named("app")
        let front = try SecureGateway([.init(app)])
        let cases = try outcomes(FrameScripts.breaches, front)
        #expect(!cases.isEmpty)
        for (name, outcome) in cases {
            #expect(["goaway", "closed", "reset"].contains(outcome), "\(name): \(outcome)")
        }
        #expect(try front.curl("--http2").output == "app")
    }

    @Test("a WebSocket over HTTP/2 by extended CONNECT")
    func webSocket() throws {
        let app = try ScriptedServer { peer in
            guard let request = try peer.request(), request["upgrade"]?.lowercased() == "websocket" else { return }
            try peer.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
            while true {
                let bytes = try peer.http.socket.read(by: Deadline(.seconds(120)))
                if bytes.isEmpty { return }
                try peer.http.send(bytes)
            }
        }
        let front = try SecureGateway([.init(app)])
        let facts = try outcomes(FrameScripts.webSocket, front)
        #expect(facts.contains { $0 == ("offered", "True") })
        #expect(facts.contains { $0 == ("status", "200") })
        #expect(facts.contains { $0 == ("echo", "hello") })
    }
}
