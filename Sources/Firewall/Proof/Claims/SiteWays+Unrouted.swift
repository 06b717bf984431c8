import Site

/// Connections between two ends that are no hosts of the site. The site file knows no routes: where no router is attached to
/// both ends nobody knows which routers they pass, and by which interfaces.
///
/// One that begins or ends in a network which routers are attached to passes one of these; any other may pass each of them.
/// It may take every interface that the site file does not have its ends apart from.
extension SiteWays {
    /// What may pass a router, but for what lies on one side of it.
    func passing() throws(SpaceExhausted) -> PacketFunction {
        var parts: [PacketFunction] = []
        for host in site.hosts where host.isRouter { parts.append(try passing(host)) }
        return try store.joined(parts, .union) ?? .none
    }

    /// The connections on no router's ways that none passes on by interfaces of the zones.
    func unrouted(otherThan zones: LineZones) throws(SpaceExhausted) -> PacketFunction {
        var parts: [PacketFunction] = []
        for host in site.hosts where host.isRouter {
            var match = PacketMatch()
            if let zone = zones.input { match.sources = .all.subtracting(host.sides.elsewhere(than: zone)) }
            if let zone = zones.output { match.destinations = .all.subtracting(host.sides.elsewhere(than: zone)) }
            let fitting = try store.region(Box.boxes(of: match, on: .input))
            parts.append(try store.combine(try passing(host), fitting, .intersection))
        }
        return try store.combine(try unrouted(), try store.joined(parts, .union) ?? .none, .difference)
    }

    /// What routers make of connections between what is no host of the site.
    ///
    /// - Parameter routed: what those make of them that are known to be on the way.
    /// - Returns: in `outcomes` by whichever way, for all that no host begins; in `placed` by every way where none is
    ///   known, else as it is known; in `best` the same by the way that lets most through.
    func wherever(_ routed: Ends) throws(SpaceExhausted) -> (ends: Ends, best: PacketFunction) {
        var crossings: [Crossing] = []
        for index in site.hosts.indices where site.hosts[index].isRouter { crossings.append(try crossing(index)) }
        if crossings.isEmpty { return (routed, routed.placed) }
        var changes: [[Change]] = []
        for crossing in crossings { changes.append(try self.changes(by: crossing)) }
        for place in crossings.indices {
            let others = changes.indices.filter { $0 != place }.flatMap { changes[$0] }
            crossings[place].outcomes = try seen(by: crossings[place], after: others)
        }
        let first = try whichever(of: crossings) { crossing in crossing.fromNear }
        let last = try whichever(of: crossings) { crossing in crossing.toNear }
        let near = try store.combine(first.region, last.region, .union)
        let other = try whichever(of: crossings) { crossing throws(SpaceExhausted) in
            try store.combine(crossing.region, near, .difference)
        }
        var (outcomes, all) = (PacketFunction(.accept), PacketFunction(.accept))
        for part in [first, last, other] {
            outcomes = try store.combine(outcomes, try store.combine(part.region, part.best, .within), .then)
            all = try store.combine(all, try store.combine(part.region, part.all, .within), .then)
        }
        // What a router sends elsewhere does not come where it was sent.
        var doubt = PacketFunction.none
        for host in site.hosts.indices {
            for turn in try turns(host) { doubt = try store.combine(doubt, turn.region, .union) }
        }
        doubt = try PacketFunction([.accept, .drop]).only(in: doubt, store)
        outcomes = try store.combine(outcomes, doubt, .either)
        all = try store.combine(all, doubt, .either)
        let unrouted = try unrouted()
        let strangers = try store.combine(.all, try fromHosts(), .difference)
        var ends = routed
        let known = try store.combine(routed.placed, doubt, .either)
        ends.placed = try store.combine(known, try store.combine(unrouted, all, .within), .then)
        let best = try store.combine(known, try store.combine(unrouted, outcomes, .within), .then)
        ends.outcomes = try store.combine(strangers, outcomes, .within)
        for crossing in crossings {
            let region = try store.combine(unrouted, crossing.region, .intersection)
            let refused = try store.combine(crossing.refused, region, .intersection)
            let defended = try store.combine(crossing.defended, region, .intersection)
            ends.refused = try store.combine(ends.refused, refused, .union)
            ends.defended = try store.combine(ends.defended, defended, .union)
        }
        return (ends, best)
    }

    /// What a router changes of what may pass it.
    private func changes(by crossing: Crossing) throws(SpaceExhausted) -> [Change] {
        let router = site.hosts[crossing.router]
        var changes: [Change] = []
        for translation in router.intent.translations where !translation.decidesDestination {
            var leaving = PacketMatch()
            leaving.outputInterfaces = translation.match.outputInterfaces
            let byOutput = try store.region(Box.boxes(of: leaving, on: .output))
            let outcomes = try crossing.decided.anywhere(.outputInterface, within: byOutput, in: store)
            // What the router stops it does not change.
            var changed = try store.map(outcomes) { $0 & Outcomes.accept.rawValue == 0 ? 0 : 1 }
            changed = try store.combine(changed, try matched(translation), .intersection)
            changed = try store.combine(changed, crossing.region, .intersection)
            if changed == .none { continue }
            let names = router.intent.interfaces.map(\.name)
            let sources = try sources(translation, of: router, by: names, among: .all)
            let passed = try PacketFunction(.accept).only(in: changed, store)
            changes.append(Change(passed: passed, sources: sources))
        }
        return changes
    }

    /// What a router makes of what others may have changed before it: not where it is attached to the source's network itself.
    /// What is made of it on the way is let go of.
    private func seen(by crossing: Crossing, after changes: [Change]) throws(SpaceExhausted) -> PacketFunction {
        if changes.isEmpty { return crossing.outcomes }
        let scratch = beside()
        let behind = try scratch.store.combine(crossing.region, crossing.fromNear, .difference)
        var others: [Change] = []
        for change in changes {
            let passed = try change.passed.only(in: behind, scratch.store)
            if passed != .none { others.append(Change(passed: passed, sources: change.sources)) }
        }
        var outcomes = crossing.outcomes
        try scratch.add(others, to: &outcomes)
        return try store.copy([outcomes], from: scratch.store.nodes)[0]
    }

    /// One router, and what it makes of what may pass it.
    private struct Crossing {
        let router: Int
        /// What may pass it.
        let region: PacketFunction
        /// Of that what begins in a network that it is attached to, and what ends there.
        let fromNear: PacketFunction
        let toNear: PacketFunction
        /// By interfaces, those alone that the ends may be behind.
        let decided: PacketFunction
        /// By any of these.
        var outcomes: PacketFunction
        let refused: PacketFunction
        let defended: PacketFunction
    }

    /// What a router makes on the way of many lines is let go of.
    private func crossing(_ index: Int) throws(SpaceExhausted) -> Crossing {
        let scratch = SiteWays(site, Common(), limit: store.limit, steps: steps)
        let made = try scratch.wholeCrossing(index)
        let parts = [
            made.region, made.fromNear, made.toNear, made.decided, made.outcomes, made.refused, made.defended,
        ]
        let copies = try store.copy(parts, from: scratch.store.nodes)
        return Crossing(
            router: index,
            region: copies[0],
            fromNear: copies[1],
            toNear: copies[2],
            decided: copies[3],
            outcomes: copies[4],
            refused: copies[5],
            defended: copies[6]
        )
    }

    private func wholeCrossing(_ index: Int) throws(SpaceExhausted) -> Crossing {
        let host = site.hosts[index]
        // Where sources change, what that makes of connections to hosts is asked at these.
        let elsewhere = try masquerading.isEmpty ? .all : to(site.destinations(.elsewhere))
        let region = try store.combine(try passing(host), elsewhere, .intersection)
        let placed = try store.combine(
            try host.sides.region(.input, in: store),
            try host.sides.region(.output, in: store),
            .intersection
        )
        func refused(byLines: Bool) throws(SpaceExhausted) -> PacketFunction {
            let refused = try host.refused(.forward, byLines: byLines, in: store)
            let asked = try store.combine(refused, placed, .intersection)
            return try store.forgetting([.inputInterface, .outputInterface], asked)
        }
        let outcomes = try store.combine(elsewhere, try host.outcomes(.forward, in: store), .within)
        let decided = try outcomes.anywhere(.inputInterface, within: placed, in: store)
        var toNear = PacketMatch()
        toNear.destinations = host.attached
        return Crossing(
            router: index,
            region: region,
            fromNear: try store.combine(region, try from(host.attached), .intersection),
            toNear: try store.combine(region, try store.region(Box.boxes(of: toNear, on: .input)), .intersection),
            decided: decided,
            outcomes: try decided.anywhere(.outputInterface, in: store),
            refused: try refused(byLines: true),
            defended: try refused(byLines: false)
        )
    }

    /// What may pass a router: all but its own, and what lies on one side of it.
    private func passing(_ host: SiteHosts.Host) throws(SpaceExhausted) -> PacketFunction {
        let known = host.attached.union(site.strangers)
        var beside: [String: AddressSet] = [:]
        for side in host.sides.all {
            guard case .among(let names) = side.interfaces, names.count == 1, let name = names.first else { continue }
            beside[name] = (beside[name] ?? .none).union(side.addresses.intersection(known))
        }
        var boxes: [Box] = []
        for (_, addresses) in beside.sorted(by: { $0.key < $1.key }) {
            var match = PacketMatch()
            (match.sources, match.destinations) = (addresses, addresses)
            boxes += Box.boxes(of: match, on: .input)
        }
        var toItself = PacketMatch()
        toItself.destinations = host.addresses
        boxes += Box.boxes(of: toItself, on: .input)
        let others = try store.combine(.all, try store.region(boxes), .difference)
        return try store.combine(others, try from(host.addresses), .difference)
    }

    /// What several routers, each asked about its own set, make of packets that pass one of them.
    ///
    /// - Returns: in `best` `accept` where one surely lets it through; in `all` what may become of it by each.
    private func whichever(
        of crossings: [Crossing],
        _ set: (Crossing) throws(SpaceExhausted) -> PacketFunction
    ) throws(SpaceExhausted) -> (region: PacketFunction, best: PacketFunction, all: PacketFunction) {
        var (region, answers, all) = (PacketFunction.none, PacketFunction.none, PacketFunction.none)
        for crossing in crossings {
            let asked = try set(crossing)
            let outcomes = try crossing.outcomes.only(in: asked, store)
            region = try store.combine(region, asked, .union)
            answers = try store.combine(answers, try outcomes.answers(store), .either)
            all = try store.combine(all, outcomes, .either)
        }
        return (region, try answers.best(store), all)
    }
}
