import Site

/// Turns the policy of the site into the rules of each host.
struct IntentBuilder {
    private let site: SiteModel
    private let resolver: EndpointResolver
    /// Whose addresses are no bogons: those of named networks, of hosts, and of the networks that these are attached to.
    private let claimed: AddressSet

    init(_ site: SiteModel, _ resolver: EndpointResolver) {
        self.site = site
        self.resolver = resolver
        let attached = resolver.hosts.flatMap { $0.allAddresses.map(\.network) }
        claimed = resolver.claimed.union(AddressSet(attached))
    }

    /// Every host's rules, in the order of the hosts' names: defences, baseline, then the policy's.
    func hosts(_ policy: Policy) -> [HostIntent] {
        var intents = resolver.hosts.map(start)
        for flow in policy.flows { add(flow, to: &intents) }
        return intents
    }

    /// A host's defences and its baseline.
    private func start(_ host: SiteHost) -> HostIntent {
        var intent = HostIntent(host: host.name, interfaces: host.interfaces)
        let defences = Defence.allCases.compactMap { $0.rule(on: host, claimed: claimed) }
        func baseline(_ path: PacketPath) -> [IntentRule] { Baseline.allCases.compactMap { $0.rule(path, on: host) } }
        intent.input = defences + baseline(.input)
        intent.output = baseline(.output)
        if host.isRouter { intent.forward = defences + baseline(.forward) }
        return intent
    }

    private func add(_ flow: Flow, to intents: inout [HostIntent]) {
        for source in flow.sources.bearers {
            let matches = Self.matches(.output, source, resolver.hosts[source.host], peers: flow.destinations, flow)
            if !matches.isEmpty { intents[source.host].output.append(flow.rule(matches)) }
        }
        guard !flow.isOutwardsOnly else { return }
        for destination in flow.destinations.bearers {
            let matches = Self.matches(
                .input,
                destination,
                resolver.hosts[destination.host],
                peers: flow.sources,
                flow
            )
            if !matches.isEmpty { intents[destination.host].input.append(flow.rule(matches)) }
        }
        for (index, host) in resolver.hosts.enumerated() where host.isRouter {
            let own = resolver.own[index]
            guard !flow.sources.addresses.isSubset(of: own), !flow.destinations.addresses.isSubset(of: own),
                let match = Self.match(from: flow.sources.addresses, to: flow.destinations.addresses, flow)
            else { continue }
            intents[index].forward.append(flow.rule([match]))
        }
    }

    /// One end's part of a flow: by the host's own addresses, and by the interfaces whose addresses are not known.
    private static func matches(
        _ path: PacketPath,
        _ bearer: Party.Bearer,
        _ host: SiteHost,
        peers: Party,
        _ flow: Flow
    ) -> [PacketMatch] {
        func match(_ own: AddressSet) -> PacketMatch? {
            path == .output
                ? Self.match(from: own, to: peers.addresses, flow) : Self.match(from: peers.addresses, to: own, flow)
        }
        var matches: [PacketMatch] = []
        if let known = match(bearer.addresses) { matches.append(known) }
        if bearer.isWhole, !host.dynamicInterfaces.isEmpty, var unknown = match(.all) {
            unknown.limit(path, to: .among(host.dynamicInterfaces))
            matches.append(unknown)
        }
        return matches
    }

    /// The packets of a flow between these addresses; nil when no packet has one of each. A family that one side lacks
    /// is left out on the other.
    private static func match(from sources: AddressSet, to destinations: AddressSet, _ flow: Flow) -> PacketMatch? {
        let hasV4 = !sources.v4.isEmpty && !destinations.v4.isEmpty
        let hasV6 = !sources.v6.isEmpty && !destinations.v6.isEmpty
        guard hasV4 || hasV6 else { return nil }
        func common(_ set: AddressSet) -> AddressSet {
            AddressSet(v4: hasV4 ? set.v4 : IntervalSet(), v6: hasV6 ? set.v6 : IntervalSet())
        }
        var match = PacketMatch()
        match.sources = hasV4 && hasV6 ? sources : common(sources)
        match.destinations = hasV4 && hasV6 ? destinations : common(destinations)
        match.traffic = flow.traffic
        if flow.verdict == .accept { match.states = .new }
        return match
    }
}

extension SiteHost {
    /// Whether packets pass through it: it bears the role `router`.
    var isRouter: Bool { roles.contains("router") }
}
