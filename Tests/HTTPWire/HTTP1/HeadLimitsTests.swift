import HTTPWire
import Testing

@Suite struct HeadLimitsTests {
    private static let end = "Host: a\r\n\r\n"

    private func refusal(_ text: String, _ limits: HeadLimits = HeadLimits()) -> RefusalReason? {
        let bytes = text.bytes
        let whole = readRequest(bytes, limits: limits)
        // A limit must not depend on how much came at once.
        for cuts in [Array(0..<bytes.count), Array(stride(from: 0, to: bytes.count, by: 1000))] {
            #expect(readRequest(bytes, cuts: cuts, limits: limits) == whole)
        }
        if case .refused(let refusal) = whole { return refusal.reason }
        return nil
    }

    @Test func requestLine() {
        let fits = "GET /" + String(repeating: "a", count: 8192 - 14) + " HTTP/1.1"
        #expect(fits.utf8.count == 8192)
        #expect(refusal(fits + "\r\n" + Self.end) == nil)
        #expect(refusal("X" + fits + "\r\n" + Self.end) == .requestLineTooLong)
        #expect(refusal(String(repeating: "a", count: 8193)) == .requestLineTooLong, "before its end has come")
        #expect(readRequest([UInt8](repeating: 97, count: 8192)) == .incomplete)
        #expect(RefusalReason.requestLineTooLong.status == 414)
    }

    @Test func fieldLine() {
        let fits = "X: " + String(repeating: "a", count: 8189)
        #expect(refusal("GET / HTTP/1.1\r\n\(fits)\r\n" + Self.end) == nil)
        #expect(refusal("GET / HTTP/1.1\r\n\(fits)a\r\n" + Self.end) == .fieldTooLong)
        #expect(refusal("GET / HTTP/1.1\r\n\(fits)a") == .fieldTooLong)
        #expect(RefusalReason.fieldTooLong.status == 431)
    }

    @Test func numberOfFields() {
        let line = "GET / HTTP/1.1\r\n"
        #expect(refusal(line + String(repeating: "X: 1\r\n", count: 99) + Self.end) == nil)
        #expect(refusal(line + String(repeating: "X: 1\r\n", count: 100) + Self.end) == .tooManyFields)
        #expect(refusal(line + String(repeating: "X_Y: 1\r\n", count: 100) + Self.end) == .tooManyFields)
        #expect(RefusalReason.tooManyFields.status == 431)
    }

    @Test func wholeHead() {
        var limits = HeadLimits()
        limits.head = 100
        let head = "GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "a", count: 68)
        #expect(refusal(head + "\r\n\r\n", limits) == nil)
        #expect((head + "\r\n\r\n").utf8.count == 100)
        #expect(refusal(head + "a\r\n\r\n", limits) == .headTooLarge)
        #expect(refusal(head + "aaa\r\n\r\n", limits) == .headTooLarge)
        #expect(refusal(head + "aaaa", limits) == .headTooLarge)
        #expect(RefusalReason.headTooLarge.status == 431)
    }

    @Test func aSenderOfSingleBytesCostsNoMore() {
        let text = "GET / HTTP/1.1\r\n" + String(repeating: "X-Name: some value\r\n", count: 90) + Self.end
        let bytes = text.bytes
        var parser = HTTP1RequestParser()
        let head = MessageHead()
        for end in 1..<bytes.count {
            let prefix = Array(bytes[..<end])
            let soFar = parser.parse(prefix.span, into: head)
            #expect(soFar == .incomplete)
        }
        let whole = parser.parse(bytes.span, into: head)
        #expect(whole == .complete(consumed: bytes.count))
        #expect(parser.examined <= bytes.count, "looked at \(parser.examined) of \(bytes.count) bytes")
    }
}
