import HTTPWire
import Testing

@Suite struct ChunkedBodyTests {
    private static let body = "4\r\nWiki\r\n0B;x=\"y\"\r\npedia in \r\n\r\n0\r\nX-Sum: 1 \r\nHost: evil\r\n\r\nGET"

    @Test func readsChunksAndTrailers() {
        let bytes = Self.body.bytes
        let expected = BodyOutcome.whole(
            "Wikipedia in \r\n".bytes,
            consumed: bytes.count - 3,
            trailers: ["x-sum=1|other"]
        )
        for cut in 0...bytes.count {
            #expect(readBody(bytes, .chunked, cuts: [cut]) == expected, "cut at \(cut)")
        }
        #expect(readBody(bytes, .chunked, cuts: Array(0..<bytes.count)) == expected)
    }

    static let wrong: [(String, RefusalReason, Int)] = [
        (" 4\r\nWiki\r\n", .invalidChunkSize, 400),
        ("+4\r\nWiki\r\n", .invalidChunkSize, 400),
        ("-4\r\nWiki\r\n", .invalidChunkSize, 400),
        ("0x4\r\nWiki\r\n", .invalidChunkSize, 400),
        ("4 \r\nWiki\r\n", .invalidChunkSize, 400),
        ("4_0\r\nWiki\r\n", .invalidChunkSize, 400),
        ("\r\nWiki\r\n", .invalidChunkSize, 400),
        (";x\r\nWiki\r\n", .invalidChunkSize, 400),
        ("00000000000000004\r\nWiki\r\n", .chunkSizeOverflow, 400),
        ("8000000000000000\r\nWiki\r\n", .chunkSizeOverflow, 400),
        ("FFFFFFFFFFFFFFFF\r\nWiki\r\n", .chunkSizeOverflow, 400),
        ("4\nWiki\r\n", .bareLF, 400),
        ("4;x\nWiki\r\n", .bareLF, 400),
        ("4;x\rWiki\r\n", .bareCR, 400),
        ("4;\0\r\nWiki\r\n", .nulByte, 400),
        ("4\r\nWikiX\r\n", .unterminatedChunk, 400),
        ("4\r\nWiki\n0\r\n\r\n", .unterminatedChunk, 400),
        ("4\r\nWiki\rX0\r\n\r\n", .unterminatedChunk, 400),
        ("4;" + String(repeating: "x", count: 600) + "\r\nWiki\r\n", .chunkExtensionTooLong, 400),
        (
            String(repeating: "1;" + String(repeating: "x", count: 500) + "\r\na\r\n", count: 40),
            .chunkExtensionTooLong, 400
        ),
        ("0\r\n X: 1\r\n\r\n", .spaceBeforeFirstField, 400),
        ("0\r\nX: 1\r\n y\r\n\r\n", .obsFold, 400),
        ("0\r\nX\r\n\r\n", .missingColon, 400),
        ("0\r\nX: " + String(repeating: "x", count: 9000) + "\r\n\r\n", .trailersTooLarge, 431),
        (
            "0\r\n" + String(repeating: "X: " + String(repeating: "x", count: 8000) + "\r\n", count: 9),
            .trailersTooLarge, 431
        ),
        ("0\r\n" + String(repeating: "X: 1\r\n", count: 101), .tooManyFields, 431),
        ("FFF\r\n", .bodyTooLarge, 413),
    ]

    @Test(arguments: wrong)
    func refuses(_ text: String, _ reason: RefusalReason, _ status: Int) {
        let bytes = text.bytes
        let refusal = Refusal(reason, in: .request)
        #expect(refusal.status == status)
        let cuts = bytes.count < 200 ? Array(0...bytes.count) : Array(stride(from: 0, to: bytes.count, by: 97))
        for cut in cuts {
            #expect(readBody(bytes, .chunked, cuts: [cut], limit: 3000) == .refused(refusal), "cut at \(cut)")
        }
        #expect(readBody(bytes, .chunked, cuts: Array(0..<bytes.count), limit: 3000) == .refused(refusal))
    }
}
