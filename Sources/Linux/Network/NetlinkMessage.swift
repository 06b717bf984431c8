/// A message of netlink(7): a header, a fixed part that begins with the family, and attributes. The fixed part of
/// nfnetlink has four bytes.
package struct NetlinkMessage: Sendable {
    /// The subsystem and the message of nfnetlink; below 16 a message of netlink itself.
    package let type: UInt16
    package let flags: UInt16
    /// What stands behind the header.
    package let body: ArraySlice<UInt8>

    /// The protocol family; 0 for messages of netlink itself.
    package var family: UInt8 { type >= 16 ? body.first ?? 0 : 0 }

    package var attributes: NetlinkAttributes { attributes(behind: 4) }

    /// The attributes behind a fixed part of so many bytes.
    func attributes(behind length: Int) -> NetlinkAttributes { NetlinkAttributes(body.dropFirst(length)) }

    /// A number in the machine's order, which is the lower byte first wherever this program runs.
    static func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
        (0..<(number.bitWidth / 8)).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }

    /// The same, read: of up to four bytes.
    static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 { bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) } }

    /// An attribute, filled up to four bytes.
    static func attribute(_ kind: UInt16, _ value: [UInt8]) -> [UInt8] {
        bytes(UInt16(4 + value.count)) + bytes(kind) + value + [UInt8](repeating: 0, count: -value.count & 3)
    }

    /// The messages of one datagram; whatever is cut short is left out.
    static func all(in bytes: ArraySlice<UInt8>) -> [NetlinkMessage] {
        var found: [NetlinkMessage] = []
        var rest = bytes
        while rest.count >= 16 {
            let length = Int(number(rest.prefix(4)))
            guard length >= 16, length <= rest.count else { break }
            found.append(
                NetlinkMessage(
                    type: UInt16(number(rest.dropFirst(4).prefix(2))),
                    flags: UInt16(number(rest.dropFirst(6).prefix(2))),
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

        /// The value as a string, up to the zero that ends it.
        package var text: String { String(decoding: value.prefix { $0 != 0 }, as: UTF8.self) }
    }

    package let all: [Attribute]

    package init(_ bytes: ArraySlice<UInt8>) {
        var found: [Attribute] = []
        var rest = bytes
        while rest.count >= 4 {
            let length = Int(NetlinkMessage.number(rest.prefix(2)))
            guard length >= 4, length <= rest.count else { break }
            // The two bits above say that it is nested and in which order its bytes are.
            let kind = UInt16(NetlinkMessage.number(rest.dropFirst(2).prefix(2))) & 0x3FFF
            found.append(
                Attribute(kind: kind, value: rest[(rest.startIndex + 4)..<(rest.startIndex + length)])
            )
            rest = rest.dropFirst((length + 3) & ~3)
        }
        all = found
    }

    /// The first attribute of the kind.
    package subscript(_ kind: UInt16) -> ArraySlice<UInt8>? { first(kind)?.value }

    private func first(_ kind: UInt16) -> Attribute? { all.first { $0.kind == kind } }

    package func nested(_ kind: UInt16) -> NetlinkAttributes? { self[kind].map { NetlinkAttributes($0) } }

    /// A string, up to the zero that ends it.
    package func text(_ kind: UInt16) -> String? { first(kind)?.text }

    /// A number of up to eight bytes in the network's order, as nf_tables writes them.
    package func number(_ kind: UInt16) -> UInt64? {
        guard let value = self[kind], value.count <= 8 else { return nil }
        return value.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// A number of four bytes in the machine's order, as rtnetlink writes them.
    func machineNumber(_ kind: UInt16) -> UInt32? {
        guard let value = self[kind], value.count == 4 else { return nil }
        return NetlinkMessage.number(value)
    }
}
