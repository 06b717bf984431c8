import Testing

/// Clients that go away with a reset, which the kernel tells once.
@Suite("Clients that reset", .patient)
struct ResetTests {
    @Test("a reset that comes together with the request, or in the middle of its answer, leaves nothing behind")
    func together() throws {
        let app = try NginxServer("app", files: ["large": [UInt8](repeating: 65, count: 2_000_000)])
        let gateway = try Gateway(
            servers: [.init(app)],
            pool: ["keep-alive: { idle: 200ms }"],
            // None of these ends what the gateway did not notice.
            gateway: ["timeouts: { client: 1h, http-request: 1h, http-keep-alive: 1h, server: 1h }"]
        )
        for round in 0..<200 {
            let client = try gateway.connect()
            try client.send("GET /files/large HTTP/1.1\r\n\(Refusal.host)\r\n")
            // Every other one has got something of the answer.
            if round % 2 == 1 { _ = try client.take(1000) }
            client.socket.abort()
        }
        try eventually("the gateway holds none of their connections, and none to the app server") {
            let table = TCPTable()
            return table.accepted(on: gateway.port) == 0 && table.made(to: app.port) == 0
        }
        #expect(try gateway.get("/files/large").body.count == 2_000_000)
    }
}
