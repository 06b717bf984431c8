import HTTPWire
import Testing

@Suite struct ResponseParserTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let text: String
        var method = Method.get
        var framing = BodyFraming.untilClose
        var keepAlive = true
        var testDescription: String { "\(method) \(text.debugDescription)" }
    }

    static let framings = [
        Case(text: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", framing: .length(5)),
        Case(text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", framing: .chunked),
        Case(text: "HTTP/1.1 200\r\n\r\n", keepAlive: false),
        Case(text: "HTTP/1.1 200 \r\n\r\n", keepAlive: false),
        Case(text: "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", framing: .length(5), keepAlive: false),
        Case(
            text: "HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n",
            framing: .length(5)
        ),
        Case(text: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", method: .head, framing: .none),
        Case(text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", method: .head, framing: .none),
        Case(text: "HTTP/1.1 200 OK\r\n\r\n", method: .connect, framing: .none),
        Case(text: "HTTP/1.1 403 No\r\nContent-Length: 5\r\n\r\n", method: .connect, framing: .length(5)),
        Case(text: "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", framing: .none),
        Case(text: "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", framing: .none),
        Case(text: "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", framing: .none),
        Case(text: "HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", framing: .none),
        Case(
            text: "HTTP/1.1 200 OK\r\nConnection: keep-alive, Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n",
            framing: .chunked
        ),
        Case(text: "HTTP/1.1 200 OK\r\nX_Y: 1\r\nContent-Length: 0\r\n\r\n", framing: .length(0)),
    ]

    @Test(arguments: framings)
    func framing(_ response: Case) {
        let bytes = (response.text + "surplus").bytes
        let whole = readResponse(bytes, method: response.method)
        guard case .head(let head, let consumed) = whole else {
            Issue.record("\(whole)")
            return
        }
        #expect(head.framing == response.framing && head.keepAlive == response.keepAlive)
        #expect(consumed == response.text.utf8.count)
        for cut in 0...bytes.count {
            #expect(readResponse(bytes, cuts: [cut], method: response.method) == whole, "cut at \(cut)")
        }
    }

    static let wrong: [(RefusalReason, String)] = [
        (.malformedStatusLine, "200 OK\r\n"), (.malformedStatusLine, "\r\nHTTP/1.1 200 OK\r\n"),
        (.malformedStatusLine, "HTTP/1.1 20 OK\r\n"), (.malformedStatusLine, "HTTP/1.1 2000 OK\r\n"),
        (.malformedStatusLine, "HTTP/1.1 099 OK\r\n"), (.malformedStatusLine, "HTTP/1.1  200 OK\r\n"),
        (.malformedStatusLine, "HTTP/1.1 200\tOK\r\n"), (.malformedStatusLine, "HTTP/1.1 -20 OK\r\n"),
        (.invalidVersion, "HTTP/1.2 200 OK\r\n"), (.unsupportedVersion, "HTTP/2.0 200 OK\r\n"),
        (.invalidVersion, "XTTP/1.1 200 OK\r\n"),
        (.bareLF, "HTTP/1.1 200 OK\nA: b\n\n"), (.bareCR, "HTTP/1.1 200 OK\r\nA: b\rc\r\n"),
        (.nulByte, "HTTP/1.1 200 OK\r\nA: \0\r\n"), (.obsFold, "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n"),
        (.spaceBeforeColon, "HTTP/1.1 200 OK\r\nContent-Length : 5\r\n"),
        (.duplicateContentLength, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n"),
        (.duplicateContentLength, "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n"),
        (.invalidContentLength, "HTTP/1.1 204 No\r\nContent-Length: x\r\n\r\n"),
        (.contentLengthOverflow, "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n"),
        (
            .contentLengthWithTransferEncoding,
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
        ),
        (.unsupportedTransferEncoding, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
        (.transferEncodingInHTTP10, "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (.connectionNamesEndToEndField, "HTTP/1.1 200 OK\r\nConnection: set-cookie\r\nSet-Cookie: a\r\n\r\n"),
        (.switchWithoutUpgrade, "HTTP/1.1 101 Go\r\n\r\n"),
        (.switchWithoutUpgrade, "HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"),
        (.headTooLarge, "HTTP/1.1 200 " + String(repeating: "a", count: 9000)),
        (.fieldTooLong, "HTTP/1.1 200 OK\r\nA: " + String(repeating: "a", count: 9000)),
    ]

    @Test(arguments: wrong)
    func refuses(_ reason: RefusalReason, _ text: String) {
        let bytes = text.bytes
        let refusal = Refusal(reason, in: .response)
        #expect(refusal.status == 502)
        let cuts = bytes.count < 200 ? Array(0...bytes.count) : [0, 1, 14, 5000]
        for cut in cuts { #expect(readResponse(bytes, cuts: [cut]) == .refused(refusal), "cut at \(cut)") }
        #expect(readResponse(bytes, cuts: Array(0..<bytes.count)) == .refused(refusal))
    }

    @Test(arguments: [("HTTP/1.1 204 No", true), ("HTTP/1.1 103 Hints", true), ("HTTP/1.1 304 Same", false)])
    func aLengthThatMayNotBeDeclaredIsNotPassedOn(_ line: String, _ isDropped: Bool) {
        guard case .head(let head, _) = readResponse("\(line)\r\nContent-Length: 5\r\n\r\n".bytes) else {
            Issue.record("refused")
            return
        }
        #expect(head.fields == ["content-length=5|contentLength" + (isDropped ? "|hop" : "")])
    }

    @Test func interimHeadsComeBeforeTheFinalOne() {
        var parser = HTTP1ResponseParser()
        parser.reset(forMethod: .head)
        let head = MessageHead()
        let bytes = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n".bytes
        let interim = parser.parse(bytes.span, into: head)
        #expect(interim == .complete(consumed: 25))
        #expect(head.status == 100)
        let final = parser.parse(bytes.span.extracting(25..<bytes.count), into: head)
        #expect(final == .complete(consumed: 38))
        #expect(head.status == 200 && head.framing == .none, "the method holds for the whole response")
    }
}
