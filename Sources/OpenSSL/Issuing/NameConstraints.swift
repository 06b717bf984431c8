/// The names that a CA may certify (RFC 5280, section 4.2.1.10).
package struct NameConstraints: Sendable, Equatable {
    /// An address range: the first `prefix` bits of 4 or 16 bytes.
    package struct Network: Sendable, Equatable, Hashable {
        package let address: [UInt8]
        package let prefix: Int

        package init(address: [UInt8], prefix: Int) {
            precondition(address.count == 4 || address.count == 16, "an address has 4 or 16 bytes")
            precondition((0...address.count * 8).contains(prefix), "a prefix is no longer than its address")
            self.address = address
            self.prefix = prefix
        }

        fileprivate var mask: [UInt8] {
            address.indices.map { index in
                let bits = min(max(prefix - index * 8, 0), 8)
                return UInt8(truncatingIfNeeded: 0xFF00 >> bits)
            }
        }

        fileprivate func contains(_ other: [UInt8]) -> Bool {
            let mask = mask
            return other.count == address.count
                && address.indices.allSatisfy { (address[$0] ^ other[$0]) & mask[$0] == 0 }
        }
    }

    /// Each stands for itself and for every name below it. Lower case.
    package var domains: [String]
    package var networks: [Network]

    package init(domains: [String] = [], networks: [Network] = []) {
        self.domains = domains
        self.networks = networks
    }

    /// Whether a DNS name, or a wildcard with its `*.`, may be certified.
    package func permits(name: String) -> Bool {
        let bare = name.withoutWildcard
        return domains.contains { bare == $0 || bare.hasSuffix("." + $0) }
    }

    /// Whether an address of 4 or 16 bytes may be certified.
    package func permits(address: [UInt8]) -> Bool { networks.contains { $0.contains(address) } }

    /// The same without what another entry stands for, in a fixed order.
    package var simplified: NameConstraints {
        let names = Set(domains)
        return NameConstraints(
            domains: names.filter { !Self.hasParent($0, in: names) }.sorted(),
            networks: Set(networks).sorted { ($0.address.count, $0.text) < ($1.address.count, $1.text) }
        )
    }

    private static func hasParent(_ name: String, in names: Set<String>) -> Bool {
        var rest = name[...]
        while let dot = rest.firstIndex(of: ".") {
            rest = rest[rest.index(after: dot)...]
            if names.contains(String(rest)) { return true }
        }
        return false
    }

    /// How many entries it has.
    package var count: Int { domains.count + networks.count }

    /// The extension's value in DER, in the words of OpenSSL's configuration files, of which none stands for the empty
    /// name. A kind of name that is not permitted at all is excluded: without that, all of the kind would be permitted.
    internal var configuration: String {
        let names = domains.map { Self.element(0x82, Array($0.utf8)) }
        let ranges = networks.map { Self.element(0x87, $0.address + $0.mask) }
        var excluded: [[UInt8]] = []
        if names.isEmpty { excluded.append(Self.element(0x82, [])) }
        if ranges.isEmpty { excluded += [8, 32].map { Self.element(0x87, [UInt8](repeating: 0, count: $0)) } }
        var value: [UInt8] = []
        for (tag, subtrees) in [(UInt8(0xA0), names + ranges), (0xA1, excluded)] where !subtrees.isEmpty {
            value += Self.element(tag, subtrees.flatMap { Self.element(0x30, $0) })
        }
        return "critical,DER:" + Hexadecimal.text(Self.element(0x30, value))
    }

    /// An element of DER (X.690, section 8.1) of less than 2^24 bytes.
    private static func element(_ tag: UInt8, _ contents: [UInt8]) -> [UInt8] {
        let size = contents.count
        if size < 0x80 { return [tag, UInt8(size)] + contents }
        let length = [16, 8, 0].map { UInt8(truncatingIfNeeded: size >> $0) }.drop { $0 == 0 }
        return [tag, 0x80 | UInt8(length.count)] + length + contents
    }

    /// As a person reads it.
    package var text: String {
        (domains + networks.map(\.text)).joined(separator: ", ")
    }
}

extension NameConstraints.Network {
    /// As a person reads it.
    fileprivate var text: String { "\(Self.words(address))/\(prefix)" }

    fileprivate static func words(_ bytes: [UInt8]) -> String {
        if bytes.count == 4 { return bytes.map { "\($0)" }.joined(separator: ".") }
        return stride(from: 0, to: 16, by: 2).map { index in
            String(UInt16(bytes[index]) << 8 | UInt16(bytes[index + 1]), radix: 16)
        }.joined(separator: ":")
    }
}
