import Linux
import Site

/// What the hosts of a site make of new connections on their ways, as functions of the connection as its source meant
/// it: whatever routers make of its addresses, by any interfaces and by those that the site file has its ends behind.
final class SiteWays {
    /// What one side makes of connections.
    struct Ends: Sendable {
        var outcomes: PacketFunction
        /// The same by those interfaces alone that the site file has their peers behind: what may be relied on.
        var placed: PacketFunction
        /// What a line of `deny` refuses.
        var refused: PacketFunction
        /// What a defence or the baseline refuses.
        var defended: PacketFunction
        /// By what a host gets its addresses by DHCP, and joins groups.
        var upkeep: PacketFunction

        /// Where nothing of the site decides.
        static let open = Ends(
            outcomes: PacketFunction(.accept),
            placed: PacketFunction(.accept),
            refused: .none,
            defended: .none,
            upkeep: .none
        )
    }

    let site: SiteHosts
    let store: DiagramStore
    private let start: Common
    private var common: Common
    /// What routers change of what comes to an end.
    var knownChanges: [SiteEnd: [Change]] = [:]
    let steps: Int

    private init(_ site: SiteHosts, _ common: Common, _ store: DiagramStore, steps: Int) {
        self.site = site
        start = common
        self.common = common
        self.store = store
        self.steps = steps
    }

    /// - Parameters:
    ///   - common: of the same site.
    ///   - limit: see `DiagramStore`.
    ///   - steps: see `DiagramStore`; for what follows.
    ///   - nodes: what the store begins with, where that is more than what is common.
    convenience init(_ site: SiteHosts, _ common: Common, limit: Int, steps: Int, nodes: DiagramNodes? = nil) {
        let store = DiagramStore(continuing: nodes ?? common.nodes, limit: limit, steps: steps)
        self.init(site, common, store, steps: steps)
    }

    /// Whether all is there that is common.
    var areWhole: Bool { common.exhausted == nil }

    /// Lets go of what one end needed, for the next one.
    func restart() {
        store.restart()
        common = start
        knownChanges = [:]
    }

    /// - Parameter sources: sets that claims at many ends ask about: `from(_:)` knows them by their places.
    static func common(_ site: SiteHosts, sources: [AddressSet], limit: Int, steps: Int) -> Common {
        var common = Common()
        // What is made on the way to one part does not burden the next, and what is too much leaves the others there.
        func add(_ make: (SiteWays) throws(SpaceExhausted) -> Void) {
            var exhausted = common.exhausted
            common.exhausted = nil
            let ways = SiteWays(site, common, limit: limit, steps: steps)
            do throws(SpaceExhausted) { try make(ways) } catch { exhausted = error }
            common = ways.lasting()
            common.exhausted = exhausted
        }
        add { ways throws(SpaceExhausted) in _ = (try ways.possible(), try ways.ours(), try ways.egress()) }
        // Nearly everything asks for that.
        if common.exhausted != nil { return common }
        if site.hosts.contains(where: { !$0.intent.translations.isEmpty }) {
            add { ways throws(SpaceExhausted) in
                for host in site.hosts.indices { _ = (try ways.detouring(host), try ways.turns(host)) }
            }
        }
        add { ways throws(SpaceExhausted) in _ = try ways.forwarding() }
        if !site.targets.isEmpty {
            add { ways throws(SpaceExhausted) in
                for place in site.targets.indices { _ = try ways.sent(place) }
            }
            // Ends hardly ask for single routers again.
            common.forwarding = [:]
        }
        add { ways throws(SpaceExhausted) in _ = try ways.forwardingElsewhere() }
        add { ways throws(SpaceExhausted) in
            for set in sources { ways.common.sources.append(try ways.from(set)) }
            for host in site.leased.sorted() { _ = try ways.egress(ofLeases: host) }
            if !site.leased.isEmpty { _ = try ways.attended() }
            _ = try ways.unrouted()
        }
        return common
    }

    /// The same, with all that is there and bounds of its own: its functions are to be copied.
    func beside() -> SiteWays {
        SiteWays(site, common, limit: store.limit, steps: steps, nodes: store.nodes)
    }

    /// What is there, with the nodes that it needs: what was made on the way is many times as much, and every end would
    /// begin with it.
    private func lasting() -> Common {
        var kept = common
        var functions: [PacketFunction] = []
        kept.forEach { functions.append($0) }
        let target = DiagramStore(limit: store.limit, steps: steps)
        guard let copies = try? target.copy(functions, from: store.nodes) else {
            kept.nodes = store.nodes
            return kept
        }
        var copy = copies.makeIterator()
        // There are as many copies as functions.
        kept.forEach { $0 = copy.next() ?? $0 }
        kept.nodes = target.nodes
        return kept
    }

    /// What is there already, else what `make` makes, unless that was too much before.
    func once<Value>(
        _ place: WritableKeyPath<Common, Value?>,
        _ make: () throws(SpaceExhausted) -> Value
    ) throws(SpaceExhausted) -> Value {
        if let known = common[keyPath: place] { return known }
        if let exhausted = common.exhausted { throw exhausted }
        let value = try make()
        common[keyPath: place] = value
        return value
    }

    // MARK: - Sets

    /// The connections that can be.
    func possible() throws(SpaceExhausted) -> PacketFunction {
        try once(\.possible) { () throws(SpaceExhausted) in
            try store.forgetting([.inputInterface], try PossiblePackets.region(.input, in: store))
        }
    }

    /// The connections to elsewhere that a host of the site decides about: as their source, or as a router between.
    func ours() throws(SpaceExhausted) -> PacketFunction {
        try once(\.ours) { () throws(SpaceExhausted) in
            try store.combine(try fromHosts(), try passing(), .union)
        }
    }

    /// Those of them with a host as their source, or a router whose own networks they pass between.
    func attended() throws(SpaceExhausted) -> PacketFunction {
        try once(\.attended) { () throws(SpaceExhausted) in
            let passing = site.hosts.flatMap(\.passages).flatMap(\.boxes)
            return try store.combine(try fromHosts(), try store.region(passing), .union)
        }
    }

    /// The connections to these destinations.
    func to(_ destinations: AddressSet) throws(SpaceExhausted) -> PacketFunction {
        var match = PacketMatch()
        match.destinations = destinations
        return try store.region(Box.boxes(of: match, on: .input))
    }

    func fromHosts() throws(SpaceExhausted) -> PacketFunction { try from(site.addresses) }

    /// The connections from these sources.
    func from(_ sources: AddressSet) throws(SpaceExhausted) -> PacketFunction {
        var match = PacketMatch()
        match.sources = sources
        return try store.region(Box.boxes(of: match, on: .input))
    }

    /// The same for one of the sets that many ask about.
    func from(_ place: Int) throws(SpaceExhausted) -> PacketFunction {
        if place < common.sources.count { return common.sources[place] }
        throw common.exhausted ?? SpaceExhausted(of: .pieces)
    }

    // MARK: - Ends

    /// What becomes of connections that end there.
    func ingress(_ end: SiteEnd) throws(SpaceExhausted) -> Ends {
        guard let host = end.host else { return .open }
        var ends = try copied(
            try End(of: site.hosts[host], .input, isLeased: end.isLeased, limit: store.limit, steps: steps)
        )
        ends.outcomes = try arriving(end, ends.outcomes, isPlaced: false)
        ends.placed = try arriving(end, ends.placed, isPlaced: true)
        return ends
    }

    /// All sources at once; what is no host's own may come as it likes.
    func egress() throws(SpaceExhausted) -> Ends {
        try once(\.egress) { () throws(SpaceExhausted) in
            let hosts = site.hosts.filter { !$0.addresses.isEmpty }
            let made = Parallel.map(hosts) { [limit = store.limit, steps] host in
                Result { () throws(SpaceExhausted) in
                    try End(of: host, .output, isLeased: false, limit: limit, steps: steps)
                }
            }
            var all: [Ends] = []
            for end in made { all.append(try copied(try end.get())) }
            var parts: [Ends] = []
            func add(_ ends: Ends, from sources: AddressSet) throws(SpaceExhausted) {
                var match = PacketMatch()
                match.sources = sources
                let from = try store.region(Box.boxes(of: match, on: .output))
                parts.append(try ends.inside(from, store))
            }
            let shared = AddressSet(site.shared)
            for (host, ends) in zip(hosts, all) { try add(ends, from: host.addresses.subtracting(shared)) }
            // Which of them has it nobody knows.
            for address in site.shared {
                let bearing = zip(hosts, all).filter { host, _ in host.addresses.contains(address) }.map { $0.1 }
                try add(try joined(bearing, .either), from: AddressSet([address]))
            }
            return try joined(parts)
        }
    }

    /// The same for what one host sends from addresses that it has by DHCP.
    func egress(ofLeases host: Int) throws(SpaceExhausted) -> Ends {
        try once(\.leaving[host]) { () throws(SpaceExhausted) in
            try copied(try End(of: site.hosts[host], .output, isLeased: true, limit: store.limit, steps: steps))
        }
    }

    /// One host's own part, by any interface, with the nodes that it needs: what is made on the way is many times as
    /// much, and is let go of.
    private struct End: Sendable {
        let nodes: DiagramNodes
        let ends: Ends

        /// - Parameter isLeased: whether the host's own end is an address that it has by DHCP.
        init(
            of host: SiteHosts.Host,
            _ path: PacketPath,
            isLeased: Bool,
            limit: Int,
            steps: Int
        ) throws(SpaceExhausted) {
            let interface: Dimension = path == .input ? .inputInterface : .outputInterface
            let scratch = DiagramStore(limit: limit, steps: steps)
            let outcomes = try host.outcomes(path, in: scratch)
            var placed = try host.sides.region(path, in: scratch)
            if isLeased {
                var box = Box()
                box.restrict(interface, to: host.leasing.numbers)
                placed = try scratch.combine(placed, try scratch.region(box), .intersection)
            }
            var several = PacketMatch()
            if path == .output {
                several.destinations = host.sides.ofSeveral
            } else {
                several.sources = host.sides.ofSeveral
            }
            let known = try scratch.combine(
                placed,
                try scratch.region(Box.boxes(of: several, on: path)),
                .intersection
            )
            let each = try scratch.forgetting([interface], try outcomes.only(in: known, scratch))
            let some = try outcomes.anywhere(interface, within: placed, in: scratch)
            var parts = [
                try outcomes.anywhere(interface, in: scratch), try scratch.combine(some, each, .either),
            ]
            for byLines in [true, false] {
                let refused = try host.refused(path, byLines: byLines, in: scratch)
                let asked = try scratch.combine(refused, placed, .intersection)
                parts.append(try scratch.forgetting([interface], asked))
            }
            parts.append(try scratch.forgetting([interface], try host.upkeep(path, in: scratch)))
            let store = DiagramStore(limit: limit, steps: steps)
            let copies = try store.copy(parts, from: scratch.nodes)
            nodes = store.nodes
            ends = Ends(copies)
        }
    }

    private func copied(_ end: End) throws(SpaceExhausted) -> Ends {
        Ends(try store.copy(end.ends.parts, from: end.nodes))
    }

    // MARK: - Routers

    /// What all routers on the way make of connections to hosts of the site, from the sources that these have. What one sends
    /// elsewhere that comes to itself is for its own end (`arriving`).
    func forwarding() throws(SpaceExhausted) -> Ends {
        try once(\.total) { () throws(SpaceExhausted) in try forwarding(by: site.routers[...]) }
    }

    /// The same of connections to one end, with sources that others before them have changed: asked of all ends at once, the
    /// changes of many routers would be too much.
    func forwarding(to end: SiteEnd) throws(SpaceExhausted) -> Ends {
        var ends = try forwarding()
        if masquerading.isEmpty { return ends }
        let asked = try to(site.destinations(end))
        ends.placed = try changingSources(try store.combine(asked, ends.placed, .within), to: asked)
        return ends
    }

    /// What routers make of connections to what is no host of the site. That they stop what a host sends there counts for
    /// what is to be let through alone, in `placed`: there may be a way around them.
    ///
    /// - Parameter isOfZones: whether a line is meant that speaks of interfaces of its zones alone, which some routers have.
    func forwardingElsewhere(isOfZones: Bool = false) throws(SpaceExhausted) -> Ends {
        var ends = try once(\.elsewhere) { () throws(SpaceExhausted) in
            let (ends, best) = try wherever(try forwarding(to: .elsewhere))
            common.best = best
            return ends
        }
        if isOfZones, let best = common.best { ends.placed = best }
        return ends
    }

    /// The connections between what is no host of the site that are on no router's ways, and that one may pass on all the
    /// same.
    func unrouted() throws(SpaceExhausted) -> PacketFunction {
        try once(\.unrouted) { () throws(SpaceExhausted) in
            let routed = try store.region(site.hosts.flatMap(\.passages).flatMap(\.boxes))
            let rest = try store.combine(try passing(), routed, .difference)
            return try store.combine(rest, try fromHosts(), .difference)
        }
    }

    /// What one router makes of the connections on its ways.
    func forwarding(_ host: Int) throws(SpaceExhausted) -> Ends {
        try once(\.forwarding[host]) { () throws(SpaceExhausted) in try forwarding(by: [host]) }
    }

    /// What some routers make of the connections on their ways, by halves: what that makes on the way, of many lines and of
    /// each of them, is let go of.
    private func forwarding(by routers: ArraySlice<Int>) throws(SpaceExhausted) -> Ends {
        guard let first = routers.first else { return .open }
        let scratch = SiteWays(site, Common(), limit: store.limit, steps: steps)
        var parts: [Ends] = []
        if routers.count == 1 {
            parts = try scratch.forwarding(by: site.hosts[first], on: site.hosts[first].passages)
        } else {
            let middle = routers.startIndex + routers.count / 2
            for half in [routers[..<middle], routers[middle...]] { parts.append(try scratch.forwarding(by: half)) }
        }
        return Ends(try store.copy(try scratch.joined(parts).parts, from: scratch.store.nodes))
    }

    /// What a router that changes addresses makes of connections by each of its detours; nothing of others.
    func detouring(_ host: Int) throws(SpaceExhausted) -> Detours {
        if site.hosts[host].detours.isEmpty { return Detours() }
        return try once(\.detouring[host]) { () throws(SpaceExhausted) in
            let scratch = SiteWays(site, Common(), limit: store.limit, steps: steps)
            var detours = try scratch.detouring(by: site.hosts[host])
            let all = [detours.decided] + detours.ways.map(\.connections)
            let copies = try store.copy(all, from: scratch.store.nodes)
            detours.decided = copies[0]
            for place in detours.ways.indices { detours.ways[place].connections = copies[place + 1] }
            return detours
        }
    }
}
