import Site

/// A line of `masquerade` or `forward`, looked up. Every router with an interface of its zone gets it.
struct RouterTranslation: Sendable {
    private let id: String
    private let position: SourcePosition
    private let zone: String
    private let sources: AddressSet
    private let change: Change

    private enum Change: Sendable {
        case masquerade(to: AddressSet)
        /// - Parameter targets: one address of each family at most.
        case forward(TrafficSet, targets: [IPAddress], port: UInt16?)
    }

    init(_ rule: MasqueradeRule, id: String, _ resolver: inout EndpointResolver) {
        self.id = id
        position = rule.position
        zone = rule.outZone
        sources = resolver.party(rule.from).addresses
        change = .masquerade(to: resolver.party(rule.to).addresses)
    }

    init(_ forward: PortForward, id: String, _ site: SiteModel, _ resolver: inout EndpointResolver) {
        self.id = id
        position = forward.position
        zone = forward.inZone
        sources = resolver.party(forward.from).addresses
        let addresses: [IPAddress] =
            switch forward.to {
            case .host(let name): site.hosts[name]?.allAddresses.map(\.address) ?? []
            case .address(let address): [address]
            }
        // Of several addresses one that a router reaches by another side than the packets come from.
        let routers = site.hosts.values.filter { $0.isRouter && $0.interfaces(in: forward.inZone) != nil }
        let behind = routers.flatMap { router in
            router.interfaces.filter { $0.zone != forward.inZone }.flatMap(\.addresses) + router.addresses
        }
        let near = AddressSet(behind.map(\.network))
        let ordered = addresses.filter(near.contains) + addresses
        let targets = [32, 128].compactMap { width in ordered.first { $0.width == width } }
        change = .forward(TrafficSet([forward.service], of: site), targets: targets, port: forward.port)
    }

    /// What a port forward opens: its line says who may use it, and that is all it takes.
    func opened(_ forward: PortForward, _ resolver: EndpointResolver) -> [Flow] {
        guard case .forward(let traffic, let targets, let port) = change, !targets.isEmpty else { return [] }
        var flow = Flow(
            id: id,
            origin: .written,
            position: position,
            verdict: .accept,
            sources: resolver.party(sources),
            destinations: resolver.party(AddressSet(targets)),
            traffic: port.map { traffic.redirected(to: $0) } ?? traffic
        )
        flow.ends = .inwards
        flow.inZone = zone
        flow.isLogged = forward.isLogged
        return [flow]
    }

    /// What one router changes.
    ///
    /// - Parameter own: its own addresses.
    func translations(on router: SiteHost, own: AddressSet) -> [Translation] {
        guard let interfaces = router.interfaces(in: zone) else { return [] }
        var match = PacketMatch()
        match.sources = sources
        switch change {
        case .masquerade(let destinations):
            // IPv6 keeps its addresses: RFC 4864.
            match.outputInterfaces = interfaces
            match.sources = AddressSet(v4: sources.v4)
            match.destinations = AddressSet(v4: destinations.v4)
            guard !match.sources.isEmpty, !match.destinations.isEmpty else { return [] }
            return [translation(match, .masquerade)]
        case .forward(let traffic, let targets, let port):
            match.inputInterfaces = interfaces
            // Which address a router gets from elsewhere the kernel alone knows.
            let isDynamic = !router.dynamicInterfaces.isDisjoint(with: router.names(in: zone))
            if isDynamic { match.oddities = .toOwnAddress }
            let known = isDynamic ? AddressSet.all.subtracting(SpecialAddresses.loopback) : own
            // What is there already is not changed, and does not count as sent there (`nf_nat_setup_info`).
            let alike = port.map { traffic.redirected(to: $0).intersection(traffic) } ?? traffic
            var translations: [Translation] = []
            for target in targets {
                let isOwn = own.contains(target)
                let rest = isOwn ? traffic.subtracting(alike) : traffic
                let others = isOwn ? known.subtracting(AddressSet([target])) : AddressSet.none
                for (traffic, destinations) in [(rest, known), (alike, others)] {
                    var match = match
                    match.traffic = traffic
                    switch target {
                    case .v4:
                        match.sources = AddressSet(v4: sources.v4)
                        match.destinations = AddressSet(v4: destinations.v4)
                    case .v6:
                        match.sources = AddressSet(v6: sources.v6)
                        match.destinations = AddressSet(v6: destinations.v6)
                    }
                    if traffic.isEmpty || match.sources.isEmpty || match.destinations.isEmpty { continue }
                    translations.append(translation(match, .destination(target, port: port)))
                }
            }
            return translations
        }
    }

    private func translation(_ match: PacketMatch, _ kind: Translation.Kind) -> Translation {
        var translation = Translation(id: id, match: match, kind)
        translation.position = position
        return translation
    }
}

extension TrafficSet {
    /// The same protocols, all to one port.
    func redirected(to port: UInt16) -> TrafficSet {
        [ProtocolNumber.tcp, .udp, .sctp].reduce(.none) { traffic, number in
            details(of: number).isEmpty ? traffic : traffic.union(TrafficSet(number, port: port))
        }
    }
}

extension SiteHost {
    func names(in zone: String) -> Set<String> { Set(interfaces.filter { $0.zone == zone }.map(\.name)) }

    /// The interfaces of a zone, all for no zone; nil when the host has none of it.
    func interfaces(in zone: String?) -> InterfaceSet? {
        guard let zone else { return .any }
        let names = names(in: zone)
        return names.isEmpty ? nil : .among(names)
    }
}
