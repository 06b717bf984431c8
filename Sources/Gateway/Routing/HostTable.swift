import Bytes

/// Finds the value for a host name without making a `String` of it: exact names before wildcards
/// before any. Immutable; made when a plan is taken over.
package struct HostTable<Value> {
    private struct Entry {
        let name: [UInt8]
        let value: Value
    }

    private var exact: [[Entry]]
    private var wildcard: [[Entry]]
    private var any: Value?
    private let mask: Int

    /// - Parameter names: lower-case names, `*.name` or `*`, each once.
    package init(_ names: [(String, Value)]) {
        var buckets = 8
        while buckets < names.count * 2 { buckets *= 2 }
        mask = buckets - 1
        exact = Array(repeating: [], count: buckets)
        wildcard = Array(repeating: [], count: buckets)
        for (name, value) in names {
            if name == "*" {
                any = value
            } else if name.hasPrefix("*.") {
                let suffix = Array(name.utf8.dropFirst(2))
                wildcard[Self.hash(suffix.span) & mask].append(Entry(name: suffix, value: value))
            } else {
                let bytes = Array(name.utf8)
                exact[Self.hash(bytes.span) & mask].append(Entry(name: bytes, value: value))
            }
        }
    }

    /// The value for `host`, in whatever case, without a port. A wildcard stands for exactly one label.
    package func find(_ host: Span<UInt8>) -> Value? {
        if let value = Self.search(exact[Self.hash(host) & mask], host) { return value }
        if let dot = host.firstIndex(of: UInt8(ascii: ".")), dot > 0 {
            let parent = host.extracting((dot + 1)...)
            if let value = Self.search(wildcard[Self.hash(parent) & mask], parent) { return value }
        }
        return any
    }

    private static func search(_ bucket: [Entry], _ host: Span<UInt8>) -> Value? {
        for entry in bucket where host.equalsIgnoringCase(entry.name.span) { return entry.value }
        return nil
    }

    /// FNV-1a over the lower-case bytes. A client picks the bytes, not the names in the table, so that
    /// collisions only cost it a miss.
    private static func hash(_ bytes: Span<UInt8>) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for index in 0..<bytes.count {
            hash = (hash ^ UInt64(bytes[index].asciiLowercased)) &* 0x100_0000_01b3
        }
        return Int(truncatingIfNeeded: (hash ^ (hash >> 32)) & 0x7FFF_FFFF)
    }
}
