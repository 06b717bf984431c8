import Testing

/// The harness against itself and nginx, without the gateway: what the other tests rest on.
@Suite("Harness", .patient)
struct HarnessTests {
    @Test("a scripted server reads and remembers requests, also chunked ones with trailers, and answers")
    func scriptedServer() throws {
        let server = try ScriptedServer.named("app")
        let client = try HTTPConnection(port: server.port)
        let first = try client.exchange("GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(first.status == 200)
        #expect(first.text == "app")
        #expect(first["x-served-by"] == "app")
        try client.send("POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nSum: 1\r\n\r\n")
        #expect(try client.readResponse().status == 200)
        #expect(server.requests.map(\.startLine) == ["GET /a HTTP/1.1", "POST /b HTTP/1.1"])
        #expect(server.requests[1].text == "abc")
        #expect(server.requests[1].trailers == [Field(name: "Sum", value: "1")])
        #expect(server.requestConnections == [0, 0])
    }

    @Test("an answer that ends early is told from a whole one")
    func truncatedAnswer() throws {
        let server = try ScriptedServer { peer in
            _ = try peer.request()
            try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        }
        let client = try HTTPConnection(port: server.port)
        #expect(throws: HarnessError.self) { try client.exchange("GET / HTTP/1.1\r\n\r\n") }
    }

    @Test("a stopped server refuses, and another can have its port")
    func stop() throws {
        let server = try ScriptedServer.named("one")
        server.stop()
        #expect(throws: Socket.Failure.self) { try HTTPConnection(port: server.port) }
        let successor = try ScriptedServer.named("two", port: server.port)
        #expect(try HTTPConnection(port: successor.port).exchange("GET / HTTP/1.1\r\n\r\n").text == "two")
    }

    @Test("silence and a reset are told apart from a close")
    func closeByPeer() throws {
        let server = try ScriptedServer { peer in
            let request = try peer.request()
            switch request?.startLine {
            case "GET /close HTTP/1.1": return
            case "GET /reset HTTP/1.1": peer.http.socket.abort()
            default: peer.hold()
            }
        }
        for (path, closed) in [("/close", true), ("/reset", true), ("/hold", false)] {
            let client = try HTTPConnection(port: server.port, patience: closed ? .seconds(60) : .milliseconds(200))
            try client.send("GET \(path) HTTP/1.1\r\n\r\n")
            #expect(try client.isClosedByPeer() == closed, "\(path)")
        }
    }

    @Test("the kernel's table shows who still holds a connection, however many there are")
    func connections() throws {
        let server = try ScriptedServer { peer in peer.hold() }
        var clients = try (0..<200).map { _ in try Socket.connect(to: server.port) }
        try eventually("all are accepted") {
            let table = TCPTable()
            return table.accepted(on: server.port) == 200 && table.made(to: server.port) == 200
        }
        clients.removeFirst(150)
        try eventually("those that were closed are gone, on both sides") {
            let table = TCPTable()
            return table.accepted(on: server.port) == 50 && table.made(to: server.port) == 50
        }
    }

    @Test("nginx serves files and dies when it is let go of")
    func nginx() throws {
        var server: NginxServer? = try NginxServer("app", files: ["big": [UInt8](repeating: 7, count: 1_000_000)])
        let port = try #require(server?.port)
        let client = try HTTPConnection(port: port)
        #expect(try client.exchange("GET / HTTP/1.1\r\nHost: x\r\n\r\n").text == "app\n")
        #expect(try client.exchange("GET /files/big HTTP/1.1\r\nHost: x\r\n\r\n").body.count == 1_000_000)
        server = nil
        try eventually("nginx has gone") { (try? Socket.connect(to: port)) == nil }
    }

    @Test("tools get their input, give their output and status, and are stopped when they hang")
    func tools() throws {
        let directory = try TemporaryDirectory()
        let result = try run("sh", ["-c", "cat; echo two >&2; exit 3"], in: directory, input: "one")
        #expect(result.output == "one")
        #expect(result.error == "two\n")
        #expect(result.status == 3)
        #expect(throws: HarnessError.self) {
            try run("sleep", ["60"], in: directory, within: .milliseconds(100))
        }
        #expect(try python("import h2, sys; print(sys.argv[1])", ["x"], in: directory).output == "x\n")
    }
}
