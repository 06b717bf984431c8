package import Site

/// Addresses of the site file that a machine has by DHCP, on interfaces of which the file does not say so: the rules drop
/// what renews their leases, and they may go when these end.
package enum UnrenewedAddresses {
    /// An address that the kernel keeps for a time alone.
    package struct Lease: Sendable {
        package let interface: String
        package let address: IPAddress
        /// In seconds.
        package let left: UInt32

        /// - Returns: nil where no DHCP server gives such an address: those of IPv6 are made of what routers advertise
        ///   (RFC 4862), but for those that are of no network (RFC 8415, section 18.2.10.1; RFC 5942, section 4).
        package init?(_ address: IPAddress, prefixLength: Int, on interface: String, left: UInt32) {
            guard address.width == 32 || prefixLength == 128 else { return nil }
            (self.interface, self.address, self.left) = (interface, address, left)
        }
    }

    /// One warning for each.
    ///
    /// - Parameter file: the site file, as it is to be named.
    package static func warnings(_ host: SiteHost, leases: [Lease], file: String) -> [Diagnostic] {
        host.placedAddresses.compactMap { entry, position -> Diagnostic? in
            guard let lease = leases.first(where: { $0.address == entry.address }) else { return nil }
            let bearing = host.interfaces.first { $0.name == lease.interface }
            if bearing?.asksForLease == true { return nil }
            let help =
                host.addresses.contains(entry)
                ? "name the interface, and the address there instead of in `addresses`: `interfaces: { \(lease.interface): { "
                    + "addresses: [\(entry.address)/\(entry.prefixLength)], dhcp: true } }`"
                : "write `dhcp: true` at `\(lease.interface)` of `\(host.name)`"
            return Diagnostic(
                .warning,
                .ineffective,
                file: file,
                at: position,
                message: "`\(lease.interface)` has \(entry.address) by DHCP for \(lease.left) s more, and these rules "
                    + "drop what renews its lease: the machine may lose the address then",
                help: help
            )
        }
    }
}
