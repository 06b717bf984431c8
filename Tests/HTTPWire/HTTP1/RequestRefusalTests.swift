import HTTPWire
import Testing

/// Every reason for which a request head is refused, with its status.
@Suite struct RequestRefusalTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let reason: RefusalReason
        let status: Int
        let text: String

        init(_ reason: RefusalReason, _ text: String, status: Int = 400) {
            self.reason = reason
            self.status = status
            self.text = text
        }

        var testDescription: String { "\(reason.rawValue): \(text.debugDescription.prefix(80))" }
    }

    /// A request with these lines between the request line and Host.
    private static func fields(_ lines: String) -> String {
        "POST / HTTP/1.1\r\n\(lines)\r\nHost: a\r\n\r\n"
    }

    static let lines = [
        Case(.bareCR, "GET / HTTP/1.1\rHost: a\r\n\r\n"),
        Case(.bareCR, fields("X: a\rb")),
        Case(.bareCR, fields("X: a\r\r")),
        Case(.bareLF, "GET / HTTP/1.1\nHost: a\n\n"),
        Case(.bareLF, "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        Case(.bareLF, fields("X: a\nY: b")),
        Case(.nulByte, fields("X: a\0b")),
        Case(.nulByte, "GET /\0 HTTP/1.1\r\n"),
        Case(.controlCharacter, fields("X: a\u{1}b")),
        Case(.controlCharacter, fields("X: a\u{7F}b")),
        Case(.controlCharacter, "\u{16}\u{3}\u{1}"),
        Case(.leadingEmptyLines, "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ]

    static let requestLines = [
        Case(.malformedRequestLine, "GET\r\n"),
        Case(.malformedRequestLine, "GET /\r\n"),
        Case(.malformedRequestLine, "GET  / HTTP/1.1\r\n"),
        Case(.malformedRequestLine, "GET / HTTP/1.1 \r\n"),
        Case(.malformedRequestLine, "GET /a b HTTP/1.1\r\n"),
        Case(.invalidMethod, " GET / HTTP/1.1\r\n"),
        Case(.invalidMethod, "G(T / HTTP/1.1\r\n"),
        Case(.invalidMethod, "GET\t/ HTTP/1.1\r\n"),
        Case(.invalidMethod, "G\u{E9}T / HTTP/1.1\r\n"),
        Case(.invalidVersion, "GET /  HTTP/1.1\r\n".replacing("  HTTP/1.1", with: " HTTP/1.2")),
        Case(.invalidVersion, "GET / http/1.1\r\n"),
        Case(.invalidVersion, "GET / HTTP/1.10\r\n"),
        Case(.invalidVersion, "GET / HTTP/11\r\n"),
        Case(.invalidVersion, "GET / \r\n"),
        Case(.unsupportedVersion, "GET / HTTP/2.0\r\n", status: 505),
        Case(.unsupportedVersion, "PRI * HTTP/2.0\r\n", status: 505),
        Case(.unsupportedVersion, "GET / HTTP/0.9\r\n", status: 505),
        Case(.invalidTarget, "GET a HTTP/1.1\r\n"),
        Case(.invalidTarget, "GET ftp://a/ HTTP/1.1\r\n"),
        Case(.invalidTarget, "GET http:/a HTTP/1.1\r\n"),
        Case(.invalidTarget, "GET /\u{E9} HTTP/1.1\r\n"),
        Case(.invalidTarget, "GET /\t HTTP/1.1\r\n"),
        Case(.fragmentInTarget, "GET /a#b HTTP/1.1\r\n"),
        Case(.fragmentInTarget, "GET http://a#b HTTP/1.1\r\n"),
        Case(.asteriskTarget, "GET * HTTP/1.1\r\n"),
        Case(.invalidAuthority, "GET http:// HTTP/1.1\r\n"),
        Case(.invalidAuthority, "GET http:///a HTTP/1.1\r\n"),
        Case(.invalidAuthority, "GET http://u@a/ HTTP/1.1\r\n"),
        Case(.invalidAuthority, "GET http://a:65536/ HTTP/1.1\r\n"),
        Case(.connectNotAllowed, "CONNECT a:443 HTTP/1.1\r\n", status: 501),
    ]

    static let fieldLines = [
        Case(.spaceBeforeFirstField, fields(" X: a")),
        Case(.spaceBeforeFirstField, fields("\tX: a")),
        Case(.obsFold, fields("X: a\r\n b")),
        Case(.obsFold, fields("X: a\r\n\t")),
        Case(.spaceBeforeColon, fields("X : a")),
        Case(.spaceBeforeColon, fields("X\t: a")),
        Case(.spaceBeforeColon, fields("X Y: a")),
        Case(.missingColon, fields("X")),
        Case(.emptyFieldName, fields(": a")),
        Case(.invalidFieldName, fields("X@: a")),
        Case(.invalidFieldName, fields("X\u{E9}: a")),
        Case(.invalidFieldName, fields("\"X\": a")),
    ]

    static let meanings = [
        Case(.missingHost, "GET / HTTP/1.1\r\n\r\n"),
        Case(.missingHost, "GET http://a/ HTTP/1.1\r\n\r\n"),
        Case(.duplicateHost, fields("Host: a")),
        Case(.duplicateHost, "GET http://a/ HTTP/1.0\r\nHost: a\r\nhost: a\r\n\r\n"),
        Case(.invalidHost, "GET / HTTP/1.1\r\nHost:\r\n\r\n"),
        Case(.invalidHost, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
        Case(.invalidHost, "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"),
        Case(.invalidHost, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
        Case(.invalidHost, "GET http://a/ HTTP/1.1\r\nHost: a:b\r\n\r\n"),
        Case(.duplicateContentLength, fields("Content-Length: 1\r\nContent-Length: 1")),
        Case(.duplicateContentLength, fields("Content-Length: 1, 1")),
        Case(.invalidContentLength, fields("Content-Length: +1")),
        Case(.invalidContentLength, fields("Content-Length: -1")),
        Case(.invalidContentLength, fields("Content-Length: 0x1")),
        Case(.invalidContentLength, fields("Content-Length: 1 1")),
        Case(.invalidContentLength, fields("Content-Length:")),
        Case(.contentLengthOverflow, fields("Content-Length: 9223372036854775808")),
        Case(.contentLengthOverflow, fields("Content-Length: 18446744073709551617")),
        Case(.duplicateTransferEncoding, fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked")),
        Case(.duplicateTransferEncoding, fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity")),
        Case(.unsupportedTransferEncoding, fields("Transfer-Encoding: chunked,")),
        Case(.unsupportedTransferEncoding, fields("Transfer-Encoding: chunked, gzip")),
        Case(.unsupportedTransferEncoding, fields("Transfer-Encoding: gzip, chunked")),
        Case(.unsupportedTransferEncoding, fields("Transfer-Encoding: xchunked")),
        Case(.unsupportedTransferEncoding, fields("Transfer-Encoding: chunked;x")),
        Case(.unsupportedTransferEncoding, fields("Transfer-Encoding: \"chunked\"")),
        Case(.unsupportedTransferEncoding, fields("Transfer-Encoding: identity")),
        Case(.unsupportedTransferEncoding, fields("Transfer-Encoding:")),
        Case(.transferEncodingInHTTP10, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
        Case(.contentLengthWithTransferEncoding, fields("Content-Length: 1\r\nTransfer-Encoding: chunked")),
        Case(.contentLengthWithTransferEncoding, fields("Transfer-Encoding: chunked\r\nContent-Length: 1")),
        Case(.connectionNamesEndToEndField, fields("Connection: close, host")),
        Case(.connectionNamesEndToEndField, fields("Connection: X-Forwarded-For\r\nX-Forwarded-For: a")),
        Case(.connectionNamesEndToEndField, fields("Authorization: x\r\nConnection: authorization")),
        Case(.unsupportedExpectation, fields("Expect: 200-ok"), status: 417),
        Case(.unsupportedExpectation, fields("Expect: 100-continue, x"), status: 417),
    ]

    @Test(arguments: lines + requestLines + fieldLines + meanings)
    func refuses(_ wrong: Case) {
        // Latin-1, so that a character above 0x7F is one byte.
        let bytes = wrong.text.unicodeScalars.map { UInt8($0.value) }
        let refusal = Refusal(wrong.reason, in: .request)
        #expect(refusal.status == wrong.status)
        for cut in 0...bytes.count {
            #expect(readRequest(bytes, cuts: [cut]) == .refused(refusal), "cut at \(cut)")
        }
        #expect(readRequest(bytes, cuts: Array(0..<bytes.count)) == .refused(refusal), "byte by byte")
    }

    @Test func connectWithBody() {
        let text = "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nContent-Length: 3\r\n\r\n"
        #expect(
            readRequest(text.bytes, allowsConnect: true) == .refused(Refusal(.connectWithBody, in: .request))
        )
    }
}
