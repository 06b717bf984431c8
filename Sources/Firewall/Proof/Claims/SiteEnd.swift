/// Where connections end, or begin.
enum SiteEnd: Sendable, Hashable {
    /// At a host of the site, by an address that the site file says is its own.
    case known(Int)
    /// At a host of the site, by an address that it has by DHCP: which one that is nobody knows.
    case leased(Int)
    /// At no host of the site.
    case elsewhere

    /// The host's place in the site.
    var host: Int? {
        switch self {
        case .known(let host), .leased(let host): host
        case .elsewhere: nil
        }
    }

    var isLeased: Bool {
        if case .leased = self { true } else { false }
    }
}

extension SiteHosts {
    /// The addresses of connections that claims ask about at an end.
    func destinations(_ end: SiteEnd) -> AddressSet {
        switch end {
        case .known(let host): hosts[host].addresses.union(members.all(at: host))
        case .leased(let host): hosts[host].leases
        case .elsewhere: AddressSet.all.subtracting(addresses)
        }
    }
}
