import Bytes
import Testing

@testable import HTTPWire

/// Every head that must not become a request (RFC 9113 section 8): those that the library refuses, those that are
/// refused here, and those that would read in two ways once written as HTTP/1.1.
@Suite struct HTTP2MalformedHeadTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var name: String
        var fields: [(String, String)]
        var testDescription: String { name }
    }

    /// The GET request with one pseudo-field replaced, or left out for nil.
    private static func with(_ name: String, _ value: String?) -> [(String, String)] {
        Wire.get.compactMap { $0.0 == name ? value.map { (name, $0) } : $0 }
    }

    private static func plus(_ name: String, _ value: String) -> [(String, String)] { Wire.get + [(name, value)] }

    static let cases: [Case] = [
        Case(name: "no method", fields: with(":method", nil)),
        Case(name: "no scheme", fields: with(":scheme", nil)),
        Case(name: "no path", fields: with(":path", nil)),
        Case(name: "no authority and no host", fields: with(":authority", nil)),
        Case(name: "empty method", fields: with(":method", "")),
        Case(name: "method with a space", fields: with(":method", "GET /x HTTP/1.1")),
        Case(name: "method with a line break", fields: with(":method", "GET\r\nx: y")),
        Case(name: "method with a colon", fields: with(":method", "GE:T")),
        Case(name: "empty path", fields: with(":path", "")),
        Case(name: "path without a slash", fields: with(":path", "admin")),
        Case(name: "path with a space", fields: with(":path", "/a HTTP/1.1")),
        Case(name: "path with a tab", fields: with(":path", "/a\tb")),
        Case(name: "path with a line break", fields: with(":path", "/ HTTP/1.1\r\nHost: evil\r\n\r\nGET /")),
        Case(name: "path with NUL", fields: with(":path", "/\u{0}")),
        Case(name: "path with DEL", fields: with(":path", "/\u{7F}")),
        Case(name: "path not in ASCII", fields: with(":path", "/\u{E9}")),
        Case(name: "path with a fragment", fields: with(":path", "/a#b")),
        Case(name: "path in absolute form", fields: with(":path", "http://evil.example/")),
        Case(name: "asterisk for GET", fields: with(":path", "*")),
        Case(name: "scheme of no web", fields: with(":scheme", "file")),
        Case(name: "scheme with a space", fields: with(":scheme", "https ")),
        Case(name: "scheme that hides a request line", fields: with(":scheme", "http://x/ HTTP/1.1")),
        Case(name: "empty authority", fields: with(":authority", "")),
        Case(name: "authority with user information", fields: with(":authority", "a@foobar.com")),
        Case(name: "authority with a space", fields: with(":authority", "foobar.com evil")),
        Case(name: "authority with a path", fields: with(":authority", "foobar.com/x")),
        Case(name: "authority with a line break", fields: with(":authority", "a\r\nb: c")),
        Case(name: "authority with a bad port", fields: with(":authority", "foobar.com:99999")),
        Case(name: "authority with an open bracket", fields: with(":authority", "[::1")),
        Case(name: "authority of two hosts", fields: with(":authority", "a, b")),
        Case(name: "host other than authority", fields: plus("host", "evil.example")),
        Case(name: "host with another port", fields: plus("host", "foobar.com:8443")),
        Case(name: "two hosts", fields: plus("host", "foobar.com") + [("host", "foobar.com")]),
        Case(name: "two methods", fields: plus(":method", "GET")),
        Case(name: "two paths", fields: [(":path", "/b")] + Wire.get),
        Case(name: "unknown pseudo-field", fields: [(":evil", "1")] + Wire.get),
        Case(name: "a response's pseudo-field", fields: [(":status", "200")] + Wire.get),
        Case(name: "pseudo-field after a field", fields: [("a", "b")] + Wire.get),
        Case(name: "protocol without CONNECT", fields: [(":protocol", "websocket")] + Wire.get),
        Case(name: "upper case in a name", fields: plus("Accept", "x")),
        Case(name: "empty name", fields: plus("", "x")),
        Case(name: "name with a space", fields: plus("a b", "x")),
        Case(name: "name with a colon", fields: plus("a:b", "x")),
        Case(name: "name with a line break", fields: plus("a\r\nb", "x")),
        Case(name: "name not in ASCII", fields: plus("\u{E9}", "x")),
        Case(name: "value with a line break", fields: plus("a", "b\r\nc: d")),
        Case(name: "value with LF", fields: plus("a", "b\nc")),
        Case(name: "value with CR", fields: plus("a", "b\rc")),
        Case(name: "value with NUL", fields: plus("a", "b\u{0}c")),
        Case(name: "value with a control character", fields: plus("a", "b\u{1}c")),
        Case(name: "value with DEL", fields: plus("a", "b\u{7F}c")),
        Case(name: "value that begins with a space", fields: plus("a", " b")),
        Case(name: "value that ends with a tab", fields: plus("a", "b\t")),
        Case(name: "connection", fields: plus("connection", "keep-alive")),
        Case(name: "keep-alive", fields: plus("keep-alive", "1")),
        Case(name: "proxy-connection", fields: plus("proxy-connection", "close")),
        Case(name: "transfer-encoding", fields: plus("transfer-encoding", "chunked")),
        Case(name: "upgrade", fields: plus("upgrade", "websocket")),
        Case(name: "te other than trailers", fields: plus("te", "gzip")),
        Case(name: "te with more than trailers", fields: plus("te", "trailers, gzip")),
        Case(name: "content-length without a body", fields: plus("content-length", "5")),
        Case(name: "content-length that is no number", fields: plus("content-length", "0x0")),
        Case(name: "content-length with a sign", fields: plus("content-length", "+0")),
        Case(name: "empty content-length", fields: plus("content-length", "")),
        Case(name: "content-length in a list", fields: plus("content-length", "0, 0")),
        Case(name: "two content-lengths", fields: plus("content-length", "0") + [("content-length", "0")]),
        Case(name: "content-length beyond any body", fields: plus("content-length", "99999999999999999999")),
        Case(
            name: "extended CONNECT with content-length",
            fields: [(":protocol", "websocket")] + with(":method", "CONNECT") + [("content-length", "0")]
        ),
        Case(name: "protocol that is no token", fields: [(":protocol", "a b")] + with(":method", "CONNECT")),
    ]

    @Test(arguments: cases)
    func isAStreamError(_ malformed: Case) {
        let server = Server()
        server.open()
        #expect(server.feed(Wire.headers(1, malformed.fields)) == .ok)
        let told = server.events.filter { if case .refused = $0 { false } else { true } }
        #expect(told.isEmpty)
        #expect(server.events.count == 1)
        let frames = server.frames()
        #expect(frames.map(\.type) == [3])
        #expect(frames.first?.code == HTTP2ErrorCode.protocolError)
        #expect(server.counters.count(of: .malformedMessage) == 1)
        // The connection goes on.
        server.feed(Wire.headers(3, Wire.get))
        #expect(server.events.last == .opened(3, "GET foobar.com /", ends: true))
        server.session.end()
        #expect(server.gaveAllBack)
    }

    @Test func theRequestThatTheTableBendsIsFine() {
        let server = Server()
        server.open()
        server.feed(Wire.headers(1, Wire.get + [("te", "trailers"), ("content-length", "0"), ("a", "\u{E9} \t b")]))
        #expect(server.events.count == 1)
        #expect(server.streams[1]?.head.fields.first?.isHopByHop == false)
    }

    /// Well-formed and not served: an answer of its own.
    static let refusals: [(String, [(String, String)], RefusalReason)] = [
        ("target", with(":path", "/" + String(repeating: "x", count: 8_192)), .requestLineTooLong),
        ("field", plus("a", String(repeating: "x", count: 8_192)), .fieldTooLong),
        ("fields", Wire.get + (0..<101).map { ("a\($0)", "") }, .tooManyFields),
        ("head", Wire.get + (0..<9).map { ("a\($0)", String(repeating: "x", count: 8_000)) }, .headTooLarge),
        ("expectation", plus("expect", "tea"), .unsupportedExpectation),
        ("CONNECT", [(":method", "CONNECT"), (":authority", "foobar.com:443")], .connectNotAllowed),
    ]

    @Test(arguments: refusals.indices)
    func isAnswered(_ index: Int) throws {
        let (_, fields, reason) = Self.refusals[index]
        let server = Server()
        server.open()
        let block = Wire.block(fields)
        // As many frames as it takes.
        var bytes: [UInt8] = []
        var start = 0
        while start < block.count {
            let end = min(start + 16_384, block.count)
            let flags: UInt8 = (start == 0 ? 1 : 0) | (end == block.count ? 4 : 0)
            bytes += Frame(type: start == 0 ? 1 : 9, flags: flags, stream: 1, payload: Array(block[start..<end])).bytes
            start = end
        }
        server.feed(bytes)
        #expect(server.events == [.declined(1, reason)])
        let frames = server.frames()
        let head = try #require(frames.first)
        #expect(server.fields(of: head)?.first == ":status: \(reason.status)")
        #expect(head.endsStream)
        #expect(frames.count == 1)
        #expect(server.gaveAllBack)
    }

    @Test func aBodyOtherThanItsLengthIsAStreamError() {
        for (length, body, end) in [("2", "abc", true), ("3", "ab", true), ("2", "abc", false), ("0", "a", true)] {
            let server = Server()
            server.open()
            server.feed(Wire.headers(1, Wire.post + [("content-length", length)], end: false))
            server.feed(Wire.data(1, Array(body.utf8), end: end))
            #expect(server.frames().contains { $0.type == 3 && $0.code == 1 }, "\(length) \(body)")
            #expect(!server.events.contains { if case .ended = $0 { true } else { false } })
            #expect(server.events.suffix(2) == [.refused(1, .malformedStream), .closed(1, 1)])
            #expect(server.gaveAllBack)
        }
    }

    @Test(arguments: [
        [(":path", "/")], [("content-length", "1")], [("host", "evil")], [("transfer-encoding", "chunked")],
        [("A", "b")], [("a", "b\n")], [("connection", "x")],
    ])
    func malformedTrailersAreAStreamError(_ fields: [(String, String)]) {
        let server = Server()
        server.open()
        server.feed(Wire.headers(1, Wire.post, end: false) + Wire.data(1, [65]) + Wire.headers(1, fields))
        #expect(server.frames().contains { $0.type == 3 && $0.code == 1 })
        #expect(!server.events.contains { if case .ended = $0 { true } else { false } })
        #expect(server.gaveAllBack)
    }

    @Test func trailersThatDoNotEndTheStreamAreAStreamError() {
        let server = Server()
        server.open()
        server.feed(Wire.headers(1, Wire.post, end: false) + Wire.headers(1, [("a", "b")], end: false))
        #expect(server.frames().contains { $0.type == 3 && $0.code == 1 })
        #expect(server.gaveAllBack)
    }

    /// What ends the connection (RFC 9113 section 5.4.1) and with which code.
    static let fatal: [(String, [UInt8], UInt32)] = [
        ("no preface", Array("GET / HTTP/1.1\r\nHost: foobar.com\r\n\r\n".utf8), 1),
        ("even stream", Wire.opening + Wire.headers(2, Wire.get), 1),
        ("stream 0", Wire.opening + Wire.headers(0, Wire.get), 1),
        ("DATA on an idle stream", Wire.opening + Wire.data(1, [1]), 1),
        ("PUSH_PROMISE", Wire.opening + Frame(type: 5, flags: 4, stream: 1, payload: [0, 0, 0, 2]).bytes, 1),
        (
            "frame too large",
            Wire.opening + Frame(type: 0, stream: 1, payload: [UInt8](repeating: 0, count: 16_385)).bytes, 6
        ),
        ("settings of five bytes", Wire.preface + Frame(type: 4, payload: [0, 0, 0, 0, 0]).bytes, 6),
        ("ping of seven bytes", Wire.opening + Frame(type: 6, payload: [0, 0, 0, 0, 0, 0, 0]).bytes, 6),
        (
            "HPACK index from nowhere",
            Wire.opening + Frame(type: 1, flags: 5, stream: 1, payload: [0xFF, 0x80, 0x01]).bytes, 9
        ),
        ("padding beyond the frame", Wire.opening + Frame(type: 1, flags: 13, stream: 1, payload: [9, 0]).bytes, 1),
        (
            "HEADERS between a head's frames",
            Wire.opening + Wire.headers(1, Wire.get, endHeaders: false) + Wire.ping(), 1
        ),
        ("CONTINUATION from nowhere", Wire.opening + Frame(type: 9, flags: 4, stream: 1).bytes, 1),
        ("window overflow", Wire.opening + Wire.windowUpdate(0, 0x7FFF_FFFF), 3),
        ("window of nothing", Wire.opening + Wire.windowUpdate(0, 0), 1),
    ]

    @Test(arguments: fatal.indices)
    func endsTheConnection(_ index: Int) {
        let (name, bytes, code) = Self.fatal[index]
        let server = Server()
        server.feed(bytes)
        let goaway = server.frames().last { $0.type == 7 }
        #expect(goaway?.code == code, "\(name)")
        #expect(server.session.closing?.code == code, "\(name)")
        #expect(!server.session.wantsRead && !server.session.wantsWrite)
        server.session.end()
        #expect(server.gaveAllBack)
    }
}
