import Foundation
import Testing

/// Clients and servers that take too long, at every phase of a request.
@Suite("Time-outs", .patient)
struct TimeoutTests {
    private let get = "GET / HTTP/1.1\r\n\(Refusal.host)\r\n"

    @Test("a head that is not complete in time is a 408, however steadily it drips")
    func slowHead() throws {
        let app = try ScriptedServer.named("app")
        let gateway = try Gateway(app, gateway: ["timeouts: { http-request: 1s }"])
        let stalled = try gateway.connect()
        try stalled.send("GET / HTTP/1.1\r\nHost: foo")
        #expect(try stalled.readResponse().status == 408)
        #expect(try stalled.isClosedByPeer())

        let dripping = try gateway.connect(patience: .milliseconds(40))
        try dripping.send("GET / HTTP/1.1\r\n\(Refusal.host)A: ")
        var ended = false
        for _ in 0..<1500 where !ended {
            do { try dripping.send("a") } catch { ended = true }
            ended = (try? dripping.isClosedByPeer()) ?? true || !dripping.buffered.isEmpty
        }
        #expect(ended, "a head that drips is waited for without end")
        #expect(app.connectionCount == 0)
    }

    @Test("a client that says nothing is closed")
    func silentClient() throws {
        let gateway = try Gateway(ScriptedServer.named("app"), gateway: ["timeouts: { http-request: 300ms }"])
        let client = try gateway.connect()
        let bytes = String(decoding: try client.readToEnd(), as: UTF8.self)
        #expect(bytes.isEmpty || bytes.hasPrefix("HTTP/1.1 408"), "\(bytes)")
    }

    @Test("an idle connection is closed after http-keep-alive, without a word")
    func idleClient() throws {
        let gateway = try Gateway(ScriptedServer.named("app"), gateway: ["timeouts: { http-keep-alive: 300ms }"])
        let client = try gateway.connect()
        #expect(try client.exchange(get).status == 200)
        #expect(try client.readToEnd() == [])
    }

    @Test("a body that stalls ends the request, and the server never sees a whole one")
    func stalledBody() throws {
        let app = try ScriptedServer.named("app")
        let gateway = try Gateway(app, gateway: ["timeouts: { client: 400ms }"])
        let client = try gateway.connect()
        try client.send("POST / HTTP/1.1\r\n\(Refusal.host)Content-Length: 10\r\n\r\nabc")
        let bytes = String(decoding: try client.readToEnd(), as: UTF8.self)
        #expect(bytes.isEmpty || bytes.hasPrefix("HTTP/1.1 408"), "\(bytes)")
        #expect(app.requests.isEmpty)
    }

    @Test("a server that stalls in the middle of a body cuts the client off")
    func stalledAnswer() throws {
        let app = try ScriptedServer { peer in
            _ = try peer.request()
            try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
            peer.hold()
        }
        let client = try Gateway(app, gateway: ["timeouts: { server: 2s }"]).connect()
        #expect(throws: (any Error).self) { try client.exchange(get) }
    }

    @Test("the time-out of one request does not count against the next")
    func eachRequestAnew() throws {
        let gateway = try Gateway(
            ScriptedServer.named("app"),
            gateway: ["timeouts: { http-request: 2s, server: 2s, client: 2s }"]
        )
        let client = try gateway.connect()
        for _ in 0..<6 {
            #expect(try client.exchange(get).status == 200)
            try? eventually("a while has passed", within: .milliseconds(400)) { false }
        }
    }

    /// Reads `size` bytes: for longer than the time-out of 8 s so slowly that epoll does not tell of it, then the rest.
    private func takeSlowly(_ size: Int, from socket: Socket) throws {
        var got = 0
        let slowPhase = Deadline(.seconds(11))
        while got < size {
            let isSlow = !slowPhase.hasPassed
            got += try socket.read(atMost: isSlow ? 4096 : 65_536, by: Deadline(.seconds(60))).count
            if isSlow { try? eventually("a while has passed", within: .milliseconds(20)) { false } }
        }
    }

    @Test("a server that takes an upload slowly, and all the time, is not timed out")
    func slowUpload() throws {
        let size = 24 << 20
        let app = try ScriptedServer { [self] peer in
            var head: [UInt8] = []
            while head.suffix(4) != ArraySlice("\r\n\r\n".utf8) {
                head += try peer.http.socket.read(atMost: 1, by: Deadline(.seconds(60)))
            }
            try takeSlowly(size, from: peer.http.socket)
            try peer.answer("all")
        }
        let client = try Gateway(app, gateway: ["timeouts: { server: 8s }"]).connect()
        try client.send("POST / HTTP/1.1\r\n\(Refusal.host)Content-Length: \(size)\r\n\r\n")
        let body = [UInt8](repeating: 97, count: size)
        Thread.detachNewThread { try? client.socket.write(body, by: Deadline(.seconds(120))) }
        let answer = try client.readResponse()
        #expect(answer.text == "all", "\(answer)")
    }

    @Test("a client that takes a download slowly, and all the time, is not timed out")
    func slowDownload() throws {
        let size = 24 << 20
        let app = try NginxServer("app", files: ["large": [UInt8](repeating: 97, count: size)])
        let gateway = try Gateway(servers: [.init(app)], gateway: ["timeouts: { client: 8s }"])
        let client = try Socket.connect(to: gateway.port)
        try client.write("GET /files/large HTTP/1.1\r\n\(Refusal.host)\r\n")
        try takeSlowly(size, from: client)
        #expect(gateway.process.poll() == nil)
    }
}
