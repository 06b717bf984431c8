/// DNS messages as a name server reads and writes them (RFC 1035 section 4), whether they make sense or not.
struct DNSQuery: Sendable {
    let id: UInt16
    let name: String
    /// 1 for A, 28 for AAAA.
    let type: UInt16
    let isTCP: Bool
    /// The question section as it came.
    let question: [UInt8]

    /// nil when the bytes are no question.
    init?(_ bytes: [UInt8], isTCP: Bool) {
        guard bytes.count > 16 else { return nil }
        id = UInt16(bytes[0]) << 8 | UInt16(bytes[1])
        var labels: [String] = []
        var position = 12
        while position < bytes.count, bytes[position] > 0 {
            let end = position + 1 + Int(bytes[position])
            guard end < bytes.count else { return nil }
            labels.append(String(decoding: bytes[(position + 1)..<end], as: UTF8.self))
            position = end
        }
        guard position + 5 <= bytes.count else { return nil }
        name = labels.joined(separator: ".").lowercased()
        type = UInt16(bytes[position + 1]) << 8 | UInt16(bytes[position + 2])
        question = Array(bytes[12..<(position + 5)])
        self.isTCP = isTCP
    }

    var isA: Bool { type == 1 }

    /// An answer to it.
    func reply(
        _ records: [DNSRecord] = [],
        code: UInt8 = 0,
        id: UInt16? = nil,
        isTruncated: Bool = false
    ) -> [UInt8] {
        let id = id ?? self.id
        var bytes: [UInt8] = [UInt8(id >> 8), UInt8(id & 255), isTruncated ? 0x83 : 0x81, 0x80 | code, 0, 1]
        bytes += [UInt8(records.count >> 8), UInt8(records.count & 255), 0, 0, 0, 0]
        return bytes + question + records.flatMap(\.bytes)
    }

    /// The addresses of the kind that is asked for.
    func reply(v4: [String] = [], v6: [String] = [], ttl: UInt32 = 300) -> [UInt8] {
        reply((isA ? v4.map { .a(name, ttl, $0) } : v6.map { .aaaa(name, ttl, $0) }))
    }
}

struct DNSRecord: Sendable {
    let bytes: [UInt8]

    private init(_ name: String, _ type: UInt8, _ ttl: UInt32, _ data: [UInt8]) {
        let times = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: ttl >> $0) }
        let length = [UInt8(data.count >> 8), UInt8(data.count & 255)]
        bytes = Self.encoded(name) + [0, type, 0, 1] + times + length + data
    }

    static func a(_ name: String, _ ttl: UInt32, _ address: String) -> DNSRecord {
        DNSRecord(name, 1, ttl, address.split(separator: ".").compactMap { UInt8($0) })
    }

    /// - Parameter address: eight groups, nothing left out.
    static func aaaa(_ name: String, _ ttl: UInt32, _ address: String) -> DNSRecord {
        let groups = address.split(separator: ":").compactMap { UInt16($0, radix: 16) }
        return DNSRecord(name, 28, ttl, groups.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] })
    }

    static func cname(_ name: String, _ ttl: UInt32, _ target: String) -> DNSRecord {
        DNSRecord(name, 5, ttl, encoded(target))
    }

    private static func encoded(_ name: String) -> [UInt8] {
        name.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
    }
}
