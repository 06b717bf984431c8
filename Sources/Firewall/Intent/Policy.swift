import Site

/// The section `firewall`, and what follows from others, with every word looked up.
struct Policy {
    /// Those of `deny`, then those of `allow`, then the derived ones.
    private(set) var flows: [Flow] = []
    /// Those of `never`, then those of `exactly`.
    private(set) var claims: [Claim] = []

    init(of site: SiteModel, _ resolver: inout EndpointResolver) {
        var names = RuleName(taken: Baseline.allCases.map(\.rawValue) + Defence.allCases.map(\.rawValue))
        for rule in site.firewall.deny {
            flows.append(Self.flow(.drop, names.next("deny", rule), rule, site, &resolver))
        }
        for rule in site.firewall.allow {
            flows.append(Self.flow(.accept, names.next("", rule), rule, site, &resolver))
        }
        flows += DerivedRules(site).flows(&names, &resolver)
        for (kind, rules) in [(Claim.Kind.never, site.firewall.never), (.exactly, site.firewall.exactly)] {
            for rule in rules {
                claims.append(Self.claim(kind, names.next(kind.rawValue, rule), rule, site, &resolver))
            }
        }
    }

    private static func flow(
        _ verdict: RuleVerdict,
        _ id: String,
        _ rule: FirewallRule,
        _ site: SiteModel,
        _ resolver: inout EndpointResolver
    ) -> Flow {
        Flow(
            id: id,
            origin: .written,
            position: rule.position,
            verdict: verdict,
            sources: resolver.party(rule.from),
            destinations: resolver.party(rule.to),
            traffic: rule.services.isEmpty ? .all : TrafficSet(rule.services, of: site)
        )
    }

    private static func claim(
        _ kind: Claim.Kind,
        _ id: String,
        _ rule: FirewallRule,
        _ site: SiteModel,
        _ resolver: inout EndpointResolver
    ) -> Claim {
        let scope = rule.services.contains(FirewallRule.icmp) ? TrafficSet.all : .allButICMP
        let traffic = rule.services.isEmpty ? TrafficSet.allButICMP : TrafficSet(rule.services, of: site)
        return Claim(
            kind,
            id: id,
            position: rule.position,
            from: resolver.party(rule.from).addresses,
            to: resolver.party(rule.to).addresses,
            traffic: traffic,
            scope: kind == .never ? traffic : scope
        )
    }
}
