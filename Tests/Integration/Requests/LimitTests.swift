import Testing

/// What is too long or too much has an answer of its own, and a limit is met exactly.
@Suite("Limits of a request", .patient)
struct LimitTests {
    private func status(
        _ request: String,
        gateway settings: [String] = [],
        route: String? = nil
    ) throws -> (status: Int, closed: Bool, seen: Int) {
        let app = try ScriptedServer.named("app")
        let port = try Ports.free()
        var site = SiteFile(http: port, servers: [.init(app)], gateway: settings)
        if let route { site.routes = [route] }
        let gateway = try Gateway(site, ports: [port], workers: 1)
        let client = try gateway.connect()
        try client.send(request)
        let response = try client.readResponse()
        let closed = response.status == 200 ? false : try client.isClosedByPeer()
        return (response.status, closed, app.requests.count)
    }

    private func fields(_ count: Int, of size: Int) -> String {
        (0..<count).map { index in
            let name = "X-\(index): "
            return name + String(repeating: "a", count: size - name.count) + "\r\n"
        }.joined()
    }

    @Test("a request line beyond 8 KiB is a 414")
    func requestLine() throws {
        let long = String(repeating: "a", count: 9000)
        let refused = try status("GET /\(long) HTTP/1.1\r\n\(Refusal.host)\r\n")
        #expect(refused == (414, true, 0))
        let passed = try status("GET /\(long.prefix(8000)) HTTP/1.1\r\n\(Refusal.host)\r\n")
        #expect(passed == (200, false, 1))
    }

    @Test("a field beyond 8 KiB, fields beyond 64 KiB and more than 100 fields are a 431")
    func fields() throws {
        for (name, text) in [
            ("one long field", fields(1, of: 9000)), ("together too long", fields(12, of: 6000)),
            ("too many", fields(101, of: 10)),
        ] {
            let refused = try status("GET / HTTP/1.1\r\n\(Refusal.host)\(text)\r\n")
            #expect(refused == (431, true, 0), "\(name)")
        }
        let passed = try status("GET / HTTP/1.1\r\n\(Refusal.host)\(fields(9, of: 6000))\(fields(89, of: 10))\r\n")
        #expect(passed == (200, false, 1))
    }

    @Test("limits are configurable")
    func configured() throws {
        let settings = ["limits: { request-line: 256B, header-count: 3 }"]
        let line = try status(
            "GET /\(String(repeating: "a", count: 256)) HTTP/1.1\r\n\(Refusal.host)\r\n",
            gateway: settings
        )
        #expect(line == (414, true, 0))
        let count = try status("GET / HTTP/1.1\r\n\(Refusal.host)\(fields(3, of: 10))\r\n", gateway: settings)
        #expect(count == (431, true, 0))
    }

    @Test("a body beyond the limit is a 413, announced or chunked, and the route's limit wins")
    func body() throws {
        let settings = ["limits: { body: 10B }"]
        let announced = "POST / HTTP/1.1\r\n\(Refusal.host)Content-Length: 11\r\n\r\nabcdefghijk"
        #expect(try status(announced, gateway: settings) == (413, true, 0))
        let chunked =
            "POST / HTTP/1.1\r\n\(Refusal.host)Transfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n5\r\nghijk\r\n0\r\n\r\n"
        #expect(try status(chunked, gateway: settings) == (413, true, 0))
        let exact = "POST / HTTP/1.1\r\n\(Refusal.host)Content-Length: 10\r\n\r\nabcdefghij"
        #expect(try status(exact, gateway: settings) == (200, false, 1))
        let route = "{ hosts: [foobar.test], pool: web, body: 20B }"
        #expect(try status(announced, gateway: settings, route: route) == (200, false, 1))
    }

    @Test("over HTTP/2 each has the same answer, and the connection goes on")
    func http2() throws {
        let app = try ScriptedServer.named("app")
        let front = try SecureGateway([.init(app)], gateway: ["limits: { body: 10B }"])
        let result = try python(
            FrameScripts.prelude + """
                connection = Connection()
                stream = 1

                def case(fields, data=None):
                    global stream
                    block = connection.block(fields)
                    pieces = [block[i:i + 16384] for i in range(0, len(block), 16384)]
                    for n, piece in enumerate(pieces):
                        flags = (4 if n + 1 == len(pieces) else 0) | (1 if n == 0 and data is None else 0)
                        connection.send(frame(CONTINUATION if n else HEADERS, flags, stream, piece))
                    if data is not None:
                        connection.send(frame(DATA, 1, stream, data))
                    print(connection.outcome(stream))
                    stream += 2

                case(GET[:3] + [(":path", "/" + "a" * 9000)])
                case(GET + [("a", "b" * 9000)])
                case(GET + [("a%d" % i, "b" * 6000) for i in range(12)])
                case(GET + [("a%d" % i, "b") for i in range(101)])
                case(GET + [("expect", "tea")])
                case(POST + [("content-length", "11")], b"abcdefghijk")
                case(POST, b"abcdefghijk")
                case(POST + [("content-length", "10")], b"abcdefghij")
                case(GET + [("a%d" % i, "b" * 6000) for i in range(9)] + [("b%d" % i, "c") for i in range(80)])
                """,
            ["\(front.secure)"],
            in: front.directory
        )
        let statuses = result.output.split(separator: "\n").joined(separator: " ")
        #expect(statuses == "414 431 431 431 417 413 413 200 200", "\(result.error)")
        #expect(app.requests.count == 2)
    }

    @Test("connections of one address are bounded, others are not held up by it")
    func connectionsPerAddress() throws {
        let app = try ScriptedServer.named("app")
        let gateway = try Gateway(app, gateway: ["limits: { connections-per-address: 3 }"])
        // The harness has asked whether the port accepts; those connections must be gone first.
        var held: [HTTPConnection] = []
        try eventually("three connections of one address are served") {
            held = []
            held = try (0..<3).map { _ in try gateway.connect() }
            return held.allSatisfy { (try? $0.exchange("GET / HTTP/1.1\r\n\(Refusal.host)\r\n").status) == 200 }
        }
        let surplus = try gateway.connect()
        let answer = try? surplus.exchange("GET / HTTP/1.1\r\n\(Refusal.host)\r\n")
        #expect(answer?.status != 200)
        let other = try gateway.connect(from: "127.0.0.9")
        #expect(try other.exchange("GET / HTTP/1.1\r\n\(Refusal.host)\r\n").status == 200)
        held.removeAll()
        try eventually("the address may connect again") {
            (try? gateway.get().status) == 200
        }
    }
}
