import Linux
import Site

/// What the hosts of a site make of new connections on their ways, as functions of the connection as its source meant
/// it: whichever interfaces it takes, and whatever routers make of its addresses.
final class SiteWays {
    /// What one side makes of connections.
    struct Ends: Sendable {
        fileprivate(set) var outcomes: PacketFunction
        /// What a line of `deny` refuses.
        fileprivate(set) var refused: PacketFunction
        /// What a defence or the baseline refuses.
        fileprivate(set) var defended: PacketFunction

        /// Where nothing of the site decides.
        static let open = Ends(outcomes: PacketFunction(.accept), refused: .none, defended: .none)
    }

    /// What is the same wherever connections end: worked out once, and handed to all who ask about one end.
    struct Common: Sendable {
        fileprivate(set) var nodes = DiagramNodes()
        fileprivate var possible: PacketFunction?
        fileprivate var ours: PacketFunction?
        fileprivate var egress: Ends?
        fileprivate var forwarding: [Int: Ends] = [:]
        fileprivate var total: Ends?
        fileprivate var ofStrangers: PacketFunction?
        /// The connections from sets of sources that several ends ask about.
        fileprivate var sources: [PacketFunction] = []
        /// Why the rest is not there.
        fileprivate var exhausted: SpaceExhausted?

        fileprivate mutating func forEach(_ body: (inout PacketFunction) -> Void) {
            func each(_ ends: inout Ends) {
                body(&ends.outcomes)
                body(&ends.refused)
                body(&ends.defended)
            }
            func one(_ place: inout PacketFunction?) {
                guard var function = place else { return }
                body(&function)
                place = function
            }
            func ends(_ place: inout Ends?) {
                guard var value = place else { return }
                each(&value)
                place = value
            }
            one(&possible)
            one(&ours)
            one(&ofStrangers)
            ends(&egress)
            ends(&total)
            for host in forwarding.keys.sorted() { ends(&forwarding[host]) }
            for index in sources.indices { body(&sources[index]) }
        }
    }

    let site: SiteHosts
    let store: DiagramStore
    private let start: Common
    private var common: Common
    private let steps: Int

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
    convenience init(_ site: SiteHosts, _ common: Common, limit: Int, steps: Int) {
        self.init(site, common, DiagramStore(continuing: common.nodes, limit: limit, steps: steps), steps: steps)
    }

    /// Lets go of what one end needed, for the next one.
    func restart() {
        store.restart()
        common = start
    }

    /// - Parameter sources: sets that claims at many ends ask about: `from(_:)` knows them by their places.
    static func common(_ site: SiteHosts, sources: [AddressSet], limit: Int, steps: Int) -> Common {
        let ways = SiteWays(site, Common(), limit: limit, steps: steps)
        do throws(SpaceExhausted) {
            _ = (try ways.possible(), try ways.ours(), try ways.egress())
            _ = (try ways.forwarding(), try ways.forwardingOfStrangers())
            for set in sources { ways.common.sources.append(try ways.from(set)) }
        } catch {
            ways.common.exhausted = error
        }
        return ways.lasting()
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
    private func once<Value>(
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
            let passing = site.hosts.flatMap(\.passages).flatMap(\.boxes)
            return try store.combine(try fromHosts(), try store.region(passing), .union)
        }
    }

    private func fromHosts() throws(SpaceExhausted) -> PacketFunction { try from(site.addresses) }

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

    /// What becomes of connections to one host; nil for what is no host of the site.
    func ingress(_ host: Int?) throws(SpaceExhausted) -> Ends {
        guard let host else { return .open }
        var ends = try copied(try End(of: site.hosts[host], .input, limit: store.limit, steps: steps))
        for router in site.routers where router != host {
            try addChangedSources(by: router, to: &ends.outcomes)
        }
        try passOn(from: host, &ends.outcomes)
        return ends
    }

    /// All sources at once; what is no host's own may come as it likes.
    func egress() throws(SpaceExhausted) -> Ends {
        try once(\.egress) { () throws(SpaceExhausted) in
            let hosts = site.hosts.filter { !$0.addresses.isEmpty }
            let made = Parallel.map(hosts) { [limit = store.limit, steps] host in
                Result { () throws(SpaceExhausted) in try End(of: host, .output, limit: limit, steps: steps) }
            }
            var (outcomes, refused, defended): ([PacketFunction], [PacketFunction], [PacketFunction]) = ([], [], [])
            for (host, end) in zip(hosts, made) {
                let ends = try copied(try end.get())
                var match = PacketMatch()
                match.sources = host.addresses
                let from = try store.region(Box.boxes(of: match, on: .output))
                outcomes.append(try store.combine(from, ends.outcomes, .within))
                refused.append(try store.combine(from, ends.refused, .intersection))
                defended.append(try store.combine(from, ends.defended, .intersection))
            }
            return try joined(outcomes, refused, defended)
        }
    }

    /// One host's own part, by any interface, with the nodes that it needs: what is made on the way is many times as
    /// much, and is let go of.
    private struct End: Sendable {
        let nodes: DiagramNodes
        let ends: Ends

        init(of host: SiteHosts.Host, _ path: PacketPath, limit: Int, steps: Int) throws(SpaceExhausted) {
            let interface: Dimension = path == .input ? .inputInterface : .outputInterface
            let scratch = DiagramStore(limit: limit, steps: steps)
            var parts = [try host.outcomes(path, in: scratch).anywhere(interface, in: scratch)]
            for byLines in [true, false] {
                let refused = try host.refused(path, byLines: byLines, in: scratch)
                parts.append(try scratch.forgetting([interface], refused))
            }
            let store = DiagramStore(limit: limit, steps: steps)
            let copies = try store.copy(parts, from: scratch.nodes)
            nodes = store.nodes
            ends = Ends(outcomes: copies[0], refused: copies[1], defended: copies[2])
        }
    }

    private func copied(_ end: End) throws(SpaceExhausted) -> Ends {
        let copies = try store.copy([end.ends.outcomes, end.ends.refused, end.ends.defended], from: end.nodes)
        return Ends(outcomes: copies[0], refused: copies[1], defended: copies[2])
    }

    // MARK: - Routers

    /// What all routers on the way make of connections.
    func forwarding() throws(SpaceExhausted) -> Ends {
        try once(\.total) { () throws(SpaceExhausted) in
            var total = Ends.open
            for host in site.routers {
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
            return total
        }
    }

    /// The same for connections that no host of the site begins; `accept` for the others.
    func forwardingOfStrangers() throws(SpaceExhausted) -> PacketFunction {
        try once(\.ofStrangers) { () throws(SpaceExhausted) in
            let strangers = try store.combine(.all, try fromHosts(), .difference)
            return try store.combine(strangers, try forwarding().outcomes, .within)
        }
    }

    /// What one router makes of the connections on its ways.
    func forwarding(_ host: Int) throws(SpaceExhausted) -> Ends {
        try once(\.forwarding[host]) { () throws(SpaceExhausted) in
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
            return try joined(outcomes, refused, defended)
        }
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
