enum FirewallNameRules {
    /// A word in `from` or `to` may be a role, a host or a network. When it is several, they must mean the same.
    static func namesAreUnambiguous(_ site: SiteModel, _ collector: inout DiagnosticCollector) {
        let roles = Dictionary(
            site.hosts.values.flatMap { host in host.roles.map { ($0, Set([host.name])) } },
            uniquingKeysWith: { $0.union($1) }
        )
        let firewall = site.firewall
        for rule in firewall.allow + firewall.deny + firewall.never + firewall.exactly {
            for endpoint in Set(rule.from + rule.to) {
                guard let (name, meanings) = meanings(of: endpoint, in: site, roles), meanings.count > 1 else {
                    continue
                }
                collector.report(
                    .conflict,
                    at: SourceRange(rule.position),
                    "\(quoted(name)) may be \(meanings.joined(separator: " or "))",
                    help: "give one of them another name"
                )
            }
        }
    }

    private static func meanings(
        of endpoint: FirewallEndpoint,
        in site: SiteModel,
        _ roles: [String: Set<String>]
    ) -> (String, [String])? {
        let name: String
        switch endpoint {
        case .role(let word), .host(let word), .network(let word): name = word
        case .any, .internet, .all, .addresses: return nil
        }
        var meanings: [String] = []
        let bearers = roles[name] ?? []
        if !bearers.isEmpty { meanings.append("a role") }
        // A host that alone bears a role of its own name is the same set of addresses.
        if site.hosts[name] != nil, bearers != [name] { meanings.append("a host") }
        if site.networks[name] != nil { meanings.append("a network") }
        return (name, meanings)
    }
}
