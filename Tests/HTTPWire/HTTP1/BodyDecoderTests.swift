import HTTPWire
import Testing

@Suite struct BodyDecoderTests {
    @Test func aBodyOfKnownLengthLeavesTheRest() {
        let bytes = "hello world".bytes
        for cut in 0...bytes.count {
            #expect(
                readBody(bytes, .length(5), cuts: [cut]) == .whole("hello".bytes, consumed: 5, trailers: []),
                "cut at \(cut)"
            )
        }
        #expect(readBody(bytes, .length(0)) == .whole([], consumed: 0, trailers: []))
        #expect(readBody(bytes, .none) == .whole([], consumed: 0, trailers: []))
        #expect(readBody(bytes, .length(12)) == .unfinished(bytes))
        #expect(readBody(bytes, .length(UInt64(Int64.max))) == .unfinished(bytes))
    }

    @Test func untilCloseTakesAll() {
        #expect(readBody("abc".bytes, .untilClose, cuts: [0, 1, 2]) == .unfinished("abc".bytes))
    }

    @Test func theEndOfTheConnectionIsCompleteOnlyWhereItMayBe() {
        var decoder = HTTP1BodyDecoder(.response)
        for (framing, bytes, expected) in [
            (BodyFraming.none, "", HTTP1BodyDecoder.EndOfInput.complete),
            (.untilClose, "abc", .complete),
            (.length(3), "abc", .complete),
            (.length(4), "abc", .truncated),
            (.chunked, "", .truncated),
            (.chunked, "3\r\nabc", .truncated),
            (.chunked, "3\r\nabc\r\n", .truncated),
            (.chunked, "3\r\nabc\r\n0\r\n", .truncated),
            (.chunked, "3\r\nabc\r\n0\r\n\r\n", .complete),
        ] {
            decoder.start(framing)
            let input = bytes.bytes
            var from = 0
            while case .data(let run) = decoder.next(input.span, from: from) { from = run.upperBound }
            #expect(decoder.endOfInput() == expected, "\(framing) \(bytes.debugDescription)")
            #expect(decoder.isEnded == (expected == .complete && framing != .untilClose))
        }
    }

    @Test func limits() {
        let tooLarge = BodyOutcome.refused(Refusal(.bodyTooLarge, in: .request))
        #expect(readBody([], .length(11), limit: 10) == tooLarge, "as soon as it is declared")
        #expect(readBody("0123456789".bytes, .length(10), limit: 10) != tooLarge)
        #expect(readBody("6\r\n012345\r\n5\r\n".bytes, .chunked, limit: 10) == tooLarge)
        #expect(readBody("6\r\n012345\r\n4\r\n".bytes, .chunked, limit: 10) == .unfinished("012345".bytes))
        #expect(readBody("0123456789a".bytes, .untilClose, limit: 10) == tooLarge)
        #expect(Refusal(.bodyTooLarge, in: .request).status == 413)
        #expect(
            readBody("x\r\n".bytes, .chunked, kind: .response) == .refused(Refusal(.invalidChunkSize, in: .response))
        )
    }

    @Test func receivedCountsTheBodyAlone() {
        var decoder = HTTP1BodyDecoder()
        decoder.start(.chunked)
        let input = "3;x\r\nabc\r\n2\r\nde".bytes
        var from = 0
        while case .data(let run) = decoder.next(input.span, from: from) { from = run.upperBound }
        #expect(decoder.received == 5)
        decoder.start(.length(1))
        #expect(decoder.received == 0)
    }

    @Test func aRefusalStays() {
        var decoder = HTTP1BodyDecoder()
        decoder.start(.chunked)
        let refused = HTTP1BodyDecoder.Step.refused(Refusal(.invalidChunkSize, in: .request))
        let first = decoder.next("z\r\n".bytes.span, from: 0)
        #expect(first == refused)
        let second = decoder.next("1\r\na\r\n0\r\n\r\n".bytes.span, from: 0)
        #expect(second == refused)
        #expect(decoder.endOfInput() == .truncated)
    }

    @Test func trailersAreDroppedUnlessAskedFor() {
        var decoder = HTTP1BodyDecoder()
        decoder.start(.chunked)
        let input = "0\r\nA: b\r\n\r\n".bytes
        let step = decoder.next(input.span, from: 0)
        #expect(step == .end(consumed: input.count))
    }

    @Test(arguments: [
        "Host", "Content-Length", "Transfer-Encoding", "Trailer", "Content-Type", "Content-Encoding", "Content-Range",
        "TE", "Expect", "If-Match", "Range", "Cache-Control", "Max-Forwards", "Authorization", "Cookie", "Set-Cookie",
        "Proxy-Authorization", "WWW-Authenticate", "Date", "Age", "Expires", "Location", "Retry-After", "Vary",
        "Connection",
        "X-Forwarded-For", "X-Forwarded-User", "Forwarded", "X-Real-IP", "X-Request-Id",
    ])
    func whatBelongsToTheHeadIsDroppedFromTrailers(_ name: String) {
        let bytes = "0\r\nA: 1\r\n\(name): x\r\nContent-Digest: 2\r\n\r\n".bytes
        for kind in [MessageKind.request, .response] {
            #expect(
                readBody(bytes, .chunked, kind: kind)
                    == .whole([], consumed: bytes.count, trailers: ["a=1|other", "content-digest=2|other"])
            )
        }
    }

    @Test func trailersOfRequestsLoseUnderscores() {
        let bytes = "0\r\nA_B: 1\r\nC: 2\r\n\r\n".bytes
        #expect(readBody(bytes, .chunked) == .whole([], consumed: bytes.count, trailers: ["c=2|other"]))
        #expect(
            readBody(bytes, .chunked, kind: .response)
                == .whole([], consumed: bytes.count, trailers: ["a_b=1|other", "c=2|other"])
        )
    }
}
