import Bytes
import HTTPWire
import Testing

@Suite struct RequestParserTests {
    private func accepted(_ text: String, limits: HeadLimits = HeadLimits(), allowsConnect: Bool = false)
        -> HeadSummary?
    {
        guard case .head(let head, _) = readRequest(text.bytes, limits: limits, allowsConnect: allowsConnect) else {
            Issue.record("refused: \(readRequest(text.bytes, limits: limits, allowsConnect: allowsConnect))")
            return nil
        }
        return head
    }

    @Test func anOrdinaryRequest() throws {
        let text =
            "POST /a/%2e%2E/b?q=1 HTTP/1.1\r\nHost: FooBar.com:8443\r\nContent-Length: 12\r\nX-Odd:\t v\u{E9} w \t\r\n"
            + "Empty:\r\n\r\n"
        let head = try #require(accepted(text))
        #expect(head.method == "POST" && head.target == "/a/%2e%2E/b?q=1" && head.authority == "FooBar.com:8443")
        #expect(head.framing == .length(12) && head.keepAlive && head.version == .http11)
        #expect(
            head.fields == [
                "host=FooBar.com:8443|host", "content-length=12|contentLength", "x-odd=v\u{E9} w|other", "empty=|other",
            ]
        )
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: [2001:db8::1]:443\r\nConnection: close, x-hop\r\nX-Hop: 1\r\n\r\n",
        "GET http://b:80?q HTTP/1.1\r\nHost: a\r\nTE: trailers;q=0.5, trailers\r\n\r\n",
        "PUT /f HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\nExpect: 100-Continue\r\n\r\n",
        "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
    ])
    func isTheSameHoweverItIsCut(_ text: String) {
        let bytes = (text + "GET /next HTTP/1.1\r\n").bytes
        let whole = readRequest(bytes)
        guard case .head(_, consumed: text.utf8.count) = whole else {
            Issue.record("\(whole)")
            return
        }
        for cut in 0...bytes.count { #expect(readRequest(bytes, cuts: [cut]) == whole, "cut at \(cut)") }
        #expect(readRequest(bytes, cuts: Array(0..<bytes.count)) == whole)
    }

    @Test(arguments: [
        ("1.1", "", true), ("1.1", "close", false), ("1.1", "Keep-Alive", true), ("1.1", "x, CLOSE", false),
        ("1.0", "", false), ("1.0", "keep-alive", true), ("1.0", "keep-alive, close", false),
    ])
    func keepAlive(_ version: String, _ connection: String, _ expected: Bool) throws {
        let head = try #require(accepted("GET / HTTP/\(version)\r\nHost: a\r\nConnection: \(connection)\r\n\r\n"))
        #expect(head.keepAlive == expected)
    }

    @Test func hopByHopFieldsAreMarked() throws {
        let names = ["Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "Upgrade", "TE"]
        let lines = names.map { "\($0): x\r\n" }.joined()
        let head = try #require(
            accepted("GET / HTTP/1.1\r\nHost: a\r\nX-B: 1\r\n\(lines)Connection: x-a,, X-B\r\nX-A: 2\r\nX-C: 3\r\n\r\n")
        )
        let passing = head.fields.filter { !$0.hasSuffix("|hop") }
        #expect(passing == ["host=a|host", "x-c=3|other"])
        #expect(head.fields.count == 11)
    }

    @Test func onlyTrailersOfTEPasses() throws {
        let head = try #require(
            accepted("GET / HTTP/1.1\r\nHost: a\r\nConnection: TE\r\nTE: gzip;q=0.5, Trailers \r\n\r\n")
        )
        #expect(head.fields.contains("te=Trailers|te"))
    }

    @Test(arguments: [
        ("GET http://b/p?q HTTP/1.1", "/p?q", "b"), ("GET HTTPS://b:443 HTTP/1.1", "/", "b:443"),
        ("GET http://b?q HTTP/1.1", "/?q", "b"), ("OPTIONS http://b HTTP/1.1", "*", "b"),
        ("OPTIONS http://b/ HTTP/1.1", "/", "b"), ("GET //b/p HTTP/1.1", "//b/p", "a"),
        ("CONNECT b:443 HTTP/1.1", "b:443", "b:443"),
    ])
    func targetForms(_ line: String, _ target: String, _ authority: String) throws {
        let head = try #require(accepted("\(line)\r\nHost: a\r\n\r\n", allowsConnect: true))
        #expect(head.target == target && head.authority == authority)
        #expect(head.fields == ["host=\(authority)|host"], "Host says what was routed by")
    }

    @Test func expectation() throws {
        let text = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n"
        #expect(try #require(accepted(text)).expectsContinue)
        let old = try #require(accepted(text.replacing("HTTP/1.1", with: "HTTP/1.0").replacing("100-c", with: "c")))
        #expect(!old.expectsContinue, "HTTP/1.0 has no expectations")
    }

    @Test(arguments: [
        ("1.1", "Upgrade", "websocket, chat/2", "websocket, chat/2"), ("1.0", "Upgrade", "websocket", ""),
        ("1.1", "close", "websocket", ""), ("1.1", "upgrade", "h2c", ""), ("1.1", "upgrade", "websocket, H2C", ""),
        ("1.1", "upgrade", "TLS/1.3", ""), ("1.1", "upgrade", "HTTP/2.0", ""), ("1.1", "upgrade", "", ""),
    ])
    func upgrade(_ version: String, _ connection: String, _ list: String, _ expected: String) throws {
        let head = try #require(
            accepted("GET / HTTP/\(version)\r\nHost: a\r\nConnection: \(connection)\r\nUpgrade: \(list)\r\n\r\n")
        )
        #expect(head.upgrade == expected)
    }

    @Test(arguments: [1, 31, 32, 33, 64, 65, 1000])
    func namesOfAnyLengthAreLowered(_ length: Int) throws {
        let name = String((0..<length).map { _ in "ABCxyz-".randomElement() ?? "A" })
        let head = try #require(accepted("GET / HTTP/1.1\r\n\(name): V\r\nHost: a\r\n\r\n"))
        #expect(head.fields == ["\(name.lowercased())=V|other", "host=a|host"])
    }

    @Test func underscoresAreDroppedUnlessConfigured() throws {
        let text = "GET / HTTP/1.1\r\nHost: a\r\nX_Forwarded_For: 1\r\nContent_Length: 5\r\n\r\n"
        #expect(try #require(accepted(text)).fields == ["host=a|host"])
        var limits = HeadLimits()
        limits.keepsUnderscores = true
        #expect(try #require(accepted(text, limits: limits)).fields.count == 3)
    }

    @Test func pipelinedRequestsFollowEachOther() {
        let buffer = ByteBuffer(capacity: 64)
        buffer.append(string: "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: b\r\n\r\nGET /3 HT")
        var parser = HTTP1RequestParser()
        let head = MessageHead()
        var targets: [String] = []
        while case .complete(let consumed) = parser.parse(buffer.readable, into: head) {
            targets.append(HeadSummary(head).target + HeadSummary(head).authority)
            buffer.consume(consumed)
        }
        #expect(targets == ["/1a", "/2b"] && buffer.text == "GET /3 HT")
        buffer.append("TP/1.1\r\nHost: c\r\n\r\n")
        let third = parser.parse(buffer.readable, into: head)
        #expect(third == .complete(consumed: buffer.count))
    }

    @Test func resetForgetsAHeadHalfRead() {
        var parser = HTTP1RequestParser()
        let head = MessageHead()
        let half = parser.parse("GET /1 HTTP/1.1\r\nX: 1\r\nY".bytes.span, into: head)
        #expect(half == .incomplete)
        parser.reset()
        let next = "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n".bytes
        let whole = parser.parse(next.span, into: head)
        #expect(whole == .complete(consumed: next.count))
        #expect(HeadSummary(head).fields == ["host=a|host"])
    }
}
