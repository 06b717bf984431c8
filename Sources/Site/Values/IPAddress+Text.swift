extension IPAddress {
    /// Reads an address: IPv4 as four decimal numbers, IPv6 as RFC 4291, section 2.2, has it. No zones, and no numbers
    /// with leading zeros, which some programs read as octal.
    init(text: String) throws(ValueFault) {
        if text.utf8.contains(UInt8(ascii: ":")) {
            guard let bits = Self.v6Bits(text) else { throw ValueFault("is no IPv6 address") }
            if let mapped = Self.mapped(text) {
                throw ValueFault("is an IPv4 address mapped into IPv6", help: "write `\(mapped)`")
            }
            self = .v6(bits)
        } else {
            guard let bits = Self.v4Bits(text) else { throw ValueFault("is no IP address") }
            self = .v4(bits)
        }
    }

    /// The IPv4 address that is written as one mapped into IPv6 (RFC 4291, section 2.5.5.2); nil for any other text.
    static func mapped(_ text: String) -> IPAddress? {
        guard let bits = v6Bits(text), bits >> 32 == 0xFFFF else { return nil }
        return .v4(UInt32(truncatingIfNeeded: bits))
    }

    /// Reads an address; nil when the text is none.
    package init?(_ text: String) {
        guard let address = try? IPAddress(text: text) else { return nil }
        self = address
    }

    private static func v4Bits(_ text: some StringProtocol) -> UInt32? {
        let parts = text.split(separator: ".", maxSplits: 4, omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bits: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                part.utf8.count == 1 || part.first != "0", let octet = UInt8(part)
            else { return nil }
            bits = bits << 8 | UInt32(octet)
        }
        return bits
    }

    private static func v6Bits(_ text: String) -> UInt128? {
        guard text.utf8.count <= 45 else { return nil }
        // At most one `::`, which stands for one group of zeros or more.
        let halves = text.split(separator: "::", omittingEmptySubsequences: false)
        guard halves.count <= 2, let head = groups(halves[0], endsAddress: halves.count == 1) else { return nil }
        guard halves.count == 2 else { return head.count == 8 ? join(head) : nil }
        guard let tail = groups(halves[1], endsAddress: true), head.count + tail.count <= 7 else { return nil }
        return join(head + repeatElement(0, count: 8 - head.count - tail.count) + tail)
    }

    /// Groups of 16 bits; the last two may be written as an IPv4 address.
    private static func groups(_ text: Substring, endsAddress: Bool) -> [UInt16]? {
        guard !text.isEmpty else { return [] }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        var groups: [UInt16] = []
        for (index, part) in parts.enumerated() {
            if endsAddress, index == parts.count - 1, let bits = v4Bits(part) {
                groups += [UInt16(bits >> 16), UInt16(truncatingIfNeeded: bits)]
                continue
            }
            guard (1...4).contains(part.utf8.count), part.utf8.first != UInt8(ascii: "+"),
                let group = UInt16(part, radix: 16)
            else { return nil }
            groups.append(group)
        }
        return groups
    }

    private static func join(_ groups: [UInt16]) -> UInt128 {
        groups.reduce(0) { $0 << 16 | UInt128($1) }
    }
}

extension IPAddress: CustomStringConvertible {
    /// The canonical text; for IPv6 that of RFC 5952.
    package var description: String {
        switch self {
        case .v4: bytes.map { String($0) }.joined(separator: ".")
        case .v6(let bits): Self.text((0..<8).map { UInt16(truncatingIfNeeded: bits >> UInt128(112 - 16 * $0)) })
        }
    }

    private static func text(_ groups: [UInt16]) -> String {
        // The first of the longest runs of zeros, if it has two or more (RFC 5952, section 4.2).
        var longest = 0..<0
        var start = 0
        for index in 0...groups.count where index == groups.count || groups[index] != 0 {
            if index - start > max(longest.count, 1) { longest = start..<index }
            start = index + 1
        }
        let hex = { (part: ArraySlice<UInt16>) in part.map { String($0, radix: 16) }.joined(separator: ":") }
        guard !longest.isEmpty else { return hex(groups[...]) }
        return hex(groups[..<longest.lowerBound]) + "::" + hex(groups[longest.upperBound...])
    }
}
