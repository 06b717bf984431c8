import Site

/// The section `firewall`, and what follows from others, with every word looked up.
struct Policy {
    /// Those of `deny`, then those of `allow`, then the derived ones, then those of `forward`: the order in which they
    /// decide.
    private(set) var flows: [Flow] = []
    /// Those of `never`, then those of `exactly`.
    private(set) var claims: [Claim] = []
    /// What the routers change, in the order of the file: port forwards, then masquerades.
    private(set) var translations: [RouterTranslation] = []

    /// - Parameter now: rules that ended before are left out; nil keeps all.
    init(of site: SiteModel, at now: Int64?, _ resolver: inout EndpointResolver) {
        let firewall = site.firewall
        var names = RuleName(taken: Self.words(of: firewall))
        for rule in firewall.deny {
            let id = names.id(of: rule, "deny")
            flows.append(Flow(rule, id: id, rule.isReject ? .reject : .drop, site, &resolver))
        }
        for rule in firewall.allow {
            flows.append(Flow(rule, id: names.id(of: rule, nil), .accept, site, &resolver))
        }
        // Last, so that what asks where a packet was sent parts no others that can be told together.
        var forwarded: [Flow] = []
        for forward in firewall.forwards {
            let translation = RouterTranslation(forward, id: names.id(of: forward), site, &resolver)
            translations.append(translation)
            forwarded += translation.opened(forward, resolver)
        }
        for rule in firewall.masquerade {
            translations.append(RouterTranslation(rule, id: names.id(of: rule), &resolver))
        }
        // Their names are given all the same: no other rule gets another name when one ends.
        if let now { flows.removeAll { $0.expires.map { $0 <= now } ?? false } }
        flows += HostNeeds(firewall.needs).flows(&names, &resolver)
        flows += GatewayNeeds(site).flows(&names, &resolver)
        flows += forwarded
        for (kind, rules) in [(Claim.Kind.never, firewall.never), (.exactly, firewall.exactly)] {
            for rule in rules {
                claims.append(Self.claim(kind, names.id(of: rule, kind.rawValue), rule, site, &resolver))
            }
        }
    }

    /// The words that are given already: those of what comes with the house, and those of the file.
    private static func words(of firewall: FirewallSettings) -> [String] {
        let rules = firewall.allow + firewall.deny + firewall.never + firewall.exactly
        return FirewallBaseline.allCases.map(\.rawValue) + FirewallDefence.allCases.map(\.rawValue)
            + rules.compactMap(\.id) + firewall.forwards.compactMap(\.id) + firewall.masquerade.compactMap(\.id)
    }

    private static func claim(
        _ kind: Claim.Kind,
        _ id: String,
        _ rule: FirewallRule,
        _ site: SiteModel,
        _ resolver: inout EndpointResolver
    ) -> Claim {
        let isAboutICMP = rule.services.contains(.icmp)
        let scope = isAboutICMP ? TrafficSet.allButICMP.union(.icmpService) : .allButICMP
        let traffic = rule.services.isEmpty ? TrafficSet.allButICMP : TrafficSet(rule.services, of: site)
        let (sources, destinations) = (resolver.party(rule.from), resolver.party(rule.to))
        var claim = Claim(
            kind,
            id: id,
            position: rule.position,
            from: sources.addresses,
            to: destinations.addresses,
            traffic: traffic,
            scope: kind == .never ? traffic : scope
        )
        (claim.wholeSources, claim.wholeDestinations) = (sources.whole, destinations.whole)
        claim.groups = destinations.groups
        claim.writtenSources = resolver.party(rule.from.filter(\.isOfAddresses)).addresses
        claim.writtenDestinations = resolver.party(rule.to.filter(\.isOfAddresses)).addresses
        if rule.from.contains(.internet) {
            let others = resolver.party(rule.from.filter { $0 != .internet }).addresses
            claim.strangers = resolver.internet.subtracting(others)
        }
        claim.emptiness = resolver.emptiness(of: rule)
        return claim
    }
}

extension FirewallEndpoint {
    /// Whether it says which addresses are meant, and not who bears them.
    fileprivate var isOfAddresses: Bool {
        switch self {
        case .network, .addresses: true
        case .any, .internet, .all, .role, .host: false
        }
    }
}
