import Testing

/// What comes behind a body: through in all four directions, apart from the head, and nothing in it that belongs there.
@Suite("Trailers", .patient)
struct TrailerTests {
    private static let chunkedHead = "POST / HTTP/1.1\r\n\(Refusal.host)Transfer-Encoding: chunked\r\n"
    private static let wanted = [Field(name: "x-sum", value: "1"), Field(name: "content-digest", value: "2")]

    /// Trailers of which two are to pass.
    private static let mixed =
        "X-Sum: 1\r\nHost: evil.test\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\nAuthorization: Basic x\r\n"
        + "Cookie: a=b\r\nContent-Type: a/b\r\nX-Forwarded-For: 6.6.6.6\r\nContent-Digest: 2\r\n"

    @Test("of a request over HTTP/1.1")
    func requestOverHTTP1() throws {
        let app = try ScriptedServer.named("app")
        let client = try Gateway(app).connect()
        let response = try client.exchange(
            Self.chunkedHead + "Trailer: X-Sum\r\nTE: trailers\r\n\r\n3\r\nabc\r\n0\r\n" + Self.mixed + "\r\n"
        )
        #expect(response.status == 200)
        let request = try #require(app.requests.first)
        #expect(request.text == "abc")
        #expect(request.trailers == Self.wanted)
        #expect(request.values("x-sum") == [] && request.values("authorization") == [])
        #expect(request.values("host") == ["foobar.test"])
        #expect(request["trailer"] == "X-Sum")
        #expect(request["te"] == "trailers")
        #expect(request["connection"]?.lowercased() == "te")
        // Each request has its own.
        _ = try client.exchange(Self.chunkedHead + "\r\n1\r\na\r\n0\r\n\r\n")
        #expect(app.requests.last?.trailers == [])
    }

    @Test("that Connection names, or that speak in the name of the client's certificate, end here")
    func notForAll() throws {
        let app = try ScriptedServer.named("app")
        let client = try Gateway(app).connect()
        _ = try client.exchange(
            Self.chunkedHead + "Connection: X-Mine\r\n\r\n1\r\na\r\n0\r\nX-Mine: 1\r\nX_Under: 1\r\nX-Yours: 2\r\n\r\n"
        )
        #expect(app.requests.first?.trailers == [Field(name: "x-yours", value: "2")])
    }

    @Test("of an answer over HTTP/1.1, and none for HTTP/1.0")
    func answerOverHTTP1() throws {
        let app = try ScriptedServer { peer in
            while let request = try peer.request() {
                let fields = request.startLine.contains("named") ? "Connection: X-Sum\r\n" : ""
                try peer.send(
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\(fields)\r\n3\r\nabc\r\n0\r\n\(Self.mixed)\r\n"
                )
            }
        }
        let gateway = try Gateway(app)
        let client = try gateway.connect()
        for _ in 0..<2 {
            let response = try client.exchange("GET / HTTP/1.1\r\n\(Refusal.host)\r\n")
            #expect(response.text == "abc")
            #expect(response.trailers == Self.wanted)
            #expect(response.values("x-sum") == [])
        }
        let named = try client.exchange("GET /named HTTP/1.1\r\n\(Refusal.host)\r\n")
        #expect(named.trailers == Array(Self.wanted.dropFirst()))
        let old = try gateway.connect()
        try old.send("GET / HTTP/1.0\r\n\(Refusal.host)\r\n")
        #expect(String(decoding: try old.readToEnd(), as: UTF8.self).hasSuffix("\r\n\r\nabc"))
    }

    @Test("of requests and answers over HTTP/2, behind short bodies and long ones that the client takes slowly")
    func overHTTP2() throws {
        let app = try ScriptedServer { peer in
            while let request = try peer.request() {
                let size = request.startLine.contains("long") ? 300_000 : 3
                let sent = request.trailers.map { "\($0.name)=\($0.value)" }.joined(separator: ";")
                try peer.send(
                    """
                    HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Body: \(request.text)\r\n\r
                    \(String(size, radix: 16))\r\n\(String(repeating: "a", count: size))\r\n0\r\n\(Self.mixed)X-Sent: \(sent)\r\n\r

                    """
                )
            }
        }
        let front = try SecureGateway([.init(app)])
        let result = try python(
            HTTP2Scripts.client + """
                client = Client()
                for path in ["/short", "/long"]:
                    stream = client.request("POST", path, end=False, fields=[("te", "trailers")])
                    client.h2.send_data(stream, b"hello")
                    client.h2.send_headers(
                        stream, [("x-sum", "7"), ("authorization", "Basic x"), ("content-digest", "8")], end_stream=True)
                    answer = client.finish(stream)
                    print(path, answer.status, answer.fields.get("x-body"), len(answer.body), sorted(answer.trailers), sep="|")
                """,
            ["\(front.secure)"],
            in: front.directory
        )
        let trailers = "[('content-digest', '2'), ('x-sent', 'x-sum=7;content-digest=8'), ('x-sum', '1')]"
        #expect(
            result.output == "/short|200|hello|3|\(trailers)\n/long|200|hello|300000|\(trailers)\n",
            "\(result.error)"
        )
        #expect(app.requests.allSatisfy { $0["te"] == "trailers" })
    }
}
