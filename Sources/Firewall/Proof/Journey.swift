package import Site

/// What becomes of one packet that comes to a host or leaves it, and behind it: where a port forward sends the packet, what
/// a masquerade makes of its source, and what the host of the site decides that a router passes it on to.
package struct Journey: Sendable {
    /// The packet as the host first sees it.
    package let packet: Packet
    /// The line of `forward` that sends it elsewhere; nil when it goes where it was sent.
    package let redirection: Translation?
    /// The line of `forward` that would send the packet elsewhere, had it not been for one thing; only of packets that
    /// are dropped where they were sent.
    package let nearestRedirection: (translation: Translation, reason: String)?
    /// What the host's rules make of it: of a packet that is sent elsewhere, as it goes on.
    package let decision: Explanation
    /// What becomes of its source when it leaves; nil when nothing does, and when it does not leave.
    package let sourceChange: SourceChange?
    /// The host of the site that the packet is passed on to, or a router before it that does not surely let it through; nil when
    /// there is none.
    package let arrival: Arrival?

    /// A line that changes the source.
    package struct SourceChange: Sendable {
        package let translation: Translation
        /// The interface that the packet leaves by.
        package let interface: String
        /// What the source becomes; nil when the site file does not say which address the interface has.
        package let source: IPAddress?
    }

    /// A packet at such a host.
    package struct Arrival: Sendable {
        package let host: String
        /// Whether it is several, which have the address in turn.
        package let isShared: Bool
        /// What that host decides; nil where this is not known, since the packet's source is not, or since it hangs on the
        /// interface that the packet comes in by, or on which of several has the address.
        package let decision: Explanation?
    }

    /// Whether every host of the site that was asked lets it through.
    package var isLetThrough: Bool {
        decision.isAccepted && (arrival.map { $0.decision?.isAccepted ?? false } ?? true)
    }

    /// The packet followed on each way that it may take behind the host's port forwards: one where the site file says by which
    /// interface it goes on.
    ///
    /// - Parameters:
    ///   - packet: one that `Explanation.packets` makes.
    ///   - intent: the host's, one of `all`.
    ///   - all: what is meant on every host of the site.
    ///   - now: rules that ended before let nothing through, in seconds since 1970.
    /// - Returns: one at least.
    package static func every(
        _ packet: Packet,
        at intent: HostIntent,
        of all: Intent,
        _ site: SiteModel,
        now: Int64 = .min
    ) -> [Journey] {
        let host = site.hosts[intent.host] ?? SiteHost(name: intent.host)
        let redirection = packet.path == .input ? intent.redirection(of: packet) : nil
        let ways = redirection?.redirected(packet, at: host, of: all) ?? [packet]
        return ways.map { way in
            Journey(packet, going: way, by: redirection, through: host, intent, of: all, site, now)
        }
    }

    private init(
        _ packet: Packet,
        going way: Packet,
        by redirection: Translation?,
        through host: SiteHost,
        _ intent: HostIntent,
        of all: Intent,
        _ site: SiteModel,
        _ now: Int64
    ) {
        self.packet = packet
        self.redirection = redirection
        decision = Explanation(way, at: intent, now: now)
        let isLost = packet.path == .input && !decision.isAccepted && redirection == nil
        nearestRedirection = isLost ? intent.nearestRedirection(of: packet) : nil
        guard decision.isAccepted else {
            (sourceChange, arrival) = (nil, nil)
            return
        }
        let leaving = decision.packet
        let change = intent.sourceChange(of: leaving).map { SourceChange($0, of: leaving, at: host) }
        sourceChange = change
        // Whoever sends the packet asks about itself; a router is asked about what it passes on.
        let targets = site.hosts.values.filter { other in
            other.name != host.name && other.allAddresses.contains { $0.address == leaving.destination }
        }.sorted { $0.name < $1.name }
        guard leaving.path == .forward, !targets.isEmpty else {
            arrival = nil
            return
        }
        let name = targets.map(\.name).joined(separator: " or ")
        guard let source = change.map(\.source) ?? leaving.source else {
            arrival = Arrival(host: name, isShared: targets.count > 1, decision: nil)
            return
        }
        var (last, passed, seen) = (host, leaving, source)
        for step in Self.behind(host, of: all, site, leaving) {
            let routers = step.filter { router in !targets.contains { $0.name == router.name } }
            guard let router = routers.first else { continue }
            let asked = routers.flatMap { router in
                Self.passing(passed, from: seen, through: router).map { (router: router, packet: $0) }
            }
            let decisions = asked.compactMap { one in
                all.host(one.router.name).map { Explanation(one.packet, at: $0, now: now) }
            }
            let sources = asked.map { one -> IPAddress? in
                guard let change = all.host(one.router.name)?.sourceChange(of: one.packet) else { return seen }
                return SourceChange(change, of: one.packet, at: one.router).source
            }
            let isPassed = decisions.allSatisfy(\.isAccepted) && Set(sources).count == 1
            guard isPassed, let packet = asked.first?.packet, let changed = sources[0] else {
                let isKnown = !decisions.contains(where: \.isAccepted)
                let names = routers.map(\.name).joined(separator: " or ")
                let decision = isKnown ? decisions.first : nil
                arrival = Arrival(host: names, isShared: routers.count > 1, decision: decision)
                return
            }
            (last, passed, seen) = (router, packet, changed)
        }
        let decisions = targets.flatMap { target -> [Explanation] in
            Self.arriving(passed, from: seen, at: target, by: last).compactMap { arriving in
                all.host(target.name).map { Explanation(arriving, at: $0, now: now) }
            }
        }
        let isKnown = Set(decisions.map(\.isAccepted)).count == 1
        arrival = Arrival(host: name, isShared: targets.count > 1, decision: isKnown ? decisions.first : nil)
    }

    /// The routers that a packet passes between one and its destination: of those that are as near one.
    private static func behind(
        _ host: SiteHost,
        of all: Intent,
        _ site: SiteModel,
        _ packet: Packet
    ) -> [[SiteHost]] {
        // Mostly the router is next to it.
        if host.isAttached(to: packet.destination) { return [] }
        let number = packet.protocolNumber
        let connection = Connection(from: packet.source, to: packet.destination, number, detail: packet.detail)
        return Rehearsal(site, all).routersBehind(host.name, connection)
    }

    /// The packet at a router that another one passes it on to, by each way that it may take through that.
    private static func passing(_ packet: Packet, from source: IPAddress, through router: SiteHost) -> [Packet] {
        router.routes(.forward, from: source, to: packet.destination).map { route in
            var passing = packet
            passing.oddities.remove(.redirected)
            (passing.source, passing.route) = (source, route)
            if source.width == 128 { passing.oddities.insert(.throughRouter) }
            return passing
        }
    }

    /// The packet at the host that a router passes it on to: it comes in by the interface that the router is reached by, or by
    /// each where the site file does not say which that is.
    static func arriving(
        _ packet: Packet,
        from source: IPAddress,
        at target: SiteHost,
        by router: SiteHost
    ) -> [Packet] {
        let near = router.interfaces.first { $0.name == packet.outputInterface }?.addresses.map(\.address) ?? []
        let attached = near.first { address in target.allAddresses.contains { $0.network.contains(address) } }
        return target.routes(.input, from: attached ?? source, to: packet.destination).map { route in
            var arriving = packet
            arriving.oddities.remove(.redirected)
            arriving.source = source
            arriving.route = route
            if source.width == 128 { arriving.oddities.insert(.throughRouter) }
            return arriving
        }
    }
}

extension HostIntent {
    /// The first line of `forward` that a packet to the host lacks one thing for.
    fileprivate func nearestRedirection(of packet: Packet) -> (translation: Translation, reason: String)? {
        var packet = packet
        packet.oddities.insert(.toOwnAddress)
        let forwards = translations.filter(\.isForward).map { ($0, $0.changed.lacks(packet)) }
        // One that lacks nothing was kept from it by a line of `deny`, and nothing else would help.
        guard forwards.allSatisfy({ !$0.1.isEmpty }) else { return nil }
        return forwards.first { $0.1.count == 1 }.map { ($0.0, $0.1[0].text) }
    }
}

extension Journey {
    /// What the host's kernel makes of the packet, by what it holds: unknown where it sends the packet elsewhere than is
    /// meant.
    package func trace(in held: HeldRuleset) -> HeldTrace {
        let evaluator = HeldEvaluator(held)
        let trace = evaluator.trace(decision.packet.withUsualHops)
        guard packet.path == .input else { return trace }
        var came = packet.withUsualHops
        came.oddities.insert(.toOwnAddress)
        let changing = evaluator.trace(came).steps.filter { $0.destinationChange(in: held) != nil }
        let meant = redirection.flatMap { HeldTranslation($0.kind) }.map { [$0] } ?? []
        let isAsMeant =
            changing.compactMap { $0.destinationChange(in: held) } == meant && changing.allSatisfy { $0.unknown == nil }
        return HeldTrace(
            outcomes: isAsMeant ? trace.outcomes : [.accept, .drop],
            steps: redirection == nil ? trace.steps : changing + trace.steps
        )
    }
}

extension Packet {
    /// With the hop limit that it has when nothing is odd about it: of IPv6 below 255, but for neighbour discovery.
    fileprivate var withUsualHops: Packet {
        guard source.width == 128, !TrafficSet.discovery.contains(protocolNumber, detail: detail) else { return self }
        var packet = self
        packet.oddities.insert(.throughRouter)
        return packet
    }
}

extension HeldTrace {
    /// What a host's kernel makes of a packet on any of its ways, with the steps of the first.
    package init(of journeys: [Journey], in held: HeldRuleset) {
        let traces = journeys.map { $0.trace(in: held) }
        let outcomes = traces.reduce(Outcomes()) { $0.union($1.outcomes) }
        self.init(outcomes: outcomes, steps: traces.first?.steps ?? [])
    }
}

extension HeldTrace.Step {
    /// How the step changes where a packet goes; nil when it does not.
    fileprivate func destinationChange(in held: HeldRuleset) -> HeldTranslation? {
        switch translation(in: held) {
        case .masquerade, .source, nil: nil
        case let change?: change
        }
    }
}

extension Translation {
    /// The packet with its new destination, on each way that it may take through the host now.
    fileprivate func redirected(_ packet: Packet, at host: SiteHost, of all: Intent) -> [Packet] {
        guard case .destination(let target, let port) = kind else { return [packet] }
        return Explanation.packets(
            from: packet.source,
            to: target,
            packet.protocolNumber,
            detail: port ?? packet.detail,
            at: host,
            by: packet.inputInterface,
            hosts: all.siteAddresses
        ).map { way in
            var redirected = way
            redirected.oddities.insert(.redirected)
            return redirected
        }
    }
}

extension Journey.SourceChange {
    init(_ translation: Translation, of packet: Packet, at host: SiteHost) {
        self.translation = translation
        interface = packet.outputInterface ?? ""
        guard case .source(let address) = translation.kind else {
            let name = interface
            let addresses = host.interfaces.first { $0.name == name }?.addresses ?? []
            let own = addresses.filter { $0.address.width == packet.source.width }
            // The kernel takes one of the destination's network, else the first (`inet_select_addr`).
            source = (own.first { $0.network.contains(packet.destination) } ?? own.first)?.address
            return
        }
        source = address
    }
}
