import Bytes
import Testing

@Suite struct ByteScanTests {
    /// Lengths around the blocks of sixteen, each byte value at each place.
    @Test func findsControlsAsAByteByByteSearchDoes() {
        for length in [0, 1, 15, 16, 17, 31, 32, 33, 50] {
            var bytes = [UInt8](repeating: 0x20, count: length)
            for place in 0..<length {
                for value in UInt8.min...UInt8.max {
                    bytes[place] = value
                    let expected = bytes.firstIndex { $0 < 0x20 || $0 == 0x7F } ?? length
                    let found = bytes.span.firstControl(from: 0, to: length)
                    #expect(found == expected, "value \(value) at \(place) of \(length)")
                }
                bytes[place] = 0xFF
            }
        }
    }

    @Test func looksOnlyWhereItIsTold() {
        let bytes = [UInt8](repeating: 0, count: 40)
        #expect(bytes.span.firstControl(from: 7, to: 7) == 7)
        var plain = [UInt8](repeating: 0x41, count: 40)
        plain[39] = 0
        plain[0] = 0
        #expect(plain.span.firstControl(from: 1, to: 39) == 39)
    }

    @Test func lowersANameAndNothingBehindIt() {
        var generator = SystemRandomNumberGenerator()
        let seed = generator.next() as UInt64
        var random = SplitMix(seed)
        let alphabet = Array("ABCXYZabcxyz0189-_:; \u{1}@[`{".utf8)
        for _ in 0..<20_000 {
            let before = (0..<Int(random.next() % 20)).map { _ in UInt8(ascii: "Q") }
            let bytes = (0..<Int(random.next() % 40)).map { _ in alphabet[Int(random.next() % UInt64(alphabet.count))] }
            let buffer = ByteBuffer(capacity: 1)
            buffer.append(before.span)
            buffer.append(bytes.span)
            let end = buffer.lowercaseName(at: before.count)
            let length =
                bytes.firstIndex { byte in
                    !(byte.asciiLowercased &- 97 < 26 || byte &- 48 < 10 || byte == UInt8(ascii: "-"))
                } ?? bytes.count
            let expected = before + bytes[..<length].map(\.asciiLowercased) + bytes[length...]
            #expect(end == before.count + length && buffer.array == expected, "seed \(seed)")
        }
    }

    @Test func comparesRunsOfEveryLength() {
        for length in 0...40 {
            let bytes = (0..<length).map { UInt8($0 + 65) }
            let same = bytes.span.equals(Array(bytes).span)
            #expect(same)
            for place in 0..<length {
                var other = bytes
                other[place] ^= 1
                let differs = bytes.span.equals(other.span)
                #expect(!differs, "length \(length), place \(place)")
            }
        }
    }
}

private struct SplitMix {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
