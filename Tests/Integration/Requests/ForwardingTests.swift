import Testing

/// What of a request reaches the app server, and how.
@Suite("Forwarding of requests", .patient)
struct ForwardingTests {
    /// Sends one request and returns what the app server got.
    private func forwarded(_ request: String, gateway settings: [String] = []) throws -> Message {
        let app = try ScriptedServer.named("app")
        let gateway = try Gateway(app, gateway: settings, workers: 1)
        let response = try gateway.connect().exchange(request)
        #expect(response.status == 200, "\(response)")
        return try #require(app.requests.first)
    }

    private func forwardedGET(_ fields: String, gateway settings: [String] = []) throws -> Message {
        try forwarded("GET / HTTP/1.1\r\n\(Refusal.host)\(fields)\r\n", gateway: settings)
    }

    @Test("method, target, Host and ordinary fields pass as they came")
    func passes() throws {
        let request = try forwarded(
            "PURGE /a/%2e%2e/b%2Fc/../d;x?q=%20&r HTTP/1.1\r\nHost: foobar.test:8080\r\nA: 1\r\nB:2 \r\nA: 3\r\n\r\n"
        )
        #expect(request.startLine == "PURGE /a/%2e%2e/b%2Fc/../d;x?q=%20&r HTTP/1.1")
        #expect(request["host"] == "foobar.test:8080")
        #expect(request.values("a") == ["1", "3"])
        #expect(request["b"] == "2")
    }

    @Test("the app server learns who asked, how and where")
    func xForwarded() throws {
        let app = try ScriptedServer.named("app")
        let gateway = try Gateway(app)
        _ = try gateway.get()
        let request = try #require(app.requests.first)
        #expect(request["x-forwarded-for"] == "127.0.0.1")
        #expect(request["x-forwarded-proto"] == "http")
        #expect(request["x-forwarded-host"] == "foobar.test")
        #expect(request["x-forwarded-port"] == "\(gateway.port)")
        #expect(request["x-request-id"]?.isEmpty == false)
        #expect(request["forwarded"] == nil)
    }

    @Test("what a client says of itself is replaced")
    func spoofed() throws {
        let request = try forwardedGET(
            """
            X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 6.6.6.7\r\nX-Forwarded-Proto: 6.6.6.6\r
            X-Forwarded-Host: 6.6.6.6\r\nX-Forwarded-Port: 666\r\nForwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r
            x-forwarded-for: 6.6.6.8\r\nX-Request-Id: 6.6.6.6\r\nX-Forwarded-Prefix: 6.6.6.6\r
            X-FORWARDED-SSL: 6.6.6.6\r\nX-Forwarded-Server: 6.6.6.6\r\nX-Forwarded: 6.6.6.6\r\nProxy: 6.6.6.6\r
            X-Forward: mine\r\nProxied: mine\r

            """
        )
        #expect(request["x-forward"] == "mine" && request["proxied"] == "mine")
        #expect(!request.fields.contains { $0.value.contains("6.6.6") }, "\(request)")
        #expect(request["x-forwarded-for"] == "127.0.0.1")
        #expect(request["x-forwarded-port"] != "666")
    }

    @Test("a trusted proxy is believed, and added to")
    func trusted() throws {
        let request = try forwardedGET(
            "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Request-Id: kept-1\r\nX-Forwarded-Prefix: /a\r\n",
            gateway: ["trusted-proxies: [127.0.0.0/8]"]
        )
        #expect(request["x-forwarded-for"] == "6.6.6.6, 127.0.0.1")
        #expect(request["x-forwarded-proto"] == "https")
        #expect(request["x-request-id"] == "kept-1" && request["x-forwarded-prefix"] == "/a")
    }

    @Test("Forwarded, by a word")
    func rfc7239() throws {
        let request = try forwardedGET("Forwarded: for=6.6.6.6\r\n", gateway: ["headers: { forwarded: rfc7239 }"])
        let value = try #require(request["forwarded"])
        let pairs = Set(value.replacing("\"", with: "").split(separator: ";").map { $0.lowercased() })
        #expect(pairs.isSuperset(of: ["for=127.0.0.1", "proto=http", "host=foobar.test"]), "\(value)")
        #expect(request["x-forwarded-for"] == nil)
    }

    @Test("hop-by-hop fields end here, and those that Connection names")
    func hopByHop() throws {
        let request = try forwardedGET(
            """
            Connection: keep-alive, X-Mine, TE\r\nX-Mine: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: close\r
            TE: gzip, trailers\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nProxy-Authorization: Basic x\r
            Proxy-Authenticate: Basic\r\nX-Yours: 2\r

            """
        )
        for name in [
            "x-mine", "keep-alive", "proxy-connection", "upgrade", "proxy-authorization", "proxy-authenticate",
        ] {
            #expect(request.values(name) == [], "\(name) passed")
        }
        #expect(request.values("te").allSatisfy { $0 == "trailers" })
        #expect(!request.values("connection").contains { $0.lowercased().contains("x-mine") })
        #expect(request["x-yours"] == "2")
    }

    @Test("Connection cannot remove what app servers rely upon")
    func connectionNamesEndToEndFields() throws {
        let app = try ScriptedServer.named("app")
        let gateway = try Gateway(app)
        for name in ["X-Forwarded-For", "Authorization", "Cookie"] {
            #expect(try gateway.get(fields: "\(name): 1\r\nConnection: close, \(name)\r\n").status == 400, "\(name)")
        }
        #expect(app.connectionCount == 0)
    }

    @Test("names with underscores are dropped unless they are to be kept")
    func underscores() throws {
        #expect(try forwardedGET("X_Forwarded_For: 6.6.6.6\r\nA_b: 1\r\n").fields.allSatisfy { !$0.name.contains("_") })
        #expect(try forwardedGET("A_b: 1\r\n", gateway: ["headers: { underscores: keep }"])["a_b"] == "1")
        // A trusted proxy that lets such names through does not vouch for them.
        let trusted = ["headers: { underscores: keep }", "trusted-proxies: [127.0.0.1]"]
        let claims = "X_Forwarded_For: 6.6.6.6\r\nX-Real_IP: 6.6.6.6\r\nX_Request_Id: a\r\nX-Forwarded-Prefix: /a\r\n"
        let request = try forwardedGET(claims + "X_Mine: 1\r\n", gateway: trusted)
        #expect(request.fields.map(\.name).filter { $0.contains("_") } == ["x_mine"])
        #expect(request["x-forwarded-prefix"] == "/a")
    }

    @Test("an absolute target's authority replaces Host")
    func absoluteForm() throws {
        let request = try forwarded("GET http://foobar.test/a?b HTTP/1.1\r\nHost: evil.test\r\n\r\n")
        #expect(request.startLine == "GET /a?b HTTP/1.1")
        #expect(request.values("host") == ["foobar.test"])
        #expect(try forwarded("GET http://foobar.test HTTP/1.1\r\nHost: a\r\n\r\n").startLine == "GET / HTTP/1.1")
    }

    @Test("OPTIONS of the server as a whole passes")
    func asteriskForm() throws {
        #expect(try forwarded("OPTIONS * HTTP/1.1\r\n\(Refusal.host)\r\n").startLine == "OPTIONS * HTTP/1.1")
    }

    @Test("a body with a length keeps it")
    func length() throws {
        let request = try forwarded("POST / HTTP/1.1\r\n\(Refusal.host)Content-Length: 5\r\n\r\nhello")
        #expect(request.text == "hello")
        #expect(request["content-length"] == "5")
        #expect(request.values("transfer-encoding") == [])
    }

    @Test("a body announced as empty passes as such")
    func emptyLength() throws {
        let request = try forwarded("POST / HTTP/1.1\r\n\(Refusal.host)Content-Length: 0\r\n\r\n")
        #expect(request["content-length"] == "0")
    }

    @Test("a chunked body is chunked anew: extensions are dropped, trailers never join the head")
    func chunked() throws {
        let request = try forwarded(
            """
            POST / HTTP/1.1\r\n\(Refusal.host)Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r
            2;a=b\r\nhe\r\n3;"x"\r\nllo\r\n0;last\r\nX-Sum: 1\r\nHost: evil.test\r\nContent-Length: 0\r\n\r

            """
        )
        #expect(request.text == "hello")
        #expect(request.framing == .chunked)
        #expect(request.values("x-sum") == [])
        #expect(request.values("content-length") == [])
        #expect(request.values("host") == ["foobar.test"])
        #expect(!request.trailers.contains { ["host", "content-length"].contains($0.name.lowercased()) })
    }

    @Test("an empty chunked body is a body")
    func emptyChunked() throws {
        let request = try forwarded(
            "POST / HTTP/1.1\r\n\(Refusal.host)Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        )
        #expect(request.body.isEmpty)
    }

    @Test("a request that comes byte by byte is the same request")
    func byteByByte() throws {
        let app = try ScriptedServer.named("app")
        let gateway = try Gateway(app, workers: 1)
        let client = try gateway.connect()
        let request =
            "POST /a HTTP/1.1\r\n\(Refusal.host)Transfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n"
        for byte in request.utf8 { try client.send([byte]) }
        #expect(try client.readResponse().status == 200)
        #expect(app.requests.first?.text == "abc0123456789abcdef")
    }
}
