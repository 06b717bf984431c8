import Testing

@testable import OpenSSL

@Suite("Lists of transparency logs' promises")
struct SignedTimestampTests {
    /// Two promises, of logs 1 and 2, in an OCTET STRING.
    private static let whole: [UInt8] = {
        let promises = [UInt8(1), 2].flatMap { log -> [UInt8] in
            let body =
                [0] + [UInt8](repeating: log, count: 32) + [0, 0, 1, 0x8B, 0, 0, 0, log] + [0, 0, 4, 3, 0, 2, 9, 9]
            return [0, UInt8(body.count)] + body
        }
        let list = [0, UInt8(promises.count)] + promises
        return [4, UInt8(list.count)] + list
    }()

    @Test("one is read as it stands")
    func reads() {
        let found = SignedTimestamp.list(Self.whole.span)
        #expect(found?.map(\.log) == [[UInt8](repeating: 1, count: 32), [UInt8](repeating: 2, count: 32)])
        #expect(found?.map(\.milliseconds) == [0x18B_0000_0001, 0x18B_0000_0002])
    }

    @Test("no cut is taken for the whole, and no flipped bit traps")
    func damaged() {
        for count in 0..<Self.whole.count {
            let part = Array(Self.whole.prefix(count))
            #expect(SignedTimestamp.list(part.span) == nil, "cut at \(count)")
        }
        for bit in 0..<Self.whole.count * 8 {
            var bytes = Self.whole
            bytes[bit / 8] ^= 1 << (bit % 8)
            let found = SignedTimestamp.list(bytes.span)
            #expect(found.map { $0.count <= 2 } ?? true)
        }
    }
}
