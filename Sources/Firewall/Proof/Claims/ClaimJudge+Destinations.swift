extension ClaimJudge {
    /// The addresses of a claim that lie here.
    ///
    /// - Parameter areWanted: whether what is to be let through is meant, of groups to those alone that the claim names, by the
    ///   links of its sources; or what is not, to any that may be let in where the claim names the host, and to those that
    ///   it writes out, of which the host may have one by DHCP.
    func destinations(of claim: Claim, areWanted: Bool) -> AddressSet {
        switch end {
        case .known(let host):
            let own = claim.destinations.intersection(site.hosts[host].addresses)
            if areWanted {
                return own.subtracting(site.addressesShared(beyond: claim.namedDestinations))
                    .union(site.members.reached(claim.groups, at: host, from: claim.sources))
            }
            // What a kernel lets in that is not as it is meant may be to any.
            let all = site.members.all(at: host)
            guard claim.wholeDestinations.contains(host) else { return own.union(claim.groups.intersection(all)) }
            return own.union(site.hosts[host].held == nil ? site.groups.union(claim.groups).intersection(all) : all)
        case .leased(let host):
            let leases = site.hosts[host].leases
            if claim.wholeDestinations.contains(host) { return leases }
            return areWanted ? .none : leases.intersection(claim.writtenDestinations)
        case .elsewhere: return claim.destinations.subtracting(site.addresses)
        }
    }
}
