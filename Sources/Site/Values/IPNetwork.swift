/// A network in CIDR notation: an address whose host bits are zero, and the length of its prefix.
package struct IPNetwork: Sendable, Hashable {
    /// The first address of the network.
    package let address: IPAddress
    /// 0...32 for IPv4, 0...128 for IPv6.
    package let prefixLength: Int

    /// The network that holds `address`; its host bits are cleared.
    ///
    /// - Parameter prefixLength: clamped to the width of the address.
    package init(containing address: IPAddress, prefixLength: Int) {
        let length = min(max(prefixLength, 0), address.width)
        self.prefixLength = length
        switch address {
        case .v4(let bits): self.address = .v4((bits >> (32 - length)) << (32 - length))
        case .v6(let bits): self.address = .v6((bits >> (128 - length)) << (128 - length))
        }
    }

    /// Whether the address lies in the network. An address of the other family never does.
    package func contains(_ other: IPAddress) -> Bool {
        other.width == address.width && IPNetwork(containing: other, prefixLength: prefixLength) == self
    }

    /// The last address of the network.
    package var last: IPAddress {
        switch address {
        case .v4(let bits): .v4(bits | (UInt32.max >> prefixLength))
        case .v6(let bits): .v6(bits | (UInt128.max >> prefixLength))
        }
    }
}

/// An address of an interface with the length of its network's prefix, as in `10.10.0.21/24`. Host bits are kept.
package struct InterfaceAddress: Sendable, Hashable {
    /// The address of the interface itself.
    package let address: IPAddress
    /// 0...32 for IPv4, 0...128 for IPv6.
    package let prefixLength: Int

    package init(_ address: IPAddress, prefixLength: Int) {
        self.address = address
        self.prefixLength = min(max(prefixLength, 0), address.width)
    }

    /// The network that the interface is attached to.
    package var network: IPNetwork { IPNetwork(containing: address, prefixLength: prefixLength) }
}
