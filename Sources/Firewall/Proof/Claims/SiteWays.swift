import Site

/// What the hosts of a site make of new connections on their ways, as functions of the connection as its source meant it:
/// whichever interfaces it takes, and whatever routers make of its addresses.
final class SiteWays {
    /// What one side makes of connections.
    struct Ends {
        var outcomes: PacketFunction
        /// What a line of `deny` refuses.
        let refused: PacketFunction
        /// What a defence or the baseline refuses.
        let defended: PacketFunction

        /// Where nothing of the site decides.
        static let open = Ends(outcomes: PacketFunction(.accept), refused: .none, defended: .none)
    }

    /// Every address that a host of the site is known to bear.
    let own: AddressSet
    let site: SiteHosts
    let store: DiagramStore
    private var knownPossible: PacketFunction?
    private var knownEgress: Ends?
    private var knownIngress: [Int: Ends] = [:]
    private var knownForwarding: [Int: Ends] = [:]
    private var knownTotal: Ends?

    init(_ site: SiteHosts, in store: DiagramStore) {
        self.site = site
        self.store = store
        own = site.addresses
    }

    // MARK: - Sets

    /// The connections that can be.
    func possible() throws(SpaceExhausted) -> PacketFunction {
        if let knownPossible { return knownPossible }
        let region = try store.forgetting([.inputInterface], try PossiblePackets.region(.input, in: store))
        knownPossible = region
        return region
    }

    /// The connections to elsewhere that a host of the site decides about: as their source, or as a router between.
    func ours() throws(SpaceExhausted) -> PacketFunction {
        let passing = site.hosts.flatMap(\.passages).flatMap(\.boxes)
        return try store.combine(try fromHosts(), try store.region(passing), .union)
    }

    private func fromHosts() throws(SpaceExhausted) -> PacketFunction {
        var match = PacketMatch()
        match.sources = own
        return try store.region(Box.boxes(of: match, on: .input))
    }

    // MARK: - Ends

    /// What becomes of connections to one host; nil for what is no host of the site.
    func ingress(_ host: Int?) throws(SpaceExhausted) -> Ends {
        guard let host else { return .open }
        if let known = knownIngress[host] { return known }
        // What is made on the way is many times the result, and is let go of here.
        let scratch = DiagramStore(limit: store.limit)
        let target = site.hosts[host]
        let outcomes = try target.outcomes(.input, in: scratch).anywhere(.inputInterface, in: scratch)
        var parts = [outcomes]
        for byLines in [true, false] {
            let refused = try target.refused(.input, byLines: byLines, in: scratch)
            parts.append(try scratch.forgetting([.inputInterface], refused))
        }
        let copied = try store.copy(parts, from: scratch)
        var ends = Ends(outcomes: copied[0], refused: copied[1], defended: copied[2])
        for router in site.hosts.indices where router != host {
            try addChangedSources(by: router, to: &ends.outcomes)
        }
        try passOn(from: host, &ends.outcomes)
        knownIngress[host] = ends
        return ends
    }

    /// All sources at once; what is no host's own may come as it likes.
    func egress() throws(SpaceExhausted) -> Ends {
        if let knownEgress { return knownEgress }
        var (outcomes, refused, defended): ([PacketFunction], [PacketFunction], [PacketFunction]) = ([], [], [])
        for host in site.hosts where !host.addresses.isEmpty {
            var match = PacketMatch()
            match.sources = host.addresses
            let from = try store.region(Box.boxes(of: match, on: .output))
            let open = try host.outcomes(.output, in: store).anywhere(.outputInterface, in: store)
            outcomes.append(try store.combine(from, open, .within))
            for byLines in [true, false] {
                let set = try host.refused(.output, byLines: byLines, in: store)
                let part = try store.combine(from, try store.forgetting([.outputInterface], set), .intersection)
                if byLines { refused.append(part) } else { defended.append(part) }
            }
        }
        let ends = try joined(outcomes, refused, defended)
        knownEgress = ends
        return ends
    }

    // MARK: - Routers

    /// What all routers on the way make of connections.
    func forwarding() throws(SpaceExhausted) -> Ends {
        if let knownTotal { return knownTotal }
        var total = Ends.open
        for host in site.hosts.indices where !site.hosts[host].passages.isEmpty {
            let ends = try forwarding(host)
            var outcomes = ends.outcomes
            // What a router sends elsewhere does not come where it was sent.
            for turn in try turns(host) {
                let doubt = try PacketFunction([.accept, .drop]).only(in: turn.region, store)
                outcomes = try store.combine(outcomes, doubt, .either)
            }
            total = try joined(
                [total.outcomes, outcomes],
                [total.refused, ends.refused],
                [total.defended, ends.defended]
            )
        }
        knownTotal = total
        return total
    }

    /// The same for connections that no host of the site begins; `accept` for the others.
    func forwardingOfStrangers() throws(SpaceExhausted) -> PacketFunction {
        let strangers = try store.combine(.all, try fromHosts(), .difference)
        return try store.combine(strangers, try forwarding().outcomes, .within)
    }

    /// What one router makes of the connections on its ways.
    func forwarding(_ host: Int) throws(SpaceExhausted) -> Ends {
        if let known = knownForwarding[host] { return known }
        let router = site.hosts[host]
        var (outcomes, refused, defended): ([PacketFunction], [PacketFunction], [PacketFunction]) = ([], [], [])
        let decided = try router.outcomes(.forward, in: store)
        let denied = try router.refused(.forward, byLines: true, in: store)
        let warded = try router.refused(.forward, byLines: false, in: store)
        for passage in router.passages {
            let region = try store.region(passage.boxes)
            outcomes.append(try store.combine(region, try at(passage, decided), .within))
            refused.append(try store.combine(region, try at(passage, denied), .intersection))
            defended.append(try store.combine(region, try at(passage, warded), .intersection))
        }
        let ends = try joined(outcomes, refused, defended)
        knownForwarding[host] = ends
        return ends
    }

    /// A function for packets that take one way.
    private func at(_ passage: Passage, _ function: PacketFunction) throws(SpaceExhausted) -> PacketFunction {
        var box = Box()
        box.restrict(.inputInterface, to: InterfaceName.number(passage.input))
        box.restrict(.outputInterface, to: InterfaceName.number(passage.output))
        return try store.forgetting(
            [.inputInterface, .outputInterface],
            try function.only(in: try store.region(box), store)
        )
    }

    // MARK: - Tools

    /// One after another.
    private func joined(
        _ outcomes: [PacketFunction],
        _ refused: [PacketFunction],
        _ defended: [PacketFunction]
    ) throws(SpaceExhausted) -> Ends {
        Ends(
            outcomes: try store.joined(outcomes, .then) ?? PacketFunction(.accept),
            refused: try store.joined(refused, .union) ?? .none,
            defended: try store.joined(defended, .union) ?? .none
        )
    }
}
