import Site

/// Turns the policy of the site into the rules of each host.
struct IntentBuilder {
    private let site: SiteModel
    private let resolver: EndpointResolver
    /// Whose addresses are no bogons: those of named networks, of hosts, and of the networks that these are attached to.
    private let claimed: AddressSet
    private let routers: [(Int, SiteHost)]
    /// The interfaces of each host whose addresses are not known.
    private let dynamic: [Set<String>]

    init(_ site: SiteModel, _ resolver: EndpointResolver) {
        self.site = site
        self.resolver = resolver
        claimed = resolver.claimed.union(resolver.attached)
        dynamic = resolver.hosts.map(\.dynamicInterfaces)
        routers = resolver.hosts.enumerated().filter { $1.isRouter }.map { ($0, $1) }
    }

    /// Every host's rules, in the order of the hosts' names: defences, baseline, then the policy's.
    func hosts(_ policy: Policy) -> [HostIntent] {
        var intents = resolver.hosts.map(start)
        for flow in policy.flows { add(flow, to: &intents) }
        let opened = policy.flows.filter { $0.verdict == .accept && !$0.destinations.groups.v4.isEmpty }
        for index in intents.indices where opened.contains(where: { isMember(index, $0) }) {
            FirewallBaseline.addMembership(to: &intents[index])
        }
        for (index, host) in routers {
            let changes = policy.translations.flatMap { $0.translations(on: host, own: resolver.own[index]) }
            intents[index].translations = intents[index].translationsKept(from: changes) + changes
        }
        return intents
    }

    /// Whether a host gets packets to a multicast group of IPv4 by a flow, so that its kernel joins the group.
    private func isMember(_ host: Int, _ flow: Flow) -> Bool {
        guard resolver.hosts[host].interfaces(in: flow.inZone) != nil else { return false }
        let groups = flow.destinations.groups.intersection(SpecialAddresses.multicast4)
        return !resolver.members.reached(groups, at: host, from: flow.sources.addresses).isEmpty
    }

    /// A host's defences and its baseline.
    private func start(_ host: SiteHost) -> HostIntent {
        let firewall = site.firewall
        var intent = HostIntent(host: host.name, interfaces: host.interfaces)
        intent.otherAddresses = host.addresses.map(\.address)
        intent.logsDropped = firewall.logsDropped
        let defences = FirewallDefence.allCases.compactMap {
            $0.rule(on: host, firewall.defences[$0], claimed: claimed)
        }
        func baseline(_ path: PacketPath) -> [IntentRule] {
            FirewallBaseline.allCases.compactMap { $0.rule(path, on: host, firewall.baseline[$0]) }
        }
        intent.input = defences + baseline(.input)
        intent.output = baseline(.output)
        if host.isRouter { intent.forward = defences + baseline(.forward) }
        return intent
    }

    private func add(_ flow: Flow, to intents: inout [HostIntent]) {
        if flow.ends != .inwards, flow.isTold(by: flow.outZone) {
            for source in flow.sources.bearers {
                let matches = matches(.output, source, peers: flow.destinations, flow)
                if !matches.isEmpty { intents[source.host].output.append(flow.rule(matches)) }
            }
        }
        for destination in destinations(of: flow) where flow.opensDestinations && flow.isTold(by: flow.inZone) {
            let matches = matches(.input, destination, peers: flow.sources, flow)
            if !matches.isEmpty { intents[destination.host].input.append(flow.rule(matches)) }
        }
        for (index, host) in routers {
            let own = resolver.own[index]
            guard !flow.sources.addresses.isSubset(of: own), !flow.destinations.addresses.isSubset(of: own),
                var match = Self.match(from: flow.sources.addresses, to: flow.destinations.addresses, flow),
                let input = host.interfaces(in: flow.inZone),
                let output = host.interfaces(in: flow.outZone)
            else { continue }
            (match.inputInterfaces, match.outputInterfaces) = (input, output)
            // Who sends to the host itself did not come by the forwarded port.
            if flow.isForwarded(by: host) { match.oddities = .redirected }
            intents[index].forward.append(flow.rule([match]))
        }
    }

    /// The hosts that a flow is let into, with the groups that it means.
    private func destinations(of flow: Flow) -> [Party.Bearer] {
        let (bearers, groups) = (flow.destinations.bearers, flow.destinations.groups)
        if groups.isEmpty { return bearers }
        let known = Dictionary(uniqueKeysWithValues: bearers.map { ($0.host, $0) })
        return resolver.hosts.indices.compactMap { host in
            let reached = resolver.members.reached(groups, at: host, from: flow.sources.addresses)
            let bearer = known[host] ?? Party.Bearer(host: host, addresses: .none, isWhole: false, isNamed: false)
            if reached.isEmpty { return known[host] }
            return bearer.bearing(reached)
        }
    }

    /// One end's part of a flow: by the host's own addresses, and by the interfaces whose addresses are not known. None
    /// where the flow is bound to a zone that the host has no interface of.
    private func matches(
        _ path: PacketPath,
        _ bearer: Party.Bearer,
        peers: Party,
        _ flow: Flow
    ) -> [PacketMatch] {
        let host = resolver.hosts[bearer.host]
        // The zone of a forwarded port is the router's, and its host knows nothing of it.
        let zone = flow.ends == .inwards ? nil : path == .output ? flow.outZone : flow.inZone
        guard let bound = host.interfaces(in: zone) else { return [] }
        func match(_ own: AddressSet, by interfaces: InterfaceSet) -> PacketMatch? {
            let ends = path == .output ? (own, peers.addresses) : (peers.addresses, own)
            guard !interfaces.isEmpty, var match = Self.match(from: ends.0, to: ends.1, flow) else { return nil }
            match.limit(path, to: interfaces)
            if flow.isForwarded(by: host) { match.oddities = .redirected }
            return match
        }
        var matches: [PacketMatch] = []
        if let known = match(bearer.addresses, by: bound) { matches.append(known) }
        // What goes to a group of IPv6 comes from an address of the link, mostly, where the line names these.
        let groups = AddressSet(v6: flow.destinations.groups.v6)
        if path == .output, !groups.isEmpty {
            let local = flow.sources.addresses.intersection(SpecialAddresses.linkLocal)
            var its = Self.match(from: local, to: groups, flow)
            its?.outputInterfaces = bound
            if let its { matches.append(its) }
        }
        if bearer.isWhole, !dynamic[bearer.host].isEmpty {
            let dynamic = bound.intersection(.among(dynamic[bearer.host]))
            if let unknown = match(.all, by: dynamic) { matches.append(unknown) }
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
