import Testing

/// Upgrades: after the 101 bytes pass both ways until either side ends.
@Suite("Tunnels")
struct TunnelTests {
    private static let upgrade =
        "GET /ws HTTP/1.1\r\n\(Refusal.host)Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    private static let accepted =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

    /// Accepts the upgrade and sends every byte back.
    private func echo() throws -> ScriptedServer {
        try ScriptedServer { peer in
            guard let request = try peer.request() else { return }
            guard request["upgrade"]?.lowercased() == "websocket" else { return try peer.answer("plain") }
            try peer.send(Self.accepted)
            while true {
                let bytes = try peer.http.socket.read(by: Deadline(.seconds(30)))
                if bytes.isEmpty { return try peer.send("bye") }
                try peer.http.send(bytes)
            }
        }
    }

    @Test("a WebSocket's handshake and frames pass untouched, in both directions, and half-close does")
    func webSocket() throws {
        let app = try echo()
        let client = try Gateway(app).connect()
        let answer = try client.exchange(Self.upgrade)
        #expect(answer.status == 101)
        #expect(answer["upgrade"]?.lowercased() == "websocket")
        #expect(answer["connection"]?.lowercased() == "upgrade")
        #expect(answer["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        let request = try #require(app.requests.first)
        #expect(request["sec-websocket-key"] == "dGhlIHNhbXBsZSBub25jZQ==")
        #expect(request["connection"]?.lowercased() == "upgrade")
        for size in [1, 2, 125, 126, 65_536, 300_000] {
            let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            try client.send(bytes)
            #expect(try client.take(size) == bytes)
        }
        client.socket.endWriting()
        #expect(String(decoding: try client.readToEnd(), as: UTF8.self) == "bye")
    }

    @Test("bytes that follow the handshake at once are not lost, on either side")
    func eager() throws {
        let app = try ScriptedServer { peer in
            _ = try peer.request()
            try peer.send(Self.accepted + "server speaks first")
            let bytes = try peer.http.take(5)
            try peer.http.send(bytes)
        }
        let client = try Gateway(app).connect()
        try client.send(Self.upgrade + "hello")
        #expect(try client.readResponse().status == 101)
        #expect(String(decoding: try client.readToEnd(), as: UTF8.self) == "server speaks firsthello")
    }

    @Test("a refused upgrade is an ordinary answer, and the connection goes on")
    func refused() throws {
        let app = try ScriptedServer { peer in
            while let request = try peer.request() {
                try peer.answer("no", status: request["upgrade"] == nil ? "200 OK" : "426 Upgrade Required")
            }
        }
        let client = try Gateway(app).connect()
        #expect(try client.exchange(Self.upgrade).status == 426)
        #expect(try client.exchange("GET / HTTP/1.1\r\n\(Refusal.host)\r\n").status == 200)
    }

    @Test("an idle tunnel is closed after its time, an idle request's time-outs do not touch it")
    func idle() throws {
        let app = try echo()
        let quick =
            "timeouts: { client: 200ms, server: 200ms, http-keep-alive: 200ms, http-request: 200ms, tunnel: 1500ms }"
        let client = try Gateway(app, gateway: [quick]).connect()
        #expect(try client.exchange(Self.upgrade).status == 101)
        try? eventually("longer than a request may idle", within: .milliseconds(700)) { false }
        try client.send("ping")
        #expect(try client.take(4) == Array("ping".utf8))
        #expect(try client.isClosedByPeer())
    }

    @Test("when the app server dies the client is cut off")
    func serverDies() throws {
        let app = try ScriptedServer { peer in
            _ = try peer.request()
            try peer.send(Self.accepted)
            _ = try peer.http.take(1)
            peer.http.socket.abort()
        }
        let client = try Gateway(app).connect()
        #expect(try client.exchange(Self.upgrade).status == 101)
        try client.send("x")
        #expect(try client.isClosedByPeer())
    }
}
