enum FirewallNameRules {
    /// A word in `from` or `to` may be a role, a host or a network. When it is several, they must mean the same.
    static func namesAreUnambiguous(_ site: SiteModel, _ collector: inout DiagnosticCollector) {
        var bearers: [String: Set<String>] = [:]
        for host in site.hosts.values {
            for role in host.roles { bearers[role, default: []].insert(host.name) }
        }
        let firewall = site.firewall
        for rule in firewall.allow + firewall.deny + firewall.never + firewall.exactly {
            var seen: Set<FirewallEndpoint> = []
            for endpoint in rule.from + rule.to where seen.insert(endpoint).inserted {
                guard let (name, meanings) = meanings(of: endpoint, in: site, bearers), meanings.count > 1 else {
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
