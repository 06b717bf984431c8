import Testing

/// HTTP/2 clients that take too long: their streams end by themselves, and no others.
@Suite("Time-outs of HTTP/2 clients", .patient)
struct HTTP2DeadlineTests {
    /// Answers `/big` with 200,000 bytes, `/slow` when told to, and all else with the body's length.
    private func app(slow: Switch = Switch(true)) throws -> ScriptedServer {
        try ScriptedServer { peer in
            while let request = try peer.request() {
                if request.startLine.contains("/big") {
                    try peer.answer(String(repeating: "b", count: 200_000))
                } else if request.startLine.contains("/slow") {
                    try eventually("the slow one may go on", within: .seconds(120)) { slow.isOn }
                    try peer.answer("slow")
                } else {
                    try peer.answer("\(request.body.count)")
                }
            }
        }
    }

    private func lines(_ script: String, _ front: SecureGateway) throws -> [String] {
        let result = try python(HTTP2Scripts.client + script, ["\(front.secure)"], in: front.directory)
        try #require(result.status == 0, "\(result.error)")
        return result.output.split(separator: "\n").map(String.init)
    }

    @Test("a body of which nothing comes, and an answer that is not taken, end by `client`; the other streams go on")
    func streams() throws {
        let metrics = try Metrics()
        let front = try SecureGateway(
            [.init(try app())],
            gateway: ["timeouts: { client: 400ms }", "limits: { minimum-body-rate: 0B }", metrics.setting]
        )
        let found = try lines(
            """
            client = Client(window=20000, takes=False)
            silent = client.request("POST", "/", end=False)
            client.send(silent, b"abc")
            stuck = client.request("GET", "/big")
            rounds = 0
            while client.answers[silent].outcome is None or client.answers[stuck].outcome is None:
                other = client.request("GET", "/")
                if client.finish(other).status != "200":
                    break
                client.take(other)
                rounds += 1
                client.read(0.02)
            print(client.answers[silent].status, client.answers[silent].outcome, sep="|")
            print(client.answers[stuck].status, len(client.answers[stuck].body), client.answers[stuck].outcome, sep="|")
            other = client.request("GET", "/")
            print(client.finish(other).status, rounds > 0, client.goaway, sep="|")
            """,
            front
        )
        #expect(found == ["408|end", "200|20000|reset 8", "200|True|None"])
        try metrics.reaches("gatehouse_timeouts_total{timeout=\"client\"}", 2)
        try eventually("both are logged") {
            front.gateway.accessLog.count { $0["outcome"] as? String == "timeout-client" } == 2
        }
    }

    @Test("an answer that waits whole in the gateway for a window that never opens is given up too")
    func shortAnswer() throws {
        let front = try SecureGateway([.init(try app())], gateway: ["timeouts: { client: 2s }"])
        let found = try lines(
            """
            client = Client(window=0)
            stream = client.request("POST", "/", end=False)
            client.send(stream, b"x" * 100, end=True)
            answer = client.finish(stream)
            print(answer.status, len(answer.body), answer.outcome, sep="|")
            """,
            front
        )
        #expect(found == ["200|0|reset 8"])
    }

    @Test("a client that takes an answer slowly, but takes it, is left alone")
    func slowButSteady() throws {
        let front = try SecureGateway([.init(try app())], gateway: ["timeouts: { client: 2s }"])
        let found = try lines(
            """
            client = Client(window=20000, takes=False)
            stream = client.request("GET", "/big")
            begun = time.monotonic()
            while client.answers[stream].outcome is None and time.monotonic() - begun < 120:
                client.read()
                # Ten windows take longer than the client may take for one.
                time.sleep(0.25)
                client.take(stream)
            print(len(client.answers[stream].body), client.answers[stream].outcome, sep="|")
            """,
            front
        )
        #expect(found == ["200000|end"])
    }

    @Test("while it is the app server that is waited for, the client has all the time there is")
    func slowServer() throws {
        let slow = Switch(false)
        let server = try app(slow: slow)
        let front = try SecureGateway(
            [.init(server)],
            gateway: ["timeouts: { client: 1s, http-keep-alive: 1s, http-request: 1s, server: 5m }"]
        )
        let process = try ChildProcess(
            "/usr/bin/python3",
            [
                try script(
                    HTTP2Scripts.client + """
                        client = Client()
                        answer = client.finish(client.request("GET", "/slow"))
                        print(answer.status, answer.body.decode(), sep="|")
                        """,
                    in: front.directory
                ), "\(front.secure)",
            ],
            in: front.directory,
            name: "slow"
        )
        try eventually("the app server has the request") { !server.requests.isEmpty }
        try? eventually("longer than a client may take", within: .milliseconds(2500)) { false }
        slow.turn(on: true)
        try process.wait()
        #expect(process.standardOutput == "200|slow\n", "\(process.standardError)")
    }

    private func script(_ text: String, in directory: TemporaryDirectory) throws -> String {
        try directory.write(text, to: "waiting.py")
        return directory.path("waiting.py")
    }

    @Test("a head that is not complete in time ends the connection, in whatever frame it stops")
    func head() throws {
        let metrics = try Metrics()
        let front = try SecureGateway(
            [.init(try app())],
            gateway: ["timeouts: { http-request: 1s }", metrics.setting]
        )
        let result = try python(
            FrameScripts.prelude + """
                def case(name, *parts):
                    connection = Connection()
                    for part in parts:
                        connection.send(part(connection))
                    print(name, connection.ending(), sep="|", flush=True)

                case("half a frame", lambda c: frame(HEADERS, 5, 1, c.block(GET))[:-3])
                case("no CONTINUATION", lambda c: frame(HEADERS, 1, 1, c.block(GET)))
                case("half a CONTINUATION", lambda c: frame(HEADERS, 1, 1, c.block(GET)),
                     lambda c: frame(CONTINUATION, 4, 1, c.block([("a", "b" * 50)]))[:-3])
                case("nothing at all")
                case("a PING", lambda c: frame(PING, 0, 0, b"12345678"))
                """,
            ["\(front.secure)"],
            in: front.directory
        )
        let names = ["half a frame", "no CONTINUATION", "half a CONTINUATION", "nothing at all", "a PING"]
        #expect(result.output == names.map { "\($0)|goaway 0, closed\n" }.joined(), "\(result.error)")
        try metrics.reaches("gatehouse_timeouts_total{timeout=\"http-request\"}", 5)
        let logged = front.gateway.accessLog.filter { $0["outcome"] as? String == "timeout-http-request" }
        #expect(logged.count == 3 && logged.allSatisfy { $0["protocol"] as? String == "HTTP/2" }, "\(logged)")
    }

    @Test("an idle connection ends after http-keep-alive with GOAWAY, whatever pings it sends")
    func idle() throws {
        let metrics = try Metrics()
        let front = try SecureGateway(
            [.init(try app())],
            gateway: ["timeouts: { http-keep-alive: 2s }", metrics.setting]
        )
        let found = try lines(
            """
            client = Client()
            print(client.finish(client.request("GET", "/")).status)
            begun = time.monotonic()
            while client.goaway is None and not client.closed and time.monotonic() - begun < 120:
                client.h2.ping(b"12345678")
                client.read(0.05)
                # An interval of a client that keeps alive by PING: faster would be a flood of them.
                time.sleep(0.05)
            print(client.until_closed(), client.goaway, client.pings > 2, sep="|")
            """,
            front
        )
        #expect(found == ["200", "True|0|True"])
        try metrics.reaches("gatehouse_timeouts_total{timeout=\"http-keep-alive\"}")
    }
}
