/// Values as bytes, between processes of one and the same build or of neighbouring ones.
///
/// The form is compact: the fields of a structure stand in the order of its `CodingKeys`, each after two bytes that
/// tell its name. So bytes of a build whose structures have other fields are refused, and never misread. Numbers are little-endian in their own width, `Int` and `UInt` in 64 bits; a string, a
/// list and a dictionary begin with a 32-bit count; an optional begins with 0 or 1; an enumeration with
/// payloads begins with its case's name. Dictionaries are sorted, so that equal values have equal bytes.
/// The first byte is the format's version.
///
/// Meant for synthesised `Codable`. A hand-written one must decode in the order in which it encodes.
package enum SnapshotCodec {
    /// Goes up with each change of the form.
    package static let version: UInt8 = 2
    /// Levels of nesting at most.
    package static let deepest = 64
    /// Bytes of one value at most.
    package static let largest = 256 << 20

    package static func encode<T: Encodable>(_ value: T) throws(SnapshotError) -> [UInt8] {
        let writer = SnapshotWriter()
        writer.bytes.append(version)
        do {
            try writer.encode(value)
        } catch let error as SnapshotError {
            throw error
        } catch {
            throw .unsupported("\(T.self): \(error)")
        }
        guard writer.bytes.count <= largest else { throw .oversized(limit: largest) }
        return writer.bytes
    }

    /// What stands before a field: FNV-1a of its name, folded to 16 bits.
    internal static func mark(_ key: some CodingKey) -> UInt16 {
        var hash: UInt32 = 0x811C_9DC5
        for byte in key.stringValue.utf8 { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
        return UInt16(truncatingIfNeeded: hash >> 16 ^ hash)
    }

    /// Never traps, whatever the bytes are, and holds no more memory than they take times a constant.
    package static func decode<T: Decodable>(_ type: T.Type, from bytes: [UInt8]) throws(SnapshotError) -> T {
        guard bytes.count <= largest else { throw .oversized(limit: largest) }
        guard let found = bytes.first else { throw .truncated }
        guard found == version else { throw .version(found: found, expected: version) }
        let reader = SnapshotReader(bytes: bytes, position: 1)
        let value: T
        do {
            value = try reader.decode(type)
        } catch let error as SnapshotError {
            throw error
        } catch {
            throw .invalid("\(error)")
        }
        guard reader.remaining == 0 else { throw .trailing(count: reader.remaining) }
        return value
    }
}

/// What has a form of its own, because the standard library's would not say where it ends or not be sorted.
internal protocol SnapshotEncodable {
    func encode(to writer: SnapshotWriter) throws
}

internal protocol SnapshotDecodable {
    static func decode(from reader: SnapshotReader) throws -> Self
}

extension Optional: SnapshotEncodable where Wrapped: Encodable {
    func encode(to writer: SnapshotWriter) throws {
        switch self {
        case nil: writer.bytes.append(0)
        case let value?:
            writer.bytes.append(1)
            try writer.encode(value)
        }
    }
}

extension Optional: SnapshotDecodable where Wrapped: Decodable {
    static func decode(from reader: SnapshotReader) throws -> Self {
        try reader.bool() ? reader.decode(Wrapped.self) : nil
    }
}

extension Dictionary: SnapshotEncodable where Key: Encodable & Comparable, Value: Encodable {
    func encode(to writer: SnapshotWriter) throws {
        try writer.count(count)
        for (key, value) in sorted(by: { $0.key < $1.key }) {
            try writer.encode(key)
            try writer.encode(value)
        }
    }
}

extension Dictionary: SnapshotDecodable where Key: Decodable & Comparable, Value: Decodable {
    static func decode(from reader: SnapshotReader) throws -> Self {
        var result: Self = [:]
        var last: Key?
        for _ in 0..<(try reader.count()) {
            let key = try reader.decode(Key.self)
            if let last, key <= last { throw SnapshotError.invalid("a dictionary out of order") }
            last = key
            result[key] = try reader.decode(Value.self)
        }
        return result
    }
}

extension Set: SnapshotEncodable where Element: Encodable & Comparable {
    func encode(to writer: SnapshotWriter) throws { try writer.encode(sorted()) }
}

extension Set: SnapshotDecodable where Element: Decodable & Comparable {
    static func decode(from reader: SnapshotReader) throws -> Self {
        let elements = try reader.decode([Element].self)
        guard zip(elements, elements.dropFirst()).allSatisfy({ $0 < $1 }) else {
            throw SnapshotError.invalid("a set out of order")
        }
        return Set(elements)
    }
}
