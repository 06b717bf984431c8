import Testing

/// HTTP/2 as curl, nghttp and h2load speak it.
@Suite("HTTP/2 clients", .patient)
struct HTTP2Tests {
    @Test("curl gets the answer, and the app server the same request as over HTTP/1.1")
    func curl() throws {
        let app = try ScriptedServer.named("app")
        let front = try SecureGateway([.init(app)])
        let result = try front.curl(
            "--http2",
            "--write-out",
            "|%{http_version}|%{http_code}",
            "--header",
            "A: b",
            "--header",
            "A_b: c",
            "--header",
            "X-Forwarded-For: 6.6.6.6",
            "--header",
            "X-Real-IP: 6.6.6.6",
            "--header",
            "Proxy-Authorization: Basic x",
            path: "/x?y=z"
        )
        #expect(result.output == "app|2|200", "\(result.error)")
        let request = try #require(app.requests.first)
        #expect(request.startLine == "GET /x?y=z HTTP/1.1")
        #expect(request["host"] == "foobar.test:\(front.secure)")
        #expect(request["a"] == "b")
        #expect(!request.fields.contains { $0.name.contains("_") || $0.value.contains("6.6.6.6") })
        #expect(request.values("proxy-authorization") == [])
        #expect(request["x-forwarded-proto"] == "https")
        #expect(request["x-forwarded-for"] == "127.0.0.1")
        #expect(request["x-forwarded-port"] == "\(front.secure)")
        #expect(!request.fields.contains { $0.name.hasPrefix(":") })
    }

    @Test("bodies pass both ways, with and without a length")
    func bodies() throws {
        let app = try ScriptedServer { peer in
            while let request = try peer.request() { try peer.answer(request.text) }
        }
        let front = try SecureGateway([.init(app)])
        #expect(try front.curl("--http2", "--data", "hello").output == "hello")
        let chunked = try front.curl("--http2", "--data", "hello", "--header", "Content-Length:")
        #expect(chunked.output == "hello")
    }

    @Test("answers without a body, interim answers, errors of the gateway")
    func statuses() throws {
        let app = try ScriptedServer { peer in
            while let request = try peer.request() {
                switch request.startLine.split(separator: " ")[1] {
                case "/204": try peer.send("HTTP/1.1 204 No Content\r\n\r\n")
                case "/103":
                    try peer.send(
                        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
                    )
                case "/garbage": try peer.send("garbage\r\n\r\n")
                case "/hop": try peer.answer("ok", fields: "Connection: X-Mine\r\nX-Mine: 1\r\nKeep-Alive: a\r\n")
                default: try peer.answer("ok")
                }
            }
        }
        let front = try SecureGateway([.init(app)])
        func code(_ path: String, _ options: String...) throws -> String {
            try run(
                "curl",
                [
                    "--silent", "--insecure", "--http2", "--max-time", "20", "--output", "/dev/null", "--write-out",
                    "%{http_code}", "--resolve", "foobar.test:\(front.secure):127.0.0.1",
                    "https://foobar.test:\(front.secure)\(path)",
                ] + options,
                in: front.directory
            ).output
        }
        #expect(try code("/204") == "204")
        #expect(try code("/103") == "200")
        #expect(try code("/garbage") == "502")
        #expect(try code("/", "--head") == "200")
        #expect(try code("/", "--header", "Host: evil.test") == "421")
        let fields = try front.curl("--http2", "--include", path: "/hop").output.lowercased()
        #expect(fields.contains("200") && !fields.contains("x-mine") && !fields.contains("keep-alive"))
    }

    @Test("an answer that is cut off is reset, never ended as if whole")
    func cutOff() throws {
        for answer in [
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        ] {
            let app = try ScriptedServer { peer in
                _ = try peer.request()
                try peer.send(answer)
            }
            let front = try SecureGateway([.init(app)])
            #expect(try front.curl("--http2").status != 0, "curl took a part for the whole: \(answer)")
        }
    }

    @Test("nghttp multiplexes; a slow stream holds no other back")
    func multiplexing() throws {
        let app = try ScriptedServer { peer in
            while let request = try peer.request() {
                if request.startLine.contains("/slow") {
                    try eventually("the fast ones are through") { peer.requestCount >= 11 }
                }
                try peer.answer("done")
            }
        }
        let front = try SecureGateway([.init(app)], tls: "unknown-name: default")
        let base = "https://127.0.0.1:\(front.secure)"
        let result = try run(
            "nghttp",
            ["--no-verify-peer", "--null-out", "--stat", "--header", ":authority: foobar.test", "\(base)/slow"]
                + (0..<10).map { "\(base)/fast\($0)" },
            in: front.directory
        )
        #expect(app.requests.count == 11, "\(result.output)")
        #expect(result.output.split(separator: "\n").count { $0.contains(" 200 ") } == 11, "\(result.output)")
    }

    @Test("h2load: many streams on many connections, every answer whole")
    func load() throws {
        let first = try NginxServer("first")
        let second = try NginxServer("second")
        let front = try SecureGateway(
            [.init(first), .init(second)],
            tls: "unknown-name: default",
            workers: 2
        )
        let result = try run(
            "h2load",
            [
                "--requests", "5000", "--clients", "8", "--max-concurrent-streams", "16", "--header",
                ":authority: foobar.test", "https://127.0.0.1:\(front.secure)/",
            ],
            in: front.directory
        )
        #expect(
            result.output.contains(
                "5000 total, 5000 started, 5000 done, 5000 succeeded, 0 failed, 0 errored, 0 timeout"
            ),
            "\(result.output)"
        )
        #expect(result.output.contains("status codes: 5000 2xx, 0 3xx, 0 4xx, 0 5xx"), "\(result.output)")
    }
}
