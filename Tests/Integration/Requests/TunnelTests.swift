import Testing

/// Upgrades: after the 101 bytes pass both ways until either side ends.
@Suite("Tunnels", .patient)
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
                let bytes = try peer.http.socket.read(by: Deadline(.seconds(120)))
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
        let quick = "timeouts: { client: 1s, server: 1s, http-keep-alive: 1s, http-request: 1s, tunnel: 1h }"
        let patient = try Gateway(app, gateway: [quick]).connect()
        #expect(try patient.exchange(Self.upgrade).status == 101)
        try? eventually("longer than a request may idle", within: .milliseconds(1500)) { false }
        try patient.send("ping")
        #expect(try patient.take(4) == Array("ping".utf8))
        let client = try Gateway(app, gateway: ["timeouts: { tunnel: 300ms }"]).connect()
        #expect(try client.exchange(Self.upgrade).status == 101)
        #expect(try client.isClosedByPeer())
    }

    @Test("either side may end before the other, and what the other still says arrives")
    func halfClosed() throws {
        let app = try ScriptedServer { peer in
            _ = try peer.request()
            try peer.send(Self.accepted + "last words")
            peer.http.socket.endWriting()
            let rest = try peer.http.readToEnd()
            try HTTPConnection(port: UInt16(String(decoding: rest.prefix(5), as: UTF8.self)) ?? 0).send(
                Array(rest.dropFirst(5))
            )
        }
        // The server has closed its side; that it still reads shows by what it tells over another connection.
        let port = try Ports.free()
        let listener = try Socket.listen(on: port)
        let client = try Gateway(app).connect()
        #expect(try client.exchange(Self.upgrade).status == 101)
        #expect(String(decoding: try client.readToEnd(), as: UTF8.self) == "last words")
        let words = String(repeating: "still here ", count: 100_000)
        try client.send("\(port)" + words)
        client.socket.endWriting()
        let heard = HTTPConnection(try #require(try listener.accept(by: Deadline(.seconds(60)))))
        #expect(String(decoding: try heard.readToEnd(), as: UTF8.self) == words)
    }

    @Test("a tunnel that one side has ended waits for the other no longer than client-fin and server-fin")
    func fin() throws {
        let over = Switch(false)
        defer { over.turn(on: true) }
        let app = try ScriptedServer { peer in
            guard let request = try peer.request() else { return }
            try peer.send(Self.accepted)
            if request["x-ends"] != nil { peer.http.socket.endWriting() }
            // Neither answers the other's end with its own.
            _ = try? peer.http.readToEnd()
            try eventually("the test is over") { over.isOn }
        }
        let metrics = try Metrics()
        let gateway = try Gateway(
            app,
            gateway: ["timeouts: { client-fin: 200ms, server-fin: 300ms }", metrics.setting]
        )
        let silent = try gateway.connect()
        #expect(try silent.exchange(Self.upgrade).status == 101)
        silent.socket.endWriting()
        try metrics.reaches("gatehouse_timeouts_total{timeout=\"server-fin\"}")
        let ended = try gateway.connect()
        let marked = Self.upgrade.replacing("Upgrade: websocket", with: "X-Ends: 1\r\nUpgrade: websocket")
        #expect(try ended.exchange(marked).status == 101)
        try metrics.reaches("gatehouse_timeouts_total{timeout=\"client-fin\"}")
        try eventually("no tunnel is open") { try metrics.value("gatehouse_tunnels_open") == 0 }
        #expect(try metrics.value("gatehouse_tunnels_opened_total") == 2)
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
