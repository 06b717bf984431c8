/// A message of netlink(7) as nfnetlink has them: a header, four bytes about the family, and attributes.
package struct NetlinkMessage: Sendable {
    /// The subsystem and the message of nfnetlink; below 16 a message of netlink itself.
    package let type: UInt16
    package let flags: UInt16
    /// What stands behind the header.
    package let body: ArraySlice<UInt8>

    /// The protocol family; 0 for messages of netlink itself.
    package var family: UInt8 { type >= 16 ? body.first ?? 0 : 0 }

    package var attributes: NetlinkAttributes { NetlinkAttributes(body.dropFirst(4)) }

    /// The messages of one datagram; whatever is cut short is left out.
    static func all(in bytes: ArraySlice<UInt8>) -> [NetlinkMessage] {
        var found: [NetlinkMessage] = []
        var rest = bytes
        while rest.count >= 16 {
            let length = Int(rest.littleEndian(at: 0, count: 4))
            guard length >= 16, length <= rest.count else { break }
            found.append(
                NetlinkMessage(
                    type: UInt16(rest.littleEndian(at: 4, count: 2)),
                    flags: UInt16(rest.littleEndian(at: 6, count: 2)),
                    body: rest[(rest.startIndex + 16)..<(rest.startIndex + length)]
                )
            )
            rest = rest.dropFirst((length + 3) & ~3)
        }
        return found
    }
}

/// A list of attributes. What is cut short is left out.
package struct NetlinkAttributes: Sendable {
    package struct Attribute: Sendable {
        package let kind: UInt16
        package let value: ArraySlice<UInt8>
    }

    package let all: [Attribute]

    package init(_ bytes: ArraySlice<UInt8>) {
        var found: [Attribute] = []
        var rest = bytes
        while rest.count >= 4 {
            let length = Int(rest.littleEndian(at: 0, count: 2))
            guard length >= 4, length <= rest.count else { break }
            // The two bits above say that it is nested and in which order its bytes are.
            let kind = UInt16(rest.littleEndian(at: 2, count: 2)) & 0x3FFF
            found.append(
                Attribute(kind: kind, value: rest[(rest.startIndex + 4)..<(rest.startIndex + length)])
            )
            rest = rest.dropFirst((length + 3) & ~3)
        }
        all = found
    }

    /// The first attribute of the kind.
    package subscript(_ kind: UInt16) -> ArraySlice<UInt8>? { all.first { $0.kind == kind }?.value }

    package func nested(_ kind: UInt16) -> NetlinkAttributes? { self[kind].map { NetlinkAttributes($0) } }

    /// A string, up to the zero that ends it.
    package func text(_ kind: UInt16) -> String? {
        self[kind].map { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// A number of up to eight bytes in the network's order, as nf_tables writes them.
    package func number(_ kind: UInt16) -> UInt64? {
        guard let value = self[kind], value.count <= 8 else { return nil }
        return value.reduce(0) { $0 << 8 | UInt64($1) }
    }
}

extension ArraySlice<UInt8> {
    /// Some bytes in the machine's order, which is the lower byte first wherever this program runs.
    fileprivate func littleEndian(at offset: Int, count: Int) -> UInt32 {
        (0..<count).reduce(0) { $0 | UInt32(self[startIndex + offset + $1]) << UInt32(8 * $1) }
    }
}
