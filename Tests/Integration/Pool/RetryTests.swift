import Testing

/// Which requests are tried again, on whom, and which must not be.
@Suite("Retries")
struct RetryTests {
    private let post = "POST / HTTP/1.1\r\n\(Refusal.host)Content-Length: 3\r\n\r\nabc"
    /// Takes the request and closes without an answer.
    private func closing() throws -> ScriptedServer {
        try ScriptedServer { peer in _ = try peer.request() }
    }
    /// Passive ejection would hide which server is tried.
    private let patient = "ejection: off"

    @Test("a request that never reached a server is tried on another, whatever its method")
    func refused() throws {
        let working = try ScriptedServer.named("working")
        let gateway = try Gateway(
            servers: [.init(port: try Ports.free()), .init(working)],
            pool: [patient, "retries: { budget: 100% }"]
        )
        for _ in 0..<10 {
            #expect(try gateway.get().text == "working")
            #expect(try gateway.connect().exchange(post).text == "working")
        }
        #expect(working.requests.filter { $0.startLine.hasPrefix("POST") }.allSatisfy { $0.text == "abc" })
    }

    @Test("an idempotent request without an answer begun is tried on a different server")
    func idempotent() throws {
        let broken = try closing()
        let working = try ScriptedServer.named("working")
        let gateway = try Gateway(broken, working, pool: [patient, "retries: { budget: 100% }"])
        for _ in 0..<20 { #expect(try gateway.get().text == "working") }
        #expect((10...20).contains(broken.requests.count))
    }

    @Test("a POST that a server took is not tried again")
    func notIdempotent() throws {
        let broken = try closing()
        let working = try ScriptedServer.named("working")
        let gateway = try Gateway(broken, working, pool: [patient, "retries: { budget: 100% }"])
        var statuses: [Int] = []
        for _ in 0..<20 { statuses.append(try gateway.connect().exchange(post).status) }
        #expect(statuses.count { $0 == 200 } == 10)
        #expect(statuses.count { $0 == 502 } == 10)
        #expect(broken.requests.count + working.requests.count == 20)
    }

    @Test("an answer that has begun is never tried again")
    func begun() throws {
        let half = try ScriptedServer { peer in
            _ = try peer.request()
            try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        }
        let other = try closing()
        let gateway = try Gateway(half, other, pool: [patient, "retries: { budget: 100% }"])
        for _ in 0..<10 {
            let client = try gateway.connect()
            try client.send("GET / HTTP/1.1\r\n\(Refusal.host)\r\n")
            let everything = String(decoding: try client.readToEnd(), as: UTF8.self)
            #expect(everything.split(separator: "HTTP/1.1 ").count == 1, "\(everything)")
        }
    }

    @Test("attempts: 1 means no second one")
    func attempts() throws {
        let broken = try closing()
        let working = try ScriptedServer.named("working")
        let gateway = try Gateway(broken, working, pool: [patient, "retries: { attempts: 1 }"])
        let statuses = try (0..<10).map { _ in try gateway.get().status }
        #expect(statuses.count { $0 == 502 } == 5)
    }

    @Test("retries stay within their budget")
    func budget() throws {
        let broken = try closing()
        let gateway = try Gateway(broken, try closing(), pool: [patient, "retries: { attempts: 2, budget: 20% }"])
        for _ in 0..<200 { #expect(try [gateway.get().status] == [502]) }
        let process = gateway.process.poll()
        #expect(process == nil)
        // 200 requests may bring 40 retries, besides the few that every pool has free.
        #expect(broken.requests.count < 140, "\(broken.requests.count) of the tries went to one of two servers")
    }

    @Test("a pooled connection that the server closes as the request goes out costs nothing")
    func keepAliveRace() throws {
        let app = try ScriptedServer { peer in
            // One answer a connection, closed without saying so beforehand.
            if try peer.request() != nil { try peer.answer("good") }
        }
        let gateway = try Gateway(app, pool: [patient, "retries: { budget: 100% }"], workers: 1)
        let client = try gateway.connect()
        for _ in 0..<100 {
            #expect(try client.exchange("GET / HTTP/1.1\r\n\(Refusal.host)\r\n").text == "good")
        }
    }
}
