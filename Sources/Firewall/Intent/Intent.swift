package import Site

/// What the firewalls of a whole site are meant to do: the policy with every word of it looked up, for each host, and
/// the claims that all of it is held against.
package struct Intent: Sendable {
    /// Every host of the site, by name.
    package let hosts: [HostIntent]
    /// What the policy says of connections, for those who prove it: each `allow` and derived rule, then each `never`
    /// and `exactly`, in the order of the file.
    package let claims: [Claim]
    /// The lines that the rules come from, those of `deny` first, in the order in which they decide.
    let flows: [Flow]

    /// - Parameter site: one that `SiteFile` handed out, which refers to nothing that it does not hold.
    package init(of site: SiteModel) {
        var resolver = EndpointResolver(site)
        let policy = Policy(of: site, &resolver)
        flows = policy.flows
        claims = policy.flows.filter { $0.verdict == .accept }.map(Claim.init) + policy.claims
        hosts = IntentBuilder(site, resolver).hosts(policy)
    }

    /// What one host's firewall is meant to do; nil when the site has no such host.
    package func host(_ name: String) -> HostIntent? {
        hosts.first { $0.host == name }
    }
}
