enum FirewallNameRules {
    /// A word in `from` or `to` may be a role, a host or a network. When it is several, they must mean the same.
    static func namesAreUnambiguous(_ site: SiteModel, _ collector: inout DiagnosticCollector) {
        var bearers: [String: Set<String>] = [:]
        for host in site.hosts.values {
            for role in host.roles { bearers[role, default: []].insert(host.name) }
        }
        for (endpoints, position) in site.firewall.endpoints {
            var seen: Set<FirewallEndpoint> = []
            for endpoint in endpoints where seen.insert(endpoint).inserted {
                guard let (name, meanings) = meanings(of: endpoint, in: site, bearers), meanings.count > 1 else {
                    continue
                }
                collector.report(
                    .conflict,
                    at: SourceRange(position),
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

    /// A host without addresses, and without interfaces that get them from elsewhere, is no end of any packet.
    static func hostsHaveAddresses(_ site: SiteModel, _ collector: inout DiagnosticCollector) {
        var meant: [FirewallEndpoint: SourcePosition] = [:]
        for (endpoints, position) in site.firewall.endpoints {
            for endpoint in endpoints where meant[endpoint] == nil { meant[endpoint] = position }
        }
        for host in site.hosts.inFileOrder(\.position) where host.allAddresses.isEmpty && host.interfaces.isEmpty {
            let words = [FirewallEndpoint.host(host.name)] + host.roles.map { .role($0) }
            guard let position = words.lazy.compactMap({ meant[$0] }).first else { continue }
            collector.report(
                .conflict,
                .warning,
                at: SourceRange(position),
                "the host \(quoted(host.name)) has no address: the rule cannot be about it",
                help: "give it one in line \(host.position.line)"
            )
        }
    }

    /// An `id` is in logs and counters, where nothing else tells which of two rules was meant.
    static func idsAreUnique(_ site: SiteModel, _ collector: inout DiagnosticCollector) {
        var lines: [String: Int] = [:]
        for (id, position) in site.firewall.ids {
            guard let line = lines.updateValue(position.line, forKey: id) else { continue }
            collector.report(
                .duplicate,
                at: SourceRange(position),
                "the id \(quoted(id)) is taken",
                help: "the rule in line \(line) has it already; choose another word"
            )
        }
    }

    /// What a port forward leads to must be one thing.
    static func forwardsLeadSomewhere(_ site: SiteModel, _ collector: inout DiagnosticCollector) {
        for forward in site.firewall.forwards {
            let services = site.services(of: forward.service)
            if forward.port != nil, services.contains(where: { $0.port == nil }) {
                let text = services.map(\.description).joined(separator: ", ")
                collector.report(
                    .conflict,
                    at: SourceRange(forward.position),
                    "`port` is one, and the service \(quoted(forward.service.word)) is \(text)",
                    help: "leave `port` out, so that nothing but the address changes, or name a service of one port"
                )
            }
            if case .host(let name) = forward.to, let host = site.hosts[name], host.allAddresses.isEmpty {
                collector.report(
                    .conflict,
                    at: SourceRange(forward.position),
                    "the host \(quoted(name)) has no address",
                    help: "give it one in line \(host.position.line)"
                )
            }
        }
    }
}

extension FirewallNameRules {
    /// What is forwarded to an address goes to one host behind the router, which has that address.
    static func forwardsLeadToHosts(_ site: SiteModel, _ collector: inout DiagnosticCollector) {
        var ends: [IPAddress: String] = [:]
        for network in Set(site.hosts.values.flatMap(\.allAddresses).map(\.network))
        where network.address.width == 32 && network.prefixLength <= 30 {
            ends[network.address] = "is the network \(network) itself"
            ends[network.last] = "is the broadcast address of \(network)"
        }
        for forward in site.firewall.forwards {
            guard case .address(let address) = forward.to else { continue }
            let problem =
                address.isLoopback
                ? "is every machine's own"
                : address.isUnspecified ? "names no host" : address.faultOfSocket?.problem ?? ends[address]
            guard let problem else { continue }
            collector.report(
                .conflict,
                at: SourceRange(forward.position),
                "nothing can be forwarded to \(address), which \(problem)",
                help: "write the host behind the router, or an address of it"
            )
        }
    }
}

extension FirewallSettings {
    /// Every list of ends, with the place of its line.
    fileprivate var endpoints: [([FirewallEndpoint], SourcePosition)] {
        (allow + deny + never + exactly).map { ($0.from + $0.to, $0.position) }
            + [(needs.dns + needs.ntp + needs.mirrors, needs.position)]
            + masquerade.map { ($0.from + $0.to, $0.position) } + forwards.map { ($0.from, $0.position) }
    }

    /// Every `id` that is written, with the place of its line, in the order of the file.
    fileprivate var ids: [(String, SourcePosition)] {
        let rules = (allow + deny + never + exactly).map { ($0.id, $0.position) }
        let others = masquerade.map { ($0.id, $0.position) } + forwards.map { ($0.id, $0.position) }
        return (rules + others).compactMap { id, position in id.map { ($0, position) } }
            .sorted { ($0.1.line, $0.1.column) < ($1.1.line, $1.1.column) }
    }
}
