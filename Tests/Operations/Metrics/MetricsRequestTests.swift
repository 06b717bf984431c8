import Testing

@testable import Operations

@Suite("A scrape's request")
struct MetricsRequestTests {
    private func read(_ text: String, limit: Int = 8192) -> MetricsRequest? {
        MetricsRequest.read(Array(text.utf8).span, limit: limit)
    }

    @Test("GET and HEAD of /metrics, with or without a query")
    func report() {
        #expect(read("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n") == .report(sendsBody: true))
        #expect(read("HEAD /metrics?x=1 HTTP/1.1\r\nHost: a\r\n\r\n") == .report(sendsBody: false))
        #expect(read("GET /metrics HTTP/1.0\n\n") == .report(sendsBody: true))
    }

    @Test("all else has its own answer")
    func refused() {
        #expect(read("GET / HTTP/1.1\r\n\r\n") == .notFound)
        #expect(read("GET /metrics/../etc HTTP/1.1\r\n\r\n") == .notFound)
        #expect(read("POST /metrics HTTP/1.1\r\n\r\n") == .methodNotAllowed)
        for text in [
            "GET  /metrics HTTP/1.1\r\n\r\n", "GET /metrics\r\n\r\n", "GET /metrics HTTP/2.0\r\n\r\n", "\r\n\r\n",
            " /metrics HTTP/1.1\r\n\r\n", "GET /metrics HTTP/1.1 \r\n\r\n", "\u{16}\u{3}\u{1} x\r\n\r\n",
        ] {
            #expect(read(text) == .malformed, "\(text)")
        }
    }

    @Test("nothing is answered before the head is whole, and a head is bounded")
    func partial() {
        let whole = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n"
        for count in 0..<whole.utf8.count {
            #expect(read(String(decoding: whole.utf8.prefix(count), as: UTF8.self)) == nil, "\(count) bytes")
        }
        #expect(read(whole) == .report(sendsBody: true))
        #expect(read(String(repeating: "a", count: 101), limit: 100) == .malformed)
    }
}
