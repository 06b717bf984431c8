import Site

/// Which hosts of a site get what is sent to groups: multicast, and the broadcast addresses of links.
///
/// A group is opened by its own address alone. `any` and `internet`, and networks that lie around it, do not mean it at the
/// hosts that would get it.
struct GroupMembers: Sendable {
    /// For each host the networks that it is attached to.
    private let links: [AddressSet]
    /// For each host the last addresses of these.
    private let broadcasts: [AddressSet]
    /// Whether a host has interfaces of which nobody knows what they are attached to.
    private let isAnywhere: [Bool]
    private let allBroadcasts: AddressSet

    /// - Parameter hosts: in the order of the intent.
    init(_ hosts: [SiteHost]) {
        links = hosts.map { AddressSet($0.allAddresses.map(\.network)) }
        broadcasts = hosts.map { host in
            // A network of two addresses has none (RFC 3021), nor has IPv6.
            let networks = host.allAddresses.map(\.network).filter { $0.address.width == 32 && $0.prefixLength < 31 }
            return AddressSet(networks.map(\.last))
        }
        isAnywhere = hosts.map { !$0.dynamicInterfaces.isEmpty }
        allBroadcasts = AddressSet(v4: IntervalSet(broadcasts.flatMap(\.v4.ranges)))
    }

    /// What of the ranges that a line names is groups, and nothing else.
    func groups(among ranges: [IPNetwork]) -> AddressSet {
        AddressSet(
            ranges.filter { range in
                if range.prefixLength == range.address.width, allBroadcasts.contains(range.address) { return true }
                guard SpecialAddresses.groups.contains(range.address) else { return false }
                return AddressSet([range]).isSubset(of: SpecialAddresses.groups)
            }
        )
    }

    /// Every group whose packets a host may get.
    func all(at host: Int) -> AddressSet { SpecialAddresses.groups.union(broadcasts[host]) }

    /// The groups whose packets a host gets from these sources: of a link that both are attached to.
    func reached(_ groups: AddressSet, at host: Int, from sources: AddressSet) -> AddressSet {
        if groups.isEmpty { return .none }
        let near = sources.intersection(links[host].union(SpecialAddresses.linkLocal))
        let all = groups.intersection(all(at: host))
        let own = groups.intersection(broadcasts[host])
        // Each family has its own links.
        return AddressSet(
            v4: isAnywhere[host] || !near.v4.isEmpty ? all.v4 : own.v4,
            v6: isAnywhere[host] || !near.v6.isEmpty ? all.v6 : own.v6
        )
    }
}
