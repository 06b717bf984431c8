/// A machine of the site.
package struct SiteHost: Sendable, Equatable {
    /// Its key in `hosts`.
    package var name: String
    /// What it is for: `gateway`, `app`, … Free words, which firewall rules refer to.
    package var roles: [String] = []
    /// `interfaces`, in the order of the file.
    package var interfaces: [HostInterface] = []
    /// `addresses`: those that are not said to belong to an interface.
    package var addresses: [InterfaceAddress] = []
    package var position = SourcePosition.none

    package init(name: String) {
        self.name = name
    }

    /// Every address that the host bears, interfaces first; those also that it shares with other hosts.
    package var allAddresses: [InterfaceAddress] { interfaces.flatMap(\.addresses) + addresses }

    /// Those that it shares with no other host.
    package var ownAddresses: [InterfaceAddress] {
        let shared = Set(interfaces.flatMap(\.shared))
        return allAddresses.filter { !shared.contains($0) }
    }

    /// The same, each with the place of what bears it.
    package var placedAddresses: [(entry: InterfaceAddress, position: SourcePosition)] {
        let placed = interfaces.flatMap { interface in
            interface.addresses.map { (entry: $0, position: interface.position) }
        }
        return placed + addresses.map { (entry: $0, position: position) }
    }
}

/// A network interface of a host.
package struct HostInterface: Sendable, Equatable {
    /// The kernel's name: `eth0`.
    package var name: String
    /// Which side it faces: `outside`, `inside`, …
    package var zone: String?
    /// `addresses`, and behind them those that it shares.
    package var addresses: [InterfaceAddress] = []
    /// `shared`: addresses that it has at one time and another host at another, as the hosts of a VRRP pair do.
    package var shared: [InterfaceAddress] = []
    /// `dhcp`; nil where the file does not say it.
    package var dhcp: Bool?
    /// The networks that routers of the site lead to behind it, none of them the host's own; none of a host with one
    /// interface.
    package var behind: [IPNetwork] = []
    /// Whether the nearest router of the site that strangers come by is behind it, and as near behind no other; false where
    /// they come by an interface of the host's own.
    package var leadsOutward = false
    /// Whether strangers come by it over another router of the site, which has its network inside; only of a router.
    package var liesWithin = false
    package var position = SourcePosition.none

    package init(name: String) {
        self.name = name
    }

    /// Whether strangers come by it, whom no network of the site claims.
    package var facesStrangers: Bool { zone == FirewallDefence.outside || addresses.isEmpty }

    /// Whether they come by it from no other router of the site.
    package var bordersStrangers: Bool { facesStrangers && !liesWithin }

    /// Whether it asks for addresses by DHCP: as the file says, else where it has none in the file.
    package var asksForLease: Bool { dhcp ?? addresses.isEmpty }
}
