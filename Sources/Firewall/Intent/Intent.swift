package import Site

/// What the firewalls of a whole site are meant to do: the policy with every word of it looked up, for each host, and
/// the claims that all of it is held against.
package struct Intent: Sendable {
    /// Every host of the site, by name.
    package let hosts: [HostIntent]
    /// What the policy says of connections, for those who prove it: each `allow` and derived rule, then each `never`
    /// and `exactly`, in the order of the file.
    package let claims: [Claim]
    /// The lines that the rules come from, in the order in which they decide.
    let flows: [Flow]
    /// Every address of a host of the site.
    let siteAddresses: AddressSet
    /// Every address that a network or a host of the site claims.
    let claimed: AddressSet
    /// Every address that no network of the site claims, and that lies in none that a host is attached to.
    let strangers: AddressSet
    /// These, and what the site names of the internet, and nobody of it is attached to.
    let outsiders: AddressSet
    /// What who is not there himself reaches as he does the internet: outsiders, and what hosts have by interfaces that
    /// strangers come by.
    let reachedOutside: AddressSet
    let members: GroupMembers
    /// Every group that a line names.
    let groups: AddressSet
    private let indices: [String: Int]

    /// - Parameters:
    ///   - site: one that `SiteFile` handed out, which refers to nothing that it does not hold.
    ///   - now: rules that ended before this time, in seconds since 1970, are left out; nil keeps all.
    package init(of site: SiteModel, at now: Int64? = nil) {
        var resolver = EndpointResolver(site)
        let policy = Policy(of: site, at: now, &resolver)
        flows = policy.flows
        claims = policy.flows.filter { $0.verdict == .accept }.map(Claim.init) + policy.claims
        hosts = IntentBuilder(site, resolver).hosts(policy)
        siteAddresses = resolver.site
        claimed = resolver.claimed
        members = resolver.members
        groups = policy.flows.reduce(.none) { $1.destinations.groups.isEmpty ? $0 : $0.union($1.destinations.groups) }
        let unattached = AddressSet.all.subtracting(resolver.attached.union(SpecialAddresses.linkLocalOrNone))
        strangers = unattached.subtracting(resolver.claimed)
        outsiders = unattached.subtracting(SpecialAddresses.ofSites.union(SpecialAddresses.groups)).union(strangers)
        let facing = site.hosts.values.flatMap { $0.interfaces.filter(\.facesStrangers) }
        reachedOutside = AddressSet(facing.flatMap(\.addresses).map(\.network))
            .subtracting(SpecialAddresses.linkLocalOrNone).union(outsiders)
        indices = Dictionary(uniqueKeysWithValues: hosts.enumerated().map { ($1.host, $0) })
    }

    /// What one host's firewall is meant to do; nil when the site has no such host.
    package func host(_ name: String) -> HostIntent? {
        indices[name].map { hosts[$0] }
    }
}
