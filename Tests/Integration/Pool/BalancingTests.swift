import Testing

/// Shares by weight, exact over any window, whatever the number of workers and connections.
@Suite("Balancing", .patient)
struct BalancingTests {
    @Test("weights 2 and 1 share 300 requests 200 to 100, and any three in a row 2 to 1", arguments: [1, 4])
    func exactShares(workers: Int) throws {
        let first = try NginxServer("first")
        let second = try NginxServer("second")
        let gateway = try Gateway(
            servers: [.init(first, weight: 2), .init(second, weight: 1)],
            workers: workers
        )
        let names = try (0..<300).map { _ in try #require(try gateway.get()["x-served-by"]) }
        #expect(names.count { $0 == "first" } == 200)
        #expect(names.count { $0 == "second" } == 100)
        for start in 0...297 {
            #expect(names[start..<(start + 3)].count { $0 == "first" } == 2, "requests from \(start)")
        }
    }

    @Test("requests of one connection are shared too")
    func oneConnection() throws {
        let first = try ScriptedServer.named("first")
        let second = try ScriptedServer.named("second")
        let client = try Gateway(first, second).connect()
        for _ in 0..<50 { _ = try client.exchange("GET / HTTP/1.1\r\n\(Refusal.host)\r\n") }
        #expect(first.requests.count == 25)
        #expect(second.requests.count == 25)
    }

    @Test("weight 0 gets nothing")
    func drained() throws {
        let working = try ScriptedServer.named("working")
        let drained = try ScriptedServer.named("drained")
        let gateway = try Gateway(servers: [.init(working), .init(drained, weight: 0)])
        for _ in 0..<20 { #expect(try gateway.get().text == "working") }
        #expect(drained.requests.isEmpty)
    }

    @Test("max-connections bounds what a server works on at a time, and the rest wait their turn")
    func maxConnections() throws {
        let load = LoadMeter()
        let app = try ScriptedServer { peer in
            while try peer.request() != nil {
                load.enter()
                try? eventually("the work is done", within: .milliseconds(20)) { false }
                load.leave()
                try peer.answer("done")
            }
        }
        let gateway = try Gateway(
            servers: [.init(app, options: ["max-connections: 2"])],
            pool: ["queue: { wait: 2m, size: 100 }"]
        )
        let clients = try (0..<12).map { _ in try gateway.connect() }
        for client in clients { try client.send("GET / HTTP/1.1\r\n\(Refusal.host)\r\n") }
        for client in clients { #expect(try client.readResponse().status == 200) }
        #expect(load.peak <= 2)
    }
}
