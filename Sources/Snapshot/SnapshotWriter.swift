/// Writes the form that `SnapshotCodec` describes. One object and its containers write one run of bytes.
internal final class SnapshotWriter: Encoder {
    var bytes: [UInt8] = []
    private var depth = 0

    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]

    func encode<T: Encodable>(_ value: T) throws {
        guard depth < SnapshotCodec.deepest else { throw SnapshotError.tooDeep }
        depth += 1
        defer { depth -= 1 }
        // The type is asked first: a cast alone would also see through an optional.
        if T.self == [UInt8].self, let raw = value as? [UInt8] {
            try count(raw.count)
            bytes += raw
        } else if let known = value as? any SnapshotEncodable {
            try known.encode(to: self)
        } else if value is [AnyHashable: Any] || value is Set<AnyHashable> {
            throw SnapshotError.unsupported("\(T.self), whose keys have no order")
        } else {
            try value.encode(to: self)
        }
    }

    func count(_ count: Int) throws {
        guard count <= SnapshotCodec.largest else { throw SnapshotError.oversized(limit: SnapshotCodec.largest) }
        integer(UInt32(count))
    }

    func integer<T: FixedWidthInteger>(_ value: T) {
        var rest = value
        for _ in 0..<(T.bitWidth / 8) {
            bytes.append(UInt8(truncatingIfNeeded: rest))
            rest = T.bitWidth > 8 ? rest >> 8 : 0
        }
    }

    func string(_ value: String) throws {
        var value = value
        try value.withUTF8 { try count($0.count) }
        bytes += value.utf8
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        KeyedEncodingContainer(SnapshotKeyedWriter(writer: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer { SnapshotListWriter(writer: self) }
    func singleValueContainer() -> any SingleValueEncodingContainer { SnapshotSingleWriter(writer: self) }
}

private struct SnapshotKeyedWriter<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let writer: SnapshotWriter
    var codingPath: [any CodingKey] { [] }

    private func field<T: Encodable>(_ key: Key, _ value: T) throws {
        writer.integer(SnapshotCodec.mark(key))
        try writer.encode(value)
    }

    mutating func encode<T: Encodable>(_ value: T, forKey key: Key) throws { try field(key, value) }
    mutating func encodeNil(forKey key: Key) throws { try field(key, Bool?.none) }

    // The standard library's versions write nothing for nil.
    mutating func encodeIfPresent<T: Encodable>(_ value: T?, forKey key: Key) throws { try field(key, value) }
    mutating func encodeIfPresent(_ value: Bool?, forKey key: Key) throws { try field(key, value) }
    mutating func encodeIfPresent(_ value: String?, forKey key: Key) throws { try field(key, value) }
    mutating func encodeIfPresent(_ value: Double?, forKey key: Key) throws { try field(key, value) }
    mutating func encodeIfPresent(_ value: Float?, forKey key: Key) throws { try field(key, value) }
    mutating func encodeIfPresent(_ value: Int?, forKey key: Key) throws { try field(key, value) }
    mutating func encodeIfPresent(_ value: Int8?, forKey key: Key) throws { try field(key, value) }
    mutating func encodeIfPresent(_ value: Int16?, forKey key: Key) throws { try field(key, value) }
    mutating func encodeIfPresent(_ value: Int32?, forKey key: Key) throws { try field(key, value) }
    mutating func encodeIfPresent(_ value: Int64?, forKey key: Key) throws { try field(key, value) }
    mutating func encodeIfPresent(_ value: UInt?, forKey key: Key) throws { try field(key, value) }
    mutating func encodeIfPresent(_ value: UInt8?, forKey key: Key) throws { try field(key, value) }
    mutating func encodeIfPresent(_ value: UInt16?, forKey key: Key) throws { try field(key, value) }
    mutating func encodeIfPresent(_ value: UInt32?, forKey key: Key) throws { try field(key, value) }
    mutating func encodeIfPresent(_ value: UInt64?, forKey key: Key) throws { try field(key, value) }

    /// The payload of an enumeration's case: synthesised code asks for this of nothing else.
    mutating func nestedContainer<NestedKey: CodingKey>(
        keyedBy keyType: NestedKey.Type,
        forKey key: Key
    ) -> KeyedEncodingContainer<NestedKey> {
        let name = Array(key.stringValue.utf8.prefix(255))
        writer.bytes.append(UInt8(name.count))
        writer.bytes += name
        return KeyedEncodingContainer(SnapshotKeyedWriter<NestedKey>(writer: writer))
    }

    mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        SnapshotListWriter(writer: writer)
    }
    mutating func superEncoder() -> any Encoder { writer }
    mutating func superEncoder(forKey key: Key) -> any Encoder { writer }
}

/// A list whose count stands before its elements and goes up with each.
private struct SnapshotListWriter: UnkeyedEncodingContainer {
    let writer: SnapshotWriter
    private let place: Int
    private(set) var count = 0
    var codingPath: [any CodingKey] { [] }

    init(writer: SnapshotWriter) {
        self.writer = writer
        place = writer.bytes.count
        writer.integer(UInt32(0))
    }

    mutating func encode<T: Encodable>(_ value: T) throws {
        guard count < SnapshotCodec.largest else { throw SnapshotError.oversized(limit: SnapshotCodec.largest) }
        let before = writer.bytes.count
        try writer.encode(value)
        // The reader refuses a count beyond the bytes that are left.
        guard writer.bytes.count > before else {
            throw SnapshotError.unsupported("a list of \(T.self), which is empty")
        }
        increase()
    }

    mutating func encodeNil() throws {
        writer.bytes.append(0)
        increase()
    }

    private mutating func increase() {
        count += 1
        for index in 0..<4 { writer.bytes[place + index] = UInt8(truncatingIfNeeded: count >> (8 * index)) }
    }

    mutating func nestedContainer<NestedKey: CodingKey>(
        keyedBy keyType: NestedKey.Type
    ) -> KeyedEncodingContainer<NestedKey> {
        increase()
        return KeyedEncodingContainer(SnapshotKeyedWriter<NestedKey>(writer: writer))
    }

    mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        increase()
        return SnapshotListWriter(writer: writer)
    }

    mutating func superEncoder() -> any Encoder { writer }
}

private struct SnapshotSingleWriter: SingleValueEncodingContainer {
    let writer: SnapshotWriter
    var codingPath: [any CodingKey] { [] }

    mutating func encodeNil() throws { writer.bytes.append(0) }
    mutating func encode(_ value: Bool) throws { writer.bytes.append(value ? 1 : 0) }
    mutating func encode(_ value: String) throws { try writer.string(value) }
    mutating func encode(_ value: Double) throws { writer.integer(value.bitPattern) }
    mutating func encode(_ value: Float) throws { writer.integer(value.bitPattern) }
    mutating func encode(_ value: Int) throws { writer.integer(Int64(value)) }
    mutating func encode(_ value: Int8) throws { writer.integer(value) }
    mutating func encode(_ value: Int16) throws { writer.integer(value) }
    mutating func encode(_ value: Int32) throws { writer.integer(value) }
    mutating func encode(_ value: Int64) throws { writer.integer(value) }
    mutating func encode(_ value: UInt) throws { writer.integer(UInt64(value)) }
    mutating func encode(_ value: UInt8) throws { writer.integer(value) }
    mutating func encode(_ value: UInt16) throws { writer.integer(value) }
    mutating func encode(_ value: UInt32) throws { writer.integer(value) }
    mutating func encode(_ value: UInt64) throws { writer.integer(value) }
    mutating func encode<T: Encodable>(_ value: T) throws { try writer.encode(value) }
}
