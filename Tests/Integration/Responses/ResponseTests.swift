import Glibc
import Testing

/// Sound answers of app servers, and what of them reaches the client.
@Suite("Forwarding of responses", .patient)
struct ResponseTests {
    private static let get = "GET / HTTP/1.1\r\n\(Refusal.host)\r\n"

    /// An app server that answers every request with these bytes.
    private func app(_ answer: String, close: Bool = false) throws -> ScriptedServer {
        try ScriptedServer { peer in
            while try peer.request() != nil {
                try peer.send(answer)
                if close { return }
            }
        }
    }

    @Test("status, reason, ordinary fields and repeated ones pass; hop-by-hop fields do not")
    func fields() throws {
        let app = try app(
            """
            HTTP/1.1 418 I'm a teapot\r\nContent-Length: 2\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r
            Connection: keep-alive, X-Mine\r\nX-Mine: 1\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r
            Proxy-Connection: close\r\nUpgrade: h2c\r\nX-Yours: 3\r\n\r\nok
            """
        )
        let response = try Gateway(app).get()
        #expect(response.status == 418)
        #expect(response.text == "ok")
        #expect(response.values("set-cookie") == ["a=1", "b=2"])
        #expect(response["x-yours"] == "3")
        for name in ["x-mine", "keep-alive", "proxy-authenticate", "proxy-connection", "upgrade"] {
            #expect(response.values(name) == [], "\(name) passed")
        }
    }

    @Test(
        "answers without a body have none, whatever their fields say, and the connection goes on",
        arguments: [
            ("GET", "HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n"),
            ("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: \"a\"\r\n\r\n"),
            ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
            ("HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ]
    )
    func bodiless(method: String, answer: String) throws {
        let client = try Gateway(app(answer)).connect()
        for _ in 0..<3 {
            let response = try client.exchange("\(method) / HTTP/1.1\r\n\(Refusal.host)\r\n", toHEAD: method == "HEAD")
            #expect([200, 204, 304].contains(response.status))
            #expect(client.buffered.isEmpty)
        }
    }

    @Test(
        "an empty body is a whole body, and the connection goes on",
        arguments: ["Content-Length: 0\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"]
    )
    func empty(framing: String) throws {
        let client = try Gateway(app("HTTP/1.1 301 Moved Permanently\r\nLocation: /a\r\n" + framing)).connect()
        for _ in 0..<3 {
            let response = try client.exchange(Self.get)
            #expect(response.status == 301)
            #expect(response.body.isEmpty)
        }
    }

    @Test("HEAD keeps the length that GET would have")
    func headLength() throws {
        let client = try Gateway(app("HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n")).connect()
        let response = try client.exchange("HEAD / HTTP/1.1\r\n\(Refusal.host)\r\n", toHEAD: true)
        #expect(response["content-length"] == "12345")
    }

    @Test("a chunked body passes whole, with its trailers apart from the head")
    func chunked() throws {
        let app = try app(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n3\r\ndef\r\n0\r\nX-Sum: 6\r\n\r\n"
        )
        let client = try Gateway(app).connect()
        for _ in 0..<2 {
            let response = try client.exchange(Self.get)
            #expect(response.text == "abcdef")
            #expect(response.framing == .chunked)
            #expect(response.values("x-sum") == [])
            #expect(response.trailers == [Field(name: "x-sum", value: "6")])
        }
    }

    @Test("a body that ends with its connection is a whole body, and the client's connection goes on")
    func untilClose() throws {
        let app = try app("HTTP/1.1 200 OK\r\n\r\nuntil the end", close: true)
        let client = try Gateway(app).connect()
        for _ in 0..<3 {
            let response = try client.exchange(Self.get)
            #expect(response.text == "until the end")
            #expect(response.framing == .chunked)
        }
    }

    @Test("an HTTP/1.0 app server will do")
    func http10() throws {
        let app = try app("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", close: true)
        let client = try Gateway(app).connect()
        for _ in 0..<3 { #expect(try client.exchange(Self.get).text == "ok") }
    }

    @Test("interim answers are passed on before the final one")
    func interim() throws {
        let app = try app(
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        )
        let client = try Gateway(app).connect()
        for _ in 0..<2 {
            let hints = try client.exchange(Self.get)
            #expect(hints.status == 103)
            #expect(hints["link"] == "</a>")
            #expect(try client.readResponse().status == 102)
            let response = try client.readResponse()
            #expect(response.status == 200)
            #expect(response.text == "ok")
        }
    }

    @Test("an answer that comes before the request has ended is passed on")
    func early() throws {
        let app = try ScriptedServer { peer in
            _ = try peer.http.readHead()
            try peer.answer("early", status: "403 Forbidden", fields: "Connection: close\r\n")
            peer.hold()
        }
        let client = try Gateway(app).connect()
        try client.send("POST / HTTP/1.1\r\n\(Refusal.host)Content-Length: 1000000\r\n\r\nabc")
        let response = try client.readResponse()
        #expect(response.status == 403)
        #expect(response.text == "early")
    }

    @Test("an answer that drips is passed on as it comes")
    func drip() throws {
        let app = try ScriptedServer { peer in
            _ = try peer.request()
            try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc")
            // The rest is sent only when the client has told, by another request, that it saw the beginning.
            try eventually("the client has seen the beginning") { peer.requestCount == 2 }
            try peer.send("def")
        }
        let gateway = try Gateway(app)
        let client = try gateway.connect()
        try client.send(Self.get)
        _ = try client.readHead()
        #expect(try client.take(3) == Array("abc".utf8))
        try gateway.connect().send(Self.get)
        #expect(try client.take(3) == Array("def".utf8))
    }

    private static let pieces =
        "HTTP/1.1 200 OK\r\nX-First: 1\r\nContent-Length: 41\r\nX-Last: 2\r\n\r\n"
        + "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nown"

    /// An app server that sends the answer in two pieces: as many bytes as the target says, and a moment later the rest.
    private func appInPieces() throws -> ScriptedServer {
        try ScriptedServer { peer in
            while let request = try peer.request() {
                let target = request.startLine.split(separator: " ")[1]
                let cut = Int(target.dropFirst()) ?? 0
                try peer.http.send(Array(Self.pieces.utf8.prefix(cut)))
                // For the gateway to read the first piece alone; where it does not, the test shows less.
                usleep(4_000)
                try peer.http.send(Array(Self.pieces.utf8.dropFirst(cut)))
            }
        }
    }

    @Test("an answer that comes in two pieces, cut anywhere, is the same answer")
    func pieces() throws {
        let app = try appInPieces()
        let client = try Gateway(app).connect()
        for cut in 1..<Self.pieces.utf8.count - 1 {
            try client.send("GET /\(cut) HTTP/1.1\r\n\(Refusal.host)\r\n")
            let response = try client.readResponse()
            #expect(response.status == 200, "cut at \(cut)")
            #expect(response["x-first"] == "1" && response["x-last"] == "2", "cut at \(cut): \(response)")
            #expect(response.text.hasSuffix("own") && response.text.utf8.count == 41, "cut at \(cut)")
        }
    }

    @Test("the same over HTTP/2")
    func piecesOverHTTP2() throws {
        let app = try appInPieces()
        let gateway = try SecureGateway([.init(app)])
        for cut in stride(from: 3, to: Self.pieces.utf8.count - 1, by: 9) {
            let answer = try gateway.curl("--http2", "--include", path: "/\(cut)")
            #expect(answer.status == 0 && answer.output.hasPrefix("HTTP/2 200"), "cut at \(cut): \(answer)")
            #expect(answer.output.contains("x-first: 1") && answer.output.hasSuffix("own"), "cut at \(cut): \(answer)")
        }
    }
}
