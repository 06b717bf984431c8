/// Reads the form that `SnapshotCodec` describes.
internal final class SnapshotReader: Decoder {
    private let bytes: [UInt8]
    private var position: Int
    private var depth = 0

    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]

    init(bytes: [UInt8], position: Int) {
        self.bytes = bytes
        self.position = position
    }

    var remaining: Int { bytes.count - position }

    func decode<T: Decodable>(_ type: T.Type) throws -> T {
        guard depth < SnapshotCodec.deepest else { throw SnapshotError.tooDeep }
        depth += 1
        defer { depth -= 1 }
        if type == [UInt8].self {
            let run = Array(try take(count()))
            if let run = run as? T { return run }
        }
        if let known = type as? any SnapshotDecodable.Type, let value = try known.decode(from: self) as? T {
            return value
        }
        return try type.init(from: self)
    }

    func take(_ count: Int) throws -> ArraySlice<UInt8> {
        guard count <= remaining else { throw SnapshotError.truncated }
        defer { position += count }
        return bytes[position..<(position + count)]
    }

    /// A count of things that take at least a byte each.
    func count() throws -> Int {
        let count = Int(try integer(UInt32.self))
        guard count <= remaining else { throw SnapshotError.truncated }
        return count
    }

    func integer<T: FixedWidthInteger>(_ type: T.Type) throws -> T {
        try take(T.bitWidth / 8).reversed().reduce(0) { (T.bitWidth > 8 ? $0 << 8 : 0) | T(truncatingIfNeeded: $1) }
    }

    func bool() throws -> Bool {
        switch try integer(UInt8.self) {
        case 0: false
        case 1: true
        case let other: throw SnapshotError.invalid("\(other) where 0 or 1 stands")
        }
    }

    func string() throws -> String {
        try text(take(count()))
    }

    /// The name of an enumeration's case, which stays to be read when `consuming` is false.
    func caseName(consuming: Bool) throws -> String {
        let start = position
        defer { if !consuming { position = start } }
        return try text(take(Int(integer(UInt8.self))))
    }

    private func text(_ slice: ArraySlice<UInt8>) throws -> String {
        guard let text = String(validating: slice, as: UTF8.self) else {
            throw SnapshotError.invalid("a string that is not UTF-8")
        }
        return text
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(SnapshotKeyedReader(reader: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        SnapshotListReader(reader: self, count: try count())
    }

    func singleValueContainer() -> any SingleValueDecodingContainer { SnapshotSingleReader(reader: self) }
}

private struct SnapshotKeyedReader<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let reader: SnapshotReader
    var codingPath: [any CodingKey] { [] }

    /// The case of an enumeration: synthesised code asks for this of nothing else.
    var allKeys: [Key] {
        (try? reader.caseName(consuming: false)).flatMap { Key(stringValue: $0) }.map { [$0] } ?? []
    }

    func contains(_ key: Key) -> Bool { true }

    private func field<T: Decodable>(_ key: Key) throws -> T {
        guard try reader.integer(UInt16.self) == SnapshotCodec.mark(key) else {
            throw SnapshotError.invalid("another field where \(key.stringValue) stands")
        }
        return try reader.decode(T.self)
    }

    func decodeNil(forKey key: Key) throws -> Bool { try field(key) as Bool? == nil }
    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T { try field(key) }

    // The standard library's versions would read the field's mark twice.
    func decodeIfPresent<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T? { try field(key) }
    func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? { try field(key) }
    func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? { try field(key) }
    func decodeIfPresent(_ type: Double.Type, forKey key: Key) throws -> Double? { try field(key) }
    func decodeIfPresent(_ type: Float.Type, forKey key: Key) throws -> Float? { try field(key) }
    func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? { try field(key) }
    func decodeIfPresent(_ type: Int8.Type, forKey key: Key) throws -> Int8? { try field(key) }
    func decodeIfPresent(_ type: Int16.Type, forKey key: Key) throws -> Int16? { try field(key) }
    func decodeIfPresent(_ type: Int32.Type, forKey key: Key) throws -> Int32? { try field(key) }
    func decodeIfPresent(_ type: Int64.Type, forKey key: Key) throws -> Int64? { try field(key) }
    func decodeIfPresent(_ type: UInt.Type, forKey key: Key) throws -> UInt? { try field(key) }
    func decodeIfPresent(_ type: UInt8.Type, forKey key: Key) throws -> UInt8? { try field(key) }
    func decodeIfPresent(_ type: UInt16.Type, forKey key: Key) throws -> UInt16? { try field(key) }
    func decodeIfPresent(_ type: UInt32.Type, forKey key: Key) throws -> UInt32? { try field(key) }
    func decodeIfPresent(_ type: UInt64.Type, forKey key: Key) throws -> UInt64? { try field(key) }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type,
        forKey key: Key
    ) throws -> KeyedDecodingContainer<NestedKey> {
        guard try reader.caseName(consuming: true) == key.stringValue else {
            throw SnapshotError.invalid("another case than \(key.stringValue)")
        }
        return KeyedDecodingContainer(SnapshotKeyedReader<NestedKey>(reader: reader))
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try reader.unkeyedContainer()
    }
    func superDecoder() throws -> any Decoder { reader }
    func superDecoder(forKey key: Key) throws -> any Decoder { reader }
}

private struct SnapshotListReader: UnkeyedDecodingContainer {
    let reader: SnapshotReader
    let count: Int?
    private(set) var currentIndex = 0
    var codingPath: [any CodingKey] { [] }
    var isAtEnd: Bool { currentIndex >= count ?? 0 }

    init(reader: SnapshotReader, count: Int) {
        self.reader = reader
        self.count = count
    }

    private mutating func advance() throws {
        guard !isAtEnd else { throw SnapshotError.truncated }
        currentIndex += 1
    }

    mutating func decodeNil() throws -> Bool { try !reader.bool() }
    mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
        try advance()
        return try reader.decode(type)
    }
    mutating func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type
    ) throws -> KeyedDecodingContainer<NestedKey> {
        try advance()
        return KeyedDecodingContainer(SnapshotKeyedReader<NestedKey>(reader: reader))
    }
    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try advance()
        return try reader.unkeyedContainer()
    }
    mutating func superDecoder() throws -> any Decoder { reader }
}

private struct SnapshotSingleReader: SingleValueDecodingContainer {
    let reader: SnapshotReader
    var codingPath: [any CodingKey] { [] }

    func decodeNil() -> Bool { false }
    func decode(_ type: Bool.Type) throws -> Bool { try reader.bool() }
    func decode(_ type: String.Type) throws -> String { try reader.string() }
    func decode(_ type: Double.Type) throws -> Double { Double(bitPattern: try reader.integer(UInt64.self)) }
    func decode(_ type: Float.Type) throws -> Float { Float(bitPattern: try reader.integer(UInt32.self)) }
    func decode(_ type: Int.Type) throws -> Int { Int(try reader.integer(Int64.self)) }
    func decode(_ type: Int8.Type) throws -> Int8 { try reader.integer(type) }
    func decode(_ type: Int16.Type) throws -> Int16 { try reader.integer(type) }
    func decode(_ type: Int32.Type) throws -> Int32 { try reader.integer(type) }
    func decode(_ type: Int64.Type) throws -> Int64 { try reader.integer(type) }
    func decode(_ type: UInt.Type) throws -> UInt { UInt(try reader.integer(UInt64.self)) }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try reader.integer(type) }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try reader.integer(type) }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try reader.integer(type) }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try reader.integer(type) }
    func decode<T: Decodable>(_ type: T.Type) throws -> T { try reader.decode(type) }
}
