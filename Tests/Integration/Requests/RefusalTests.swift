import Testing

/// Requests that two parsers could read in two ways, over a socket: refused, closed, and never seen by an app server.
@Suite("Refusals of HTTP/1.1 requests", .patient)
struct RefusalTests {
    @Test("faults of the head never reach an app server", arguments: framing + lines + hosts + targets + versions)
    func head(_ refusal: Refusal) throws {
        let app = try ScriptedServer.named("app")
        try check(refusal, app: app)
        #expect(app.connectionCount == 0, "the app server was connected to")
    }

    @Test("faults of a chunked body end the request on both sides", arguments: chunks)
    func chunkedBody(_ refusal: Refusal) throws {
        try check(refusal, app: ScriptedServer.named("app"))
    }

    /// What follows a refused request must not be taken for another request: each case is sent with such a follower.
    private func check(_ refusal: Refusal, app: ScriptedServer) throws {
        let gateway = try Gateway(app, workers: 1)
        let client = try gateway.connect()
        try client.send(refusal.bytes + "GET /smuggled HTTP/1.1\r\n\(Refusal.host)\r\n")
        let response = try client.readResponse()
        #expect(response.status == refusal.status, "\(response)")
        #expect(try client.isClosedByPeer(), "the connection stays open")
        #expect(app.requests.map(\.startLine) == [])
    }

    private static let framing: [Refusal] = [
        .post("Content-Length and Transfer-Encoding", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"),
        .post("Transfer-Encoding and Content-Length", "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"),
        .post("two equal Content-Lengths", "Content-Length: 3\r\nContent-Length: 3\r\n"),
        .post("two different Content-Lengths", "Content-Length: 3\r\nContent-Length: 2\r\n"),
        .post("a list of equal Content-Lengths", "Content-Length: 3, 3\r\n"),
        .post("a Content-Length with a comma behind", "Content-Length: 3,\r\n"),
        .post("an empty Content-Length", "Content-Length: \r\n"),
        .post("a Content-Length with a plus", "Content-Length: +3\r\n"),
        .post("a Content-Length with a minus", "Content-Length: -3\r\n"),
        .post("a hexadecimal Content-Length", "Content-Length: 0x3\r\n"),
        .post("a Content-Length with a letter", "Content-Length: 3a\r\n"),
        .post("a Content-Length of two numbers", "Content-Length: 3 3\r\n"),
        .post("a Content-Length with a fraction", "Content-Length: 3.0\r\n"),
        .post("a Content-Length beyond 64 bits", "Content-Length: 18446744073709551619\r\n"),
        .post("a Content-Length of 40 digits", "Content-Length: \(String(repeating: "9", count: 40))\r\n"),
        .post("chunked with a comma", "Transfer-Encoding: chunked,\r\n"),
        .post("a comma before chunked", "Transfer-Encoding: ,chunked\r\n"),
        .post("chunked, gzip", "Transfer-Encoding: chunked, gzip\r\n"),
        .post("gzip, chunked", "Transfer-Encoding: gzip, chunked\r\n"),
        .post("chunked twice in a list", "Transfer-Encoding: chunked, chunked\r\n"),
        .post("chunked in two fields", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
        .post("xchunked", "Transfer-Encoding: xchunked\r\n"),
        .post("chunked with a parameter", "Transfer-Encoding: chunked;q=1\r\n"),
        .post("chunked in quotes", "Transfer-Encoding: \"chunked\"\r\n"),
        .post("chunked with NUL behind", "Transfer-Encoding: chunked\0\r\n"),
        .post("chunked with a word behind", "Transfer-Encoding: chunked x\r\n"),
        .post("gzip in a field, chunked in another", "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"),
        .post("a Content-Length that Connection names", "Connection: content-length\r\nContent-Length: 3\r\n"),
        .post("chunked with a vertical tab", "Transfer-Encoding: \u{0B}chunked\r\n"),
        .post("identity", "Transfer-Encoding: identity\r\n"),
        .post("an empty Transfer-Encoding", "Transfer-Encoding: \r\n"),
        Refusal(
            "Transfer-Encoding on HTTP/1.0",
            "POST / HTTP/1.0\r\n\(Refusal.host)Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        ),
    ]

    private static let lines: [Refusal] = [
        .line("a bare CR in a value", "A: b\rc"),
        .line("a bare CR before the line's end", "A: b\r"),
        .start("a bare CR in the request line", "GET /\ra HTTP/1.1"),
        Refusal("bare CRs everywhere", "GET / HTTP/1.1\rHost: foobar.test\r\r"),
        Refusal("two empty lines before the request", "\r\n\r\nGET / HTTP/1.1\r\n\(Refusal.host)\r\n"),
        Refusal("a bare LF after the request line", "GET / HTTP/1.1\n\(Refusal.host)\r\n"),
        Refusal("a bare LF after a field", "GET / HTTP/1.1\r\nHost: foobar.test\nA: b\r\n\r\n"),
        Refusal("a bare LF as the empty line", "GET / HTTP/1.1\r\n\(Refusal.host)\n"),
        Refusal("bare LFs everywhere", "GET / HTTP/1.1\nHost: foobar.test\n\n"),
        .line("NUL in a value", "A: b\0c"),
        .line("NUL in a name", "A\0: b"),
        .line("a folded value, by a space", "A: b\r\n c"),
        .line("a folded value, by a tab", "A: b\r\n\tc"),
        .line("a space before the colon", "A : b"),
        .line("a tab before the colon", "A\t: b"),
        Refusal("white space before the first field", "GET / HTTP/1.1\r\n \(Refusal.host)\r\n"),
        .line("an empty name", ": b"),
        .line("a field without a colon", "A"),
        .line("a name with a space", "A b: c"),
        .line("a name with a control character", "A\u{1}b: c"),
        .line("a name with a slash", "A/b: c"),
        .line("a name with a parenthesis", "A(b: c"),
        .line("a name with a quote", "A\"b: c"),
        .line("a name beyond ASCII", "Ä: c"),
        .line("a control character in a value", "A: b\u{1}c"),
        .line("DEL in a value", "A: b\u{7F}c"),
        .line("a second space-led line that hides a length", "A: b\r\n Content-Length: 3"),
        .start("a method with a parenthesis", "GE(T / HTTP/1.1"),
        .start("an empty method", " / HTTP/1.1"),
        .start("NUL in the method", "GE\0T / HTTP/1.1"),
        .start("a colon in the method", "GE:T / HTTP/1.1"),
        .start("a method beyond ASCII", "GËT / HTTP/1.1"),
    ]

    private static let hosts: [Refusal] = [
        Refusal("no Host", "GET / HTTP/1.1\r\nA: b\r\n\r\n"),
        .line("two different Hosts", "Host: evil.test"),
        .line("two equal Hosts", "Host: foobar.test"),
        .host("an empty Host", ""),
        .host("a space", "foobar .test"),
        .host("a path", "foobar.test/a"),
        .host("a user", "user@foobar.test"),
        .host("a port that is none", "foobar.test:http"),
        .host("a port beyond 65535", "foobar.test:65536"),
        .host("two ports", "foobar.test:80:80"),
        .host("an open bracket", "[::1"),
        .host("brackets around a name", "[foobar.test]"),
        .host("a list", "foobar.test, evil.test"),
        .host("a backslash", "foobar.test\\a"),
        .host("a broken escape", "foobar%zz.test"),
        .host("a query", "foobar.test?a"),
        .host("bytes beyond ASCII", "foobär.test"),
    ]

    private static let targets: [Refusal] = [
        .start("a target without a slash", "GET a HTTP/1.1"),
        .start("an empty target", "GET  HTTP/1.1"),
        .start("no target", "GET HTTP/1.1"),
        .start("an asterisk with GET", "GET * HTTP/1.1"),
        .start("an asterisk with more behind", "OPTIONS *a HTTP/1.1"),
        .start("an authority as the target", "GET foobar.test:80 HTTP/1.1"),
        .start("CONNECT", "CONNECT foobar.test:443 HTTP/1.1", 501),
        .start("a space in the target", "GET /a b HTTP/1.1"),
        .start("a tab in the target", "GET /a\tb HTTP/1.1"),
        .start("two spaces", "GET  / HTTP/1.1"),
        .start("a control character in the target", "GET /\u{1} HTTP/1.1"),
        .start("NUL in the target", "GET /\0 HTTP/1.1"),
        .start("DEL in the target", "GET /\u{7F} HTTP/1.1"),
        .start("raw bytes beyond ASCII in the target", "GET /ä HTTP/1.1"),
        .start("a fragment", "GET /a#b HTTP/1.1"),
        .start("a user in an absolute target", "GET http://user@foobar.test/ HTTP/1.1"),
        .start("an absolute target without a host", "GET http:///a HTTP/1.1"),
        .start("another scheme", "GET ftp://foobar.test/ HTTP/1.1"),
        .start("an absolute target with a bad port", "GET http://foobar.test:x/ HTTP/1.1"),
        .start("an absolute target with a fragment", "GET http://foobar.test/#a HTTP/1.1"),
        Refusal("an absolute target and no Host", "GET http://foobar.test/ HTTP/1.1\r\nA: b\r\n\r\n"),
        Refusal(
            "an absolute target and two Hosts",
            "GET http://foobar.test/ HTTP/1.1\r\n\(Refusal.host)\(Refusal.host)\r\n"
        ),
        Refusal("an absolute target and a bad Host", "GET http://foobar.test/ HTTP/1.1\r\nHost: a b\r\n\r\n"),
    ]

    private static let versions: [Refusal] = [
        .start("HTTP/2.0", "GET / HTTP/2.0", 505),
        .start("HTTP/3.0", "GET / HTTP/3.0", 505),
        .start("HTTP/0.9 without a version", "GET /"),
        .start("lower case", "GET / http/1.1"),
        .start("a leading zero", "GET / HTTP/01.1"),
        .start("HTTP/1.2", "GET / HTTP/1.2"),
        .start("HTTP/0.9", "GET / HTTP/0.9", 505),
        .start("a minor version of two digits", "GET / HTTP/1.10"),
        .start("no minor version", "GET / HTTP/1"),
        .start("a space behind", "GET / HTTP/1.1 "),
        .start("a word behind", "GET / HTTP/1.1 A"),
        .start("another protocol", "GET / HTTQ/1.1"),
    ]

    private static let chunks: [Refusal] = [
        .chunks("a plus before the size", "+3\r\nabc\r\n0\r\n\r\n"),
        .chunks("a minus before the size", "-3\r\nabc\r\n0\r\n\r\n"),
        .chunks("0x before the size", "0x3\r\nabc\r\n0\r\n\r\n"),
        .chunks("a space before the size", " 3\r\nabc\r\n0\r\n\r\n"),
        .chunks("a space after the size", "3 \r\nabc\r\n0\r\n\r\n"),
        .chunks("an underscore in the size", "1_0\r\nabc\r\n0\r\n\r\n"),
        .chunks("no size", "\r\nabc\r\n0\r\n\r\n"),
        .chunks("a size that is no number", "g\r\nabc\r\n0\r\n\r\n"),
        .chunks("a size beyond 64 bits", "10000000000000003\r\nabc\r\n0\r\n\r\n"),
        .chunks("a size of many digits", "\(String(repeating: "0", count: 5000))3\r\nabc\r\n0\r\n\r\n"),
        .chunks("a bare LF after the size", "3\nabc\r\n0\r\n\r\n"),
        .chunks("a bare CR after the size", "3\rabc\r\n0\r\n\r\n"),
        .chunks("more data than the size says", "3\r\nabcd\r\n0\r\n\r\n"),
        .chunks("a bare LF after the data", "3\r\nabc\n0\r\n\r\n"),
        .chunks("two bytes that are no CRLF after the data", "3\r\nabcXX0\r\n\r\n"),
        .chunks("a CR inside an extension", "3;a\rb\r\nabc\r\n0\r\n\r\n"),
        .chunks("an LF inside an extension", "3;a\nb\r\nabc\r\n0\r\n\r\n"),
        .chunks("an extension without end", "3;\(String(repeating: "a", count: 20_000))\r\nabc\r\n0\r\n\r\n"),
        .chunks(
            "extensions that are too long together",
            String(repeating: "1;\(String(repeating: "a", count: 400))\r\na\r\n", count: 60) + "0\r\n\r\n"
        ),
        .chunks("a trailer beyond 8 KiB", "0\r\nA: \(String(repeating: "b", count: 9000))\r\n\r\n", 431),
        .chunks(
            "trailers beyond 64 KiB",
            "0\r\n" + String(repeating: "A: \(String(repeating: "b", count: 6000))\r\n", count: 12) + "\r\n",
            431
        ),
        .chunks("101 trailers", "0\r\n" + String(repeating: "A: b\r\n", count: 101) + "\r\n", 431),
        .chunks("a trailer with a space before its colon", "0\r\nA : b\r\n\r\n"),
        .chunks("a trailer with NUL", "0\r\nA: b\0\r\n\r\n"),
        .chunks("a trailer with a bare CR", "0\r\nA: b\rc\r\n\r\n"),
        .chunks("a trailer without a colon", "3\r\nabc\r\n0\r\nA\r\n\r\n"),
        .chunks("a folded trailer", "3\r\nabc\r\n0\r\nA: b\r\n c\r\n\r\n"),
        .chunks("a bare LF after the last chunk", "3\r\nabc\r\n0\n\n"),
    ]
}
