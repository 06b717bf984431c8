import Testing

/// Clients that go away with requests of theirs still on the way.
@Suite("Clients that leave", .patient)
struct AbandonmentTests {
    private static let get = "GET / HTTP/1.1\r\n\(Refusal.host)\r\n"
    private static let halfPut = "PUT / HTTP/1.1\r\n\(Refusal.host)Content-Length: 100\r\n\r\nabc"
    private static let clients = 20

    /// None of these ends what the gateway did not notice.
    private static let patient = "timeouts: { client: 1h, http-request: 1h, http-keep-alive: 1h, server: 1h }"

    /// Nothing is in flight.
    private func expectRest(_ metrics: Metrics) throws {
        for series in ["gatehouse_server_requests_in_flight", "gatehouse_client_connections_open"] {
            try eventually("\(series) falls to 0") { try metrics.value(series) == 0 }
        }
    }

    @Test(
        "a reset ends the request under way, and those behind it do not begin",
        arguments: [[get], [get, get], [get, get, get], [get, halfPut], [halfPut]]
    )
    func reset(requests: [String]) throws {
        let silent = try ScriptedServer(remembers: false) { $0.hold() }
        let metrics = try Metrics()
        let gateway = try Gateway(silent, gateway: [Self.patient, metrics.setting])
        let clients = try (0..<Self.clients).map { _ in
            let client = try gateway.connect()
            try client.send(requests.joined())
            return client
        }
        try eventually("they are at the app server") {
            try metrics.value("gatehouse_server_requests_in_flight") == Double(Self.clients)
        }
        for client in clients { client.socket.abort() }
        try expectRest(metrics)
    }

    @Test("so it is when interim answers come before the answer")
    func interim() throws {
        let chatty = try ScriptedServer(remembers: false) { peer in
            while try peer.request() != nil {
                for _ in 0..<20 { try peer.send("HTTP/1.1 102 Processing\r\n\r\n") }
                try peer.answer("done")
            }
        }
        let metrics = try Metrics()
        let gateway = try Gateway(chatty, gateway: [Self.patient, metrics.setting])
        for _ in 0..<5 {
            let clients = try (0..<Self.clients).map { _ in
                let client = try gateway.connect()
                try client.send(Self.get + Self.get + Self.get)
                return client
            }
            for client in clients {
                _ = try client.take(10)
                client.socket.abort()
            }
        }
        try expectRest(metrics)
        let client = try gateway.connect()
        try client.send(Self.get)
        var answer = try client.readResponse()
        while answer.status == 102 { answer = try client.readResponse() }
        #expect(answer.text == "done")
    }
}
