import Foundation
import Testing

/// Bodies that come, and too slowly.
@Suite("The least rate of a body", .patient)
struct SlowBodyTests {
    private let settings = ["limits: { minimum-body-rate: 1000B }", "timeouts: { http-request: 1s }"]
    private let post = "POST / HTTP/1.1\r\n\(Refusal.host)Content-Length: 60000\r\n\r\n"

    @Test("a body that drips is a 408 and the end of its connection, and the server never sees a whole one")
    func dripping() throws {
        let app = try ScriptedServer.named("app")
        let metrics = try Metrics()
        let gateway = try Gateway(app, gateway: settings + [metrics.setting])
        let client = try gateway.connect(patience: .milliseconds(20))
        try client.send(post)
        var ended = false
        for _ in 0..<3000 where !ended {
            do { try client.send("a") } catch { ended = true }
            ended = (try? client.isClosedByPeer()) ?? true || !client.buffered.isEmpty
        }
        #expect(ended, "a body that drips is waited for without end")
        client.patience = .seconds(60)
        let bytes = String(decoding: try client.readToEnd(), as: UTF8.self)
        #expect(bytes.isEmpty || bytes.hasPrefix("HTTP/1.1 408"), "\(bytes)")
        #expect(app.requests.isEmpty)
        try metrics.reaches("gatehouse_http_requests_refused_total{reason=\"body-too-slow\"}")
        try eventually("it is logged") {
            gateway.accessLog.contains { $0["outcome"] as? String == "body-too-slow" }
        }
    }

    @Test("one that was ahead of the rate may rest for as long")
    func ahead() throws {
        let app = try ScriptedServer.named("app")
        let client = try Gateway(app, gateway: settings).connect()
        try client.send(post + String(repeating: "a", count: 59_500))
        try? eventually("longer than http-request", within: .milliseconds(1500)) { false }
        try client.send(String(repeating: "a", count: 500))
        #expect(try client.readResponse().status == 200)
    }

    @Test("0 asks for no rate")
    func none() throws {
        let app = try ScriptedServer.named("app")
        let settings = ["limits: { minimum-body-rate: 0B }", "timeouts: { http-request: 1s }"]
        let client = try Gateway(app, gateway: settings).connect()
        try client.send("POST / HTTP/1.1\r\n\(Refusal.host)Content-Length: 10\r\n\r\n")
        for _ in 0..<10 {
            try client.send("a")
            try? eventually("a while has passed", within: .milliseconds(150)) { false }
        }
        #expect(try client.readResponse().status == 200)
    }

    @Test("the time that an app server takes is not the client's")
    func slowServer() throws {
        let reading = Switch(false)
        let app = try ScriptedServer { peer in
            try eventually("the server may read") { reading.isOn }
            guard let request = try peer.request() else { return }
            try peer.answer("\(request.body.count)")
        }
        let gateway = try Gateway(app, gateway: ["timeouts: { http-request: 2s, client: 2s }"])
        let client = try gateway.connect()
        // More than the sockets' buffers hold, so that the gateway must stop reading.
        let size = 24 << 20
        let body = [UInt8](repeating: 97, count: size)
        try client.send("POST / HTTP/1.1\r\n\(Refusal.host)Content-Length: \(size)\r\n\r\n")
        let writer = Switch(false)
        Thread.detachNewThread {
            try? client.socket.write(body, by: Deadline(.seconds(120)))
            writer.turn(on: true)
        }
        try? eventually("longer than a client may take", within: .milliseconds(3000)) { false }
        #expect(!writer.isOn, "the gateway holds all of the body")
        reading.turn(on: true)
        #expect(try client.readResponse().text == "\(size)")
    }

    @Test("over HTTP/2 the stream ends, and no other does")
    func http2() throws {
        let app = try ScriptedServer.named("app")
        let front = try SecureGateway([.init(app)], gateway: settings)
        let result = try python(
            HTTP2Scripts.client + """
                client = Client()
                drip = client.request("POST", "/", end=False)
                rounds = 0
                while client.answers[drip].outcome is None and rounds < 3000:
                    client.send(drip, b"a")
                    client.read(0.02)
                    rounds += 1
                print(client.answers[drip].status, client.answers[drip].outcome, client.goaway, sep="|")
                print(client.finish(client.request("GET", "/")).status)
                """,
            ["\(front.secure)"],
            in: front.directory
        )
        #expect(result.output == "408|end|None\n200\n", "\(result.error)")
        #expect(app.requests.map(\.startLine) == ["GET / HTTP/1.1"])
    }
}
