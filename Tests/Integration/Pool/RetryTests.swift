import Testing

/// Which requests are tried again, on whom, and which must not be.
@Suite("Retries", .patient)
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

    @Test("the body of an idempotent request goes whole to the other server, and so do its trailers")
    func idempotentWithBody() throws {
        let broken = try closing()
        let working = try ScriptedServer { peer in
            while let request = try peer.request() {
                try peer.answer(request.text + request.trailers.map { " \($0)" }.joined())
            }
        }
        let gateway = try Gateway(broken, working, pool: [patient, "retries: { budget: 100% }"])
        let body = String(repeating: "abcdefgh", count: 5000)
        func put(_ framing: String, _ bytes: String) throws -> Message {
            try gateway.connect().exchange("PUT / HTTP/1.1\r\n\(Refusal.host)\(framing)\r\n\r\n\(bytes)")
        }
        let halves = "4e20\r\n\(body.prefix(20_000))\r\n4e20\r\n\(body.suffix(20_000))\r\n"
        for _ in 0..<4 {
            #expect(try put("Content-Length: 40000", body).text == body)
            let chunked = try put("Transfer-Encoding: chunked", "\(halves)0\r\nX-Sum: 1\r\n\r\n")
            #expect(chunked.text == body + " x-sum: 1")
            #expect(try put("Transfer-Encoding: chunked", "0\r\n\r\n").status == 200)
        }
        #expect(broken.requests.count >= 4)
    }

    @Test("a body too long to keep goes to one server alone, and never in part to another")
    func longBody() throws {
        let broken = try closing()
        let working = try ScriptedServer { peer in
            while let request = try peer.request() { try peer.answer("\(request.body.count)") }
        }
        let gateway = try Gateway(broken, working, pool: [patient, "retries: { budget: 100% }"])
        let put = "PUT / HTTP/1.1\r\n\(Refusal.host)Content-Length: 300000\r\n\r\n"
        let body = String(repeating: "a", count: 300_000)
        var statuses: [Int] = []
        for _ in 0..<8 {
            let answer = try gateway.connect().exchange(put + body)
            if answer.status == 200 { #expect(answer.text == "300000") }
            statuses.append(answer.status)
        }
        #expect(statuses.sorted() == [200, 200, 200, 200, 502, 502, 502, 502])
    }

    @Test("a POST whose empty body has ended is not tried again")
    func emptyChunkedPOST() throws {
        let broken = try closing()
        let working = try ScriptedServer.named("working")
        let gateway = try Gateway(broken, working, pool: [patient, "retries: { budget: 100% }"])
        let empty = "POST / HTTP/1.1\r\n\(Refusal.host)Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        let statuses = try (0..<10).map { _ in try gateway.connect().exchange(empty).status }
        #expect(statuses.count { $0 == 502 } == 5)
    }

    @Test("over HTTP/2 an empty body ends, also when it did so before there was a connection to send it on")
    func emptyBodyOverHTTP2() throws {
        let working = try ScriptedServer.named("working")
        let front = try SecureGateway(
            [.init(port: try Ports.free()), .init(working)],
            gateway: ["timeouts: { server: 30s }"],
            pool: [patient, "retries: { budget: 100% }"]
        )
        let result = try python(
            HTTP2Scripts.client + """
                client = Client()
                for _ in range(6):
                    stream = client.request("POST", "/", end=False)
                    client.send(stream, b"", end=True)
                    print(client.finish(stream).status)
                """,
            ["\(front.secure)"],
            in: front.directory
        )
        #expect(result.output == String(repeating: "200\n", count: 6), "\(result.error)")
        #expect(working.requests.count == 6)
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
        let put = "PUT / HTTP/1.1\r\n\(Refusal.host)Content-Length: 3\r\n\r\nabc"
        for _ in 0..<100 {
            #expect(try client.exchange("GET / HTTP/1.1\r\n\(Refusal.host)\r\n").text == "good")
            #expect(try client.exchange(put).text == "good")
        }
    }

    @Test("many stale connections at once, as a killed server leaves them, cost no request")
    func manyStale() throws {
        let isWarm = Switch(false)
        let app = try ScriptedServer { peer in
            // The first answers wait for each other, so that there are as many connections; each is closed when it
            // is used again, with the request unread.
            guard try peer.request() != nil else { return }
            if !isWarm.isOn { try eventually("all have asked") { peer.requestCount >= 8 } }
            try peer.answer("good")
            try peer.http.socket.awaitInput()
        }
        let gateway = try Gateway(app, pool: [patient, "retries: { attempts: 2, budget: 100% }"], workers: 1)
        let clients = try (0..<8).map { _ in try gateway.connect() }
        for client in clients { try client.send("GET / HTTP/1.1\r\n\(Refusal.host)\r\n") }
        for client in clients { #expect(try client.readResponse().text == "good") }
        isWarm.turn(on: true)
        #expect(app.connectionCount == 8)
        for _ in 0..<8 { #expect(try gateway.get().status == 200) }
    }

    @Test("a request that a server read on a kept connection, and left without an answer, was a try")
    func readAndLeft() throws {
        let reader = try ScriptedServer { peer in
            guard try peer.request() != nil else { return }
            try peer.answer("good")
            _ = try peer.request()
        }
        let alone = try Gateway(reader, pool: [patient, "retries: { attempts: 1 }"], workers: 1)
        for method in ["GET", "DELETE"] {
            #expect(try alone.get().status == 200)
            let before = reader.requests.count
            #expect(try alone.connect().exchange("\(method) /left HTTP/1.1\r\n\(Refusal.host)\r\n").status == 502)
            #expect(reader.requests.count == before + 1, "\(method)")
        }

        let working = try ScriptedServer.named("working")
        let metrics = try Metrics()
        let both = try Gateway(
            reader,
            working,
            pool: [patient, "retries: { budget: 100% }"],
            gateway: [metrics.setting],
            workers: 1
        )
        let first = reader.requests.count
        var sent = 0
        while reader.requests.count < first + 2, sent < 10 {
            #expect(try both.get().status == 200)
            sent += 1
        }
        // The reader answered one, and left one to the other server.
        #expect(reader.requests.count == first + 2)
        #expect(working.requests.count == sent - 1)
        #expect(try metrics.value("gatehouse_http_request_retries_total") == 1)
    }

    @Test("what kept connections may lose, a request loses once: its retry goes out on a new connection")
    func keptConnectionsOfAll() throws {
        let readers = try (0..<2).map { _ in
            try ScriptedServer { peer in
                guard try peer.request() != nil else { return }
                try peer.answer("good")
                _ = try peer.request()
            }
        }
        let retries = "retries: { attempts: 2, budget: 100% }"
        let gateway = try Gateway(readers[0], readers[1], pool: [patient, retries], workers: 1)
        for _ in 0..<20 { #expect(try gateway.get().status == 200) }
        #expect(readers.allSatisfy { $0.requests.count > 10 }, "requests were read and left on kept connections")
    }
}
