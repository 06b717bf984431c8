enum FirewallFamilyRules {
    /// A line from addresses of one family to addresses of the other is about no packet.
    static func endsHaveOneInCommon(_ site: SiteModel, _ collector: inout DiagnosticCollector) {
        var families = Families(site)
        for rule in site.firewall.allow + site.firewall.deny {
            let (sources, destinations) = (families.of(rule.from), families.of(rule.to))
            // What has no address at all is said otherwise.
            guard !sources.isEmpty, !destinations.isEmpty, sources.isDisjoint(with: destinations) else { continue }
            collector.report(
                .conflict,
                at: SourceRange(rule.position),
                "no packet goes from one family of addresses to the other",
                help: "name both ends by IPv4, or both by IPv6"
            )
        }
    }

    private struct Family: OptionSet, Hashable {
        let rawValue: UInt8

        static let v4 = Family(rawValue: 1)
        static let v6 = Family(rawValue: 2)
        static let both: Family = [.v4, .v6]
    }

    /// The families of what words mean, each looked up once.
    private struct Families {
        private let site: SiteModel
        private let roles: [String: Family]
        private let all: Family
        private var known: [FirewallEndpoint: Family] = [:]

        init(_ site: SiteModel) {
            self.site = site
            var (roles, all): ([String: Family], Family) = ([:], [])
            for host in site.hosts.values {
                let families = Self.of(host)
                for role in host.roles { roles[role, default: []].formUnion(families) }
                all.formUnion(families)
            }
            (self.roles, self.all) = (roles, all)
        }

        mutating func of(_ endpoints: [FirewallEndpoint]) -> Family {
            endpoints.reduce(into: []) { $0.formUnion(of($1)) }
        }

        private mutating func of(_ endpoint: FirewallEndpoint) -> Family {
            if let families = known[endpoint] { return families }
            let families: Family =
                switch endpoint {
                case .any, .internet: .both
                case .all: all
                case .role(let name): roles[name] ?? []
                case .host(let name): site.hosts[name].map(Self.of) ?? []
                case .network(let name):
                    (site.networks[name] ?? []).reduce(into: []) { $0.formUnion(Self.of($1.address)) }
                case .addresses(let network): Self.of(network.address)
                }
            known[endpoint] = families
            return families
        }

        /// An interface that gets its addresses from elsewhere may get some of both.
        private static func of(_ host: SiteHost) -> Family {
            if host.interfaces.contains(where: \.addresses.isEmpty) { return .both }
            return host.allAddresses.reduce(into: []) { $0.formUnion(of($1.address)) }
        }

        private static func of(_ address: IPAddress) -> Family { address.width == 32 ? .v4 : .v6 }
    }
}
