import Testing

/// Every counter moves when what it counts happens: one thing that happens, one series that tells.
@Suite("Counters", .patient)
struct CounterTests {
    private let get = "GET / HTTP/1.1\r\n\(Refusal.host)\r\n"

    private func timeouts(_ name: String) -> String { "gatehouse_timeouts_total{timeout=\"\(name)\"}" }

    @Test("requests by protocol, bytes, connections to servers made and kept")
    func traffic() throws {
        let metrics = try Metrics()
        let front = try SecureGateway([.init(try ScriptedServer.named("app"))], gateway: [metrics.setting], workers: 1)
        let client = try front.gateway.connect()
        for _ in 0..<3 { _ = try client.exchange(get) }
        _ = try front.gateway.connect().exchange("GET / HTTP/1.0\r\n\(Refusal.host)\r\n")
        #expect(try front.curl("--http2").output == "app")
        try metrics.reaches("gatehouse_http_requests_total{protocol=\"HTTP/1.1\"}", 3)
        try metrics.reaches("gatehouse_http_requests_total{protocol=\"HTTP/1.0\"}")
        try metrics.reaches("gatehouse_http_requests_total{protocol=\"HTTP/2\"}")
        try metrics.reaches("gatehouse_pool_requests_total{pool=\"web\",class=\"2xx\"}", 5)
        try metrics.reaches("gatehouse_pool_request_duration_seconds_count{pool=\"web\"}", 5)
        #expect(try metrics.value("gatehouse_upstream_connections_made_total") == 1)
        #expect(try metrics.value("gatehouse_upstream_connections_reused_total") == 4)
        #expect(try metrics.value("gatehouse_tls_handshakes_total{result=\"full\"}") == 1)
        for series in [
            "client_received_bytes", "client_sent_bytes", "upstream_received_bytes", "upstream_sent_bytes",
            "client_connections_accepted",
        ] {
            #expect(try metrics.value("gatehouse_\(series)_total") > 4, "\(series)")
        }
    }

    @Test("every byte from and to servers is counted: heads, interim answers, framing, bodies and trailers")
    func serverBytes() throws {
        let answer =
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n"
        let arrived = ByteCounter()
        let app = try ScriptedServer { peer in
            var request: [UInt8] = []
            repeat {
                let bytes = try peer.http.socket.read(by: Deadline(.seconds(120)))
                guard !bytes.isEmpty else { return }
                request += bytes
            } while !request.suffix(7).elementsEqual("\r\n0\r\n\r\n".utf8)
            arrived.add(request.count)
            try peer.send(answer)
            peer.hold()
        }
        let metrics = try Metrics()
        let gateway = try Gateway(app, gateway: [metrics.setting])
        let client = try gateway.connect()
        try client.send("POST / HTTP/1.1\r\n\(Refusal.host)Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
        #expect(try [client.readResponse(), client.readResponse()].map(\.status) == [103, 200])
        try metrics.reaches("gatehouse_upstream_received_bytes_total", Double(answer.utf8.count))
        #expect(try metrics.value("gatehouse_upstream_received_bytes_total") == Double(answer.utf8.count))
        try metrics.reaches("gatehouse_upstream_sent_bytes_total", Double(arrived.value))
        #expect(try metrics.value("gatehouse_upstream_sent_bytes_total") == Double(arrived.value))
        try eventually("the log has the bodies alone") {
            gateway.accessLog.contains { $0["bytes"] as? Int == 3 && $0["request_bytes"] as? Int == 5 }
        }
    }

    @Test("each refusal under its reason, over both protocols, with a line in the log")
    func refusals() throws {
        let metrics = try Metrics()
        let front = try SecureGateway(
            [.init(try ScriptedServer.named("app"))],
            gateway: ["limits: { body: 10B, streams: 1 }", metrics.setting]
        )
        func send(_ request: String) throws {
            let client = try front.gateway.connect()
            _ = try client.exchange(request)
        }
        try send("GET / HTTP/1.1\r\nHost : a\r\n\r\n")
        try send("POST / HTTP/1.1\r\n\(Refusal.host)Content-Length: 11\r\n\r\n")
        try send("POST / HTTP/1.1\r\n\(Refusal.host)Transfer-Encoding: chunked\r\n\r\nb\r\nabcdefghijk\r\n0\r\n\r\n")
        let result = try python(
            FrameScripts.prelude + """
                def case(fields, end=True, *more):
                    connection = Connection()
                    connection.request(fields, end=end)
                    for part in more:
                        connection.send(part)
                    print(connection.outcome())

                case(GET + [("connection", "close")])
                case(GET[:3] + [(":path", "/a#b")])
                case(GET + [("a", "b" * 9000)])
                case([(":method", "CONNECT"), (":authority", "foobar.test:443")])
                case(POST + [("content-length", "3")], False, frame(DATA, 1, 1, b"ab"))
                connection = Connection()
                connection.request(POST, 1, False)
                connection.request(GET, 3)
                print(connection.outcome(3))
                """,
            ["\(front.secure)"],
            in: front.directory
        )
        #expect(result.output == "reset\nreset\n431\n501\nreset\nreset\n", "\(result.error)")
        for (reason, count) in [
            ("space-before-colon", 1), ("body-too-large", 2), ("malformed-stream", 2), ("fragment-in-target", 1),
            ("field-too-long", 1), ("connect-not-allowed", 1), ("too-many-streams", 1),
        ] {
            try metrics.reaches("gatehouse_http_requests_refused_total{reason=\"\(reason)\"}", Double(count))
        }
        #expect(try metrics.value("gatehouse_http_requests_refused_total") == 9)
        try eventually("nine lines are there") { front.gateway.accessLog.count { $0["refusal"] != nil } == 9 }
        let refused = front.gateway.accessLog.filter { $0["refusal"] != nil }
        #expect(refused.allSatisfy { ($0["request_id"] as? String)?.count == 32 })
        #expect(refused.count { $0["protocol"] as? String == "HTTP/2" } == 6)
        let statuses = refused.compactMap { $0["status"] as? Int }.sorted()
        #expect(statuses == [0, 0, 0, 0, 400, 413, 413, 431, 501])
    }

    @Test("what an HTTP/2 client asks too much of gets the error page, as Accept asks")
    func errorPage() throws {
        let front = try SecureGateway([.init(try ScriptedServer.named("app"))])
        let result = try front.curl(
            "--http2",
            "--header",
            "Accept: application/json",
            "--header",
            "A: \(String(repeating: "b", count: 9000))",
            "--include"
        )
        #expect(result.output.hasPrefix("HTTP/2 431"), "\(result)")
        let identifier = try #require(
            result.output.split(separator: "\r\n").first { $0.hasPrefix("x-request-id: ") }?.dropFirst(14)
        )
        #expect(result.output.contains("\"request_id\":\"\(identifier)\""))
    }

    @Test("the client's time-outs: client, client-hs, http-request, http-keep-alive, client-fin")
    func clientTimeouts() throws {
        let metrics = try Metrics()
        let settings =
            "timeouts: { client: 1s, client-hs: 1s, http-request: 1s, http-keep-alive: 1s, client-fin: 150ms }"
        let front = try SecureGateway([.init(try ScriptedServer.named("app"))], gateway: [settings, metrics.setting])
        let silent = try Socket.connect(to: front.secure)
        try metrics.reaches(timeouts("client-hs"))
        let stalled = try front.gateway.connect()
        try stalled.send("GET / HT")
        try metrics.reaches(timeouts("http-request"))
        // Answered and not closed by its client, who says no more either.
        try metrics.reaches(timeouts("client-fin"))
        let idle = try front.gateway.connect()
        _ = try idle.exchange(get)
        try metrics.reaches(timeouts("http-keep-alive"))
        let half = try front.gateway.connect()
        try half.send("POST / HTTP/1.1\r\n\(Refusal.host)Content-Length: 5\r\n\r\nabc")
        try metrics.reaches(timeouts("client"))
        #expect(try half.readResponse().status == 408)
        try metrics.reaches("gatehouse_tls_handshakes_total{result=\"failed\"}")
        _ = silent
    }

    @Test("an answer that a client does not take is given up by client, with the app server's connection")
    func notTaken() throws {
        let released = Switch(false)
        let app = try ScriptedServer { peer in
            _ = try peer.request()
            defer { released.turn(on: true) }
            try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
            while true { try peer.http.send([UInt8](repeating: 65, count: 1 << 20)) }
        }
        let metrics = try Metrics()
        let gateway = try Gateway(app, gateway: ["timeouts: { client: 300ms }", metrics.setting])
        let client = try gateway.connect()
        try client.send(get)
        try metrics.reaches(timeouts("client"))
        try eventually("the app server is let go of") { released.isOn }
        try eventually("it is logged") {
            gateway.accessLog.contains { $0["outcome"] as? String == "timeout-client" }
        }
    }

    @Test("the app server's time-outs: queue, server, check, and connect")
    func serverTimeouts() throws {
        let app = try ScriptedServer { peer in
            while let request = try peer.request() {
                if request.startLine.contains("/hang") || request.startLine.contains("/healthz") { peer.hold() }
                try peer.answer("done")
            }
        }
        let metrics = try Metrics()
        let gateway = try Gateway(
            servers: [.init(app, options: ["max-connections: 1"])],
            pool: [
                "queue: { wait: 2s, size: 1 }", "ejection: off",
                "health: { path: /healthz, every: 5s, timeout: 100ms, fall: 100 }",
            ],
            gateway: ["timeouts: { server: 5s }", metrics.setting]
        )
        let hanging = try gateway.connect()
        try hanging.send("GET /hang HTTP/1.1\r\n\(Refusal.host)\r\n")
        try eventually("it is under way") { app.requests.contains { $0.startLine.contains("/hang") } }
        let waiting = try gateway.connect()
        try waiting.send(get)
        try metrics.reaches("gatehouse_http_requests_queued_total")
        #expect(try [gateway.get().status] == [503])
        #expect(try waiting.readResponse().status == 503)
        #expect(try hanging.readResponse().status == 504)
        for name in ["queue", "server", "check"] { try metrics.reaches(timeouts(name)) }
        try eventually("each is logged by its name") {
            let outcomes = gateway.accessLog.compactMap { $0["outcome"] as? String }
            return outcomes.sorted() == ["queue-full", "timeout-queue", "timeout-server"]
        }
        try metrics.reaches("gatehouse_http_own_answers_total", 3)
        try metrics.reaches("gatehouse_server_check_failures_total")
        #expect(try metrics.value("gatehouse_server_requests_in_flight") == 0)
        #expect(try metrics.value("gatehouse_pool_queue_length") == 0)
    }

    @Test("a connection to a server that does not answer at all is given up by connect")
    func connectTimeout() throws {
        // A listener whose queue is full drops what comes: connections to it are neither made nor refused.
        let port = try Ports.free()
        let full = try Socket.listen(on: port, backlog: 0)
        let filling = (0..<4).map { _ in Socket.begin(to: port) }
        let metrics = try Metrics()
        let gateway = try Gateway(
            servers: [.init(port: port)],
            pool: ["ejection: off"],
            gateway: ["timeouts: { connect: 200ms }", metrics.setting]
        )
        #expect(try [gateway.get().status] == [504])
        try metrics.reaches(timeouts("connect"))
        #expect(try metrics.value("gatehouse_upstream_connections_failed_total") == 1)
        _ = (full, filling)
    }

    @Test("retries made and retries denied, failures, ejections")
    func retries() throws {
        let broken = try ScriptedServer { peer in _ = try peer.request() }
        let other = try ScriptedServer { peer in _ = try peer.request() }
        let metrics = try Metrics()
        let gateway = try Gateway(
            broken,
            other,
            pool: ["retries: { attempts: 2, budget: 1% }", "ejection: { failures: 20, pause: 60s }"],
            gateway: [metrics.setting],
            workers: 1
        )
        for _ in 0..<40 { #expect(try [gateway.get().status] == [502]) }
        // Ten that every pool begins with; forty requests bring less than one more.
        try metrics.reaches("gatehouse_http_request_retries_total", 10)
        try metrics.reaches("gatehouse_http_request_retries_denied_total", 30)
        #expect(try metrics.value("gatehouse_http_request_retries_total") == 10)
        try metrics.reaches("gatehouse_server_request_failures_total", 50)
        try metrics.reaches("gatehouse_server_requests_total", 50)
        try metrics.reaches("gatehouse_server_ejections_total", 2)
        #expect(try metrics.value("gatehouse_server_ejected") == 2)
    }

    @Test("connections refused, by the limit that they met")
    func refusedConnections() throws {
        for (limit, reason) in [("connections", "connections"), ("connections-per-address", "connections-per-address")]
        {
            let metrics = try Metrics()
            let gateway = try Gateway(
                ScriptedServer.named("app"),
                gateway: ["limits: { \(limit): 2 }", metrics.setting]
            )
            var held: [HTTPConnection] = []
            try eventually("a connection is refused for \(reason)") {
                held = try (0..<4).map { _ in try gateway.connect() }
                return try metrics.value("gatehouse_client_connections_refused_total{reason=\"\(reason)\"}") > 0
            }
            let all = try metrics.value("gatehouse_client_connections_refused_total")
            #expect(try metrics.value("gatehouse_client_connections_refused_total{reason=\"\(reason)\"}") == all)
            _ = held
        }
    }

    @Test("a breach of HTTP/2 itself is counted, and the streams that it ends are logged as refused")
    func breaches() throws {
        let app = try ScriptedServer { peer in
            _ = try peer.request()
            peer.hold()
        }
        let metrics = try Metrics()
        let front = try SecureGateway([.init(app)], gateway: [metrics.setting])
        let result = try python(
            FrameScripts.prelude + """
                connection = Connection()
                connection.request(GET, 1)
                connection.send(frame(SETTINGS, 0, 0, b"abc"))
                print(connection.ending())
                """,
            ["\(front.secure)"],
            in: front.directory
        )
        #expect(result.output.contains("goaway 6"), "\(result)")
        try metrics.reaches("gatehouse_http2_protocol_errors_total")
        try eventually("it is logged") {
            front.gateway.accessLog.contains { $0["refusal"] as? String == "malformed-stream" }
        }
    }
}
