extension IPNetwork: CustomStringConvertible {
    /// Reads `10.0.0.0/8`, or a single address. Host bits must be zero: what is meant by `10.0.0.1/8`, the network or
    /// the address, only its writer knows.
    init(text: String) throws(ValueFault) {
        let (address, length) = try Self.parts(text)
        self.init(containing: address, prefixLength: length ?? address.width)
        guard self.address == address else {
            throw ValueFault(
                "has host bits set",
                help: "write `\(self)` for the network, or `\(address)` for the address"
            )
        }
    }

    /// Reads a network; nil when the text is none.
    package init?(_ text: String) {
        guard let network = try? IPNetwork(text: text) else { return nil }
        self = network
    }

    /// As `10.0.0.0/8`.
    package var description: String { "\(address)/\(prefixLength)" }

    /// An address, and the length of a prefix where there is one.
    static func parts(_ text: String) throws(ValueFault) -> (IPAddress, Int?) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2, let length = Int(parts[1]), let mapped = IPAddress.mapped(String(parts[0])) {
            throw ValueFault(
                "is an IPv4 network mapped into IPv6",
                help: (96...128).contains(length)
                    ? "write `\(mapped)/\(length - 96)`" : "name networks of IPv4 by themselves"
            )
        }
        let address = try IPAddress(text: String(parts[0]))
        guard parts.count == 2 else { return (address, nil) }
        let digits = parts[1]
        guard (1...3).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            digits.utf8.count == 1 || digits.first != "0", let length = Int(digits), length <= address.width
        else { throw ValueFault("has no good prefix length", help: "it is a number from 0 to \(address.width)") }
        return (address, length)
    }
}

extension InterfaceAddress: CustomStringConvertible {
    /// Reads `10.10.0.21/24`. The prefix tells which addresses are neighbours, so it must be there.
    init(text: String) throws(ValueFault) {
        let (address, length) = try IPNetwork.parts(text)
        guard let length else {
            throw ValueFault(
                "has no prefix length",
                help:
                    "write it like `\(address)/\(address.width == 32 ? 24 : 64)`, with the length of its network's prefix"
            )
        }
        if let fault = address.faultOfHost { throw fault }
        self.init(address, prefixLength: length)
        let help = "write an address of a host"
        guard !address.isUnspecified else { throw ValueFault("names no host", help: help) }
        // "This network" and what is reserved (RFC 6890, section 2.2.2).
        if case .v4(let bits) = address, bits >> 24 == 0 || bits >> 28 == 0xF {
            throw ValueFault("is of a range of which no host has an address", help: help)
        }
        guard address.width == 128 || length > 30 || network.last != address else {
            throw ValueFault("is the broadcast address of \(network)", help: help)
        }
        guard address.width == 128 || length > 30 || network.address != address else {
            throw ValueFault("is the network itself, and no address of a host", help: help)
        }
    }

    /// As `10.10.0.21/24`.
    package var description: String { "\(address)/\(prefixLength)" }
}
