import Snapshot
import Testing

@Suite("The snapshot codec")
struct SnapshotCodecTests {
    private enum Kind: String, Codable { case first, second }

    private indirect enum Shape: Codable, Equatable {
        case empty
        case circle(radius: Double)
        case named(String, sides: [Int])
        case group([Shape])
        case inside(Shape)
    }

    private struct Everything: Codable, Equatable {
        var flag = true
        var small: Int8 = -7
        var wide: UInt64 = .max
        var signed: Int = .min
        var ratio = 0.1
        var text = "Grüße, 世界"
        var bytes: [UInt8] = [0, 255, 1]
        var blob: [UInt8]? = [4, 5]
        var noBlob: [UInt8]?
        var optionalTable: [String: [UInt8]]? = ["x": [9]]
        var optionalSet: Set<Int>? = [1]
        var absent: Int?
        var present: String? = "here"
        var gaps: [Int?] = [1, nil, 3]
        var nested: [[String]] = [[], ["a", "b"]]
        var table: [String: Int?] = ["b": 2, "a": nil, "c": 3]
        var set: Set<Int> = [3, 1, 2]
        var kind = Kind.second
        var shapes: [Shape] = [.empty, .circle(radius: 2), .named("x", sides: [1, 2]), .group([.inside(.empty)])]
        var double: Int?? = .some(nil)
    }

    @Test("values come back equal, and equal values have equal bytes")
    func roundTrip() throws {
        let bytes = try SnapshotCodec.encode(Everything())
        #expect(try SnapshotCodec.decode(Everything.self, from: bytes) == Everything())
        let words = (0..<200).map { ("key \($0)", $0) }
        let forward = Dictionary(uniqueKeysWithValues: words)
        let backward = Dictionary(uniqueKeysWithValues: words.reversed())
        #expect(try SnapshotCodec.encode(forward) == SnapshotCodec.encode(backward))
    }

    @Test("every cut, and every byte too many, is an error")
    func strict() throws {
        let bytes = try SnapshotCodec.encode(Everything())
        for length in 0..<bytes.count {
            #expect(throws: SnapshotError.self, "cut at \(length)") {
                try SnapshotCodec.decode(Everything.self, from: Array(bytes.prefix(length)))
            }
        }
        #expect(throws: SnapshotError.trailing(count: 1)) {
            try SnapshotCodec.decode(Everything.self, from: bytes + [0])
        }
        #expect(throws: SnapshotError.version(found: 9, expected: SnapshotCodec.version)) {
            try SnapshotCodec.decode(Everything.self, from: [9] + bytes.dropFirst())
        }
    }

    @Test("bytes of a build whose structure has other fields are refused")
    func otherFields() throws {
        struct Old: Codable { var first = 1, second = 2 }
        struct Swapped: Codable { var second = 1, first = 2 }
        struct Renamed: Codable { var first = 1, third: Int? }
        struct Grown: Codable { var first = 1, second = 2, third: String? }
        let bytes = try SnapshotCodec.encode(Old())
        #expect(throws: SnapshotError.invalid("another field where second stands")) {
            try SnapshotCodec.decode(Swapped.self, from: bytes)
        }
        #expect(throws: SnapshotError.invalid("another field where third stands")) {
            try SnapshotCodec.decode(Renamed.self, from: bytes)
        }
        #expect(throws: SnapshotError.truncated) { try SnapshotCodec.decode(Grown.self, from: bytes) }
        #expect(throws: SnapshotError.self) { try SnapshotCodec.decode(Old.self, from: SnapshotCodec.encode(Grown())) }
    }

    @Test("counts beyond the bytes, bytes that are no boolean, text that is no UTF-8 are refused")
    func damaged() {
        #expect(throws: SnapshotError.truncated) {
            try SnapshotCodec.decode([Int].self, from: [SnapshotCodec.version, 255, 255, 255, 255, 0])
        }
        #expect(throws: SnapshotError.invalid("2 where 0 or 1 stands")) {
            try SnapshotCodec.decode(Bool.self, from: [SnapshotCodec.version, 2])
        }
        #expect(throws: SnapshotError.invalid("a string that is not UTF-8")) {
            try SnapshotCodec.decode(String.self, from: [SnapshotCodec.version, 1, 0, 0, 0, 0xFF])
        }
        #expect(throws: SnapshotError.invalid("a dictionary out of order")) {
            try SnapshotCodec.decode([UInt8: UInt8].self, from: [SnapshotCodec.version, 2, 0, 0, 0, 5, 0, 5, 0])
        }
    }

    @Test("nesting is bounded both ways")
    func deep() throws {
        var shape = Shape.empty
        for _ in 0..<100 { shape = .inside(shape) }
        #expect(throws: SnapshotError.tooDeep) { try SnapshotCodec.encode(shape) }
        // The case's name and its value's mark, without the version before and the case inside.
        let level = try SnapshotCodec.encode(Shape.inside(.empty)).dropFirst().dropLast(6)
        let bytes: [UInt8] = [SnapshotCodec.version] + Array(repeating: level, count: 10_000).joined()
        #expect(throws: SnapshotError.tooDeep) { try SnapshotCodec.decode(Shape.self, from: bytes) }
    }

    @Test("random and flipped bytes are refused or read, never a trap")
    func fuzz() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SplitMix(state: seed)
        let valid = try SnapshotCodec.encode(Everything())
        var refused = 0
        for round in 0..<4_000 {
            var bytes = valid
            if round % 2 == 0 {
                for _ in 0...Int.random(in: 0..<4, using: &generator) {
                    bytes[Int.random(in: 0..<bytes.count, using: &generator)] ^=
                        1 << UInt8.random(in: 0..<8, using: &generator)
                }
            } else {
                let count = Int.random(in: 0..<300, using: &generator)
                bytes = [SnapshotCodec.version] + (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            }
            do throws(SnapshotError) {
                _ = try SnapshotCodec.decode(Everything.self, from: bytes)
            } catch {
                refused += 1
            }
        }
        #expect(refused > 2_000, "seed \(seed)")
    }

    @Test("what has no order or no size is refused when it is encoded")
    func unsupported() {
        struct Nothing: Codable {}
        #expect(throws: SnapshotError.self) { try SnapshotCodec.encode([Nothing(), Nothing()]) }
        #expect(throws: SnapshotError.self) { try SnapshotCodec.encode([Kind.first: 1]) }
    }
}

/// A small generator that a seed repeats (splitmix64).
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
