import Site

/// What becomes of connections whose sources routers change.
extension SiteWays {
    /// What becomes of connections that come to an end: a router sends some of them elsewhere, and before it others may have
    /// changed where they come from.
    ///
    /// - Parameters:
    ///   - input: what the end makes of what stays there.
    ///   - senders: the routers that have sent them elsewhere before, the last one last.
    func arriving(
        _ end: SiteEnd,
        _ input: PacketFunction,
        isPlaced: Bool,
        after senders: [Int] = []
    ) throws(SpaceExhausted) -> PacketFunction {
        var outcomes = input
        try passOn(from: end, &outcomes, isPlaced: isPlaced, after: senders)
        try add(try changes(to: end), to: &outcomes)
        return outcomes
    }

    /// What routers change of what comes to an end.
    private func changes(to end: SiteEnd) throws(SpaceExhausted) -> [Change] {
        if let known = knownChanges[end] { return known }
        let others = masquerading.filter { $0 != end.host }
        if others.isEmpty { return [] }
        // Claims ask here of nothing else: most changes are about other destinations, and cost nothing then.
        let own = end.host.map { end.isLeased ? site.hosts[$0].leases : site.hosts[$0].addresses }
        let changes = try changes(by: others, to: try to(own ?? .all), try leads(to: end), among: .all)
        knownChanges[end] = changes
        return changes
    }

    /// What routers on the way make of connections, where others before them have changed the sources.
    ///
    /// - Parameters:
    ///   - forwarding: what they make of them as they were sent.
    ///   - asked: the connections that are asked about.
    func changingSources(
        _ forwarding: PacketFunction,
        to asked: PacketFunction
    ) throws(SpaceExhausted) -> PacketFunction {
        var outcomes = forwarding
        // An uplink by DHCP might be in any network of the site: each router would be behind each other.
        try add(try changes(by: masquerading, to: asked, [], among: site.strangers), to: &outcomes)
        return outcomes
    }

    /// The routers that change sources.
    var masquerading: [Int] {
        site.hosts.indices.filter { !site.hosts[$0].intent.translations.allSatisfy(\.decidesDestination) }
    }

    /// What is let out to an end: also to a router's port that leads there.
    ///
    /// - Parameter egress: what sources let out, by where they send it.
    func departing(to end: SiteEnd, _ egress: PacketFunction) throws(SpaceExhausted) -> PacketFunction {
        var outcomes = egress
        for lead in try leads(to: end) {
            outcomes = try store.combine(outcomes, try coming(egress, by: lead), .either)
        }
        return outcomes
    }

    /// Connections whose sources a router changes.
    struct Change {
        /// What it makes of them: 0 for what it stops, which does not go on, and for others.
        let passed: PacketFunction
        /// Those from what it puts in place of their sources.
        let sources: PacketFunction
    }

    /// What routers change.
    ///
    /// - Parameters:
    ///   - asked: the connections that are asked about.
    ///   - leads: by which connections to others come there.
    ///   - leases: where an address that a router has by DHCP may lie.
    private func changes(
        by routers: [Int],
        to asked: PacketFunction,
        _ leads: [Lead],
        among leases: AddressSet
    ) throws(SpaceExhausted) -> [Change] {
        // Where the same sources come from, the rest is the same: one change for all ways there.
        var groups: [(sources: PacketFunction, passed: [PacketFunction])] = []
        var places: [PacketFunction: Int] = [:]
        // What no claim asks about is left out before anything is made of it.
        let about = try store.joined([asked] + leads.map(\.region), .union) ?? asked
        for host in routers {
            let router = site.hosts[host]
            for translation in router.intent.translations where !translation.decidesDestination {
                for (passed, outputs) in try leaving(host, translation, among: about) where passed != .none {
                    var all = [try passed.only(in: asked, store)]
                    for lead in leads where lead.router != host { all.append(try coming(passed, by: lead)) }
                    let sources = try sources(translation, of: router, by: outputs, among: leases)
                    let place = places[sources] ?? groups.count
                    if place == groups.count { groups.append((sources, [])) }
                    places[sources] = place
                    for passed in all where passed != .none { groups[place].passed.append(try going(passed)) }
                }
            }
        }
        var changes: [Change] = []
        for (sources, passed) in groups {
            let all = try store.joined(passed, .either) ?? .none
            if all != .none { changes.append(Change(passed: all, sources: sources)) }
        }
        return changes
    }

    /// What becomes of connections that go on; 0 for the others.
    private func going(_ outcomes: PacketFunction) throws(SpaceExhausted) -> PacketFunction {
        try store.map(outcomes) { $0 & Outcomes.accept.rawValue == 0 ? 0 : $0 }
    }

    /// What a router makes of connections that a change is about, by the interfaces that they leave by: of those that it
    /// passes on, and of its own.
    ///
    /// - Parameter asked: the connections that are asked about.
    private func leaving(
        _ host: Int,
        _ translation: Translation,
        among asked: PacketFunction
    ) throws(SpaceExhausted) -> [(passed: PacketFunction, outputs: [String])] {
        let router = site.hosts[host]
        let matched = try store.combine(try matched(translation), asked, .intersection)
        if matched == .none { return [] }
        let outputs = translation.match.outputInterfaces
        var ways: [(passed: PacketFunction, outputs: [String])] = []
        let detours = try detouring(host)
        for way in detours.ways where way.outputs.contains(where: outputs.contains) {
            let changed = try store.combine(matched, way.connections, .intersection)
            if changed == .none { continue }
            // Of routers with the same rules and interfaces this is the same, and worked out once.
            let decided = try decided(matched, by: way, detours)
            ways.append((try decided.only(in: changed, store), way.outputs))
        }
        for (name, addresses) in router.possibleReach where outputs.contains(name) {
            var match = PacketMatch()
            (match.sources, match.destinations) = (router.addresses, addresses)
            let own = try store.combine(matched, try store.region(Box.boxes(of: match, on: .input)), .intersection)
            ways.append((try egress().outcomes.only(in: own, store), [name]))
        }
        return ways
    }

    /// What becomes of connections that a router has sent to an address, by whichever of its interfaces.
    func addChangedSources(
        behind host: Int,
        to address: IPAddress,
        _ outcomes: inout PacketFunction
    ) throws(SpaceExhausted) {
        let router = site.hosts[host]
        let outputs = router.possibleReach.filter { $0.addresses.contains(address) }.map(\.name)
        for translation in router.intent.translations
        where !translation.decidesDestination && outputs.contains(where: translation.match.outputInterfaces.contains) {
            let passed = try PacketFunction(.accept).only(in: try matched(translation), store)
            let sources = try sources(translation, of: router, by: outputs, among: .all)
            try add([Change(passed: passed, sources: sources)], to: &outcomes)
        }
    }

    /// The connections that a change is about, by whichever interface.
    func matched(_ translation: Translation) throws(SpaceExhausted) -> PacketFunction {
        var match = translation.changed
        match.outputInterfaces = .any
        match.states = match.states.intersection(.new)
        return try store.region(Box.boxes(of: match, on: .input))
    }

    /// The connections from what a router may put in place of a source, by whichever of some interfaces it leaves.
    func sources(
        _ translation: Translation,
        of router: SiteHosts.Host,
        by interfaces: [String],
        among leases: AddressSet
    ) throws(SpaceExhausted) -> PacketFunction {
        let outputs = interfaces.filter(translation.match.outputInterfaces.contains)
        let own = outputs.reduce(AddressSet.none) { $0.union(router.interfaceAddresses[$1] ?? leases) }
        return try from(translation.sources(own))
    }

    /// Adds what becomes of changed connections. A source that a router has changed may be let in where it would not be without,
    /// or the other way round: whether the connection passes that router is the routes' to say, so both may happen. And what
    /// one has changed another may change again: it ends, since outcomes are only ever added.
    func add(_ changes: [Change], to outcomes: inout PacketFunction) throws(SpaceExhausted) {
        guard let sources = try store.joined(changes.map(\.sources), .union) else { return }
        var before: PacketFunction
        repeat {
            before = outcomes
            let all = try outcomes.only(in: sources, store)
            // Most routers' sources fare alike: what these have changed is one.
            var groups: [(seen: PacketFunction, passed: [PacketFunction])] = []
            var places: [PacketFunction: Int] = [:]
            for change in changes {
                let seen = try store.forgetting([.source4, .source6], try all.only(in: change.sources, store))
                let place = places[seen] ?? groups.count
                if place == groups.count { groups.append((seen, [])) }
                places[seen] = place
                groups[place].passed.append(change.passed)
            }
            for (seen, passed) in groups {
                let together = try store.joined(passed, .either) ?? .none
                outcomes = try store.combine(outcomes, try store.combine(together, seen, .then), .either)
            }
        } while outcomes != before
    }

    /// What a router sends to an end though it was sent elsewhere.
    private struct Lead {
        let router: Int
        /// As they were sent; by whichever source where others change these, so that the router sees another.
        let region: PacketFunction
        /// As they come, and by which dimensions that differs.
        let image: PacketFunction
        let dimensions: Set<Dimension>
    }

    /// Those of all routers but the end itself.
    private func leads(to end: SiteEnd) throws(SpaceExhausted) -> [Lead] {
        let own = end.host.map { site.hosts[$0].addresses } ?? AddressSet.all.subtracting(site.addresses)
        var leads: [Lead] = []
        for router in site.hosts.indices where router != end.host {
            let isLead = site.hosts[router].intent.translations.compactMap(\.target).contains(where: own.contains)
            if !isLead { continue }
            let isHidden = masquerading.contains { $0 != router }
            for turn in try turns(router) where own.contains(turn.target) {
                let hidden: Set<Dimension> = isHidden ? [.source4, .source6] : []
                let region = try store.forgetting(hidden, turn.region)
                let (image, dimensions) = try self.image(of: turn, isForwarded: true)
                leads.append(Lead(router: router, region: region, image: image, dimensions: dimensions))
            }
        }
        return leads
    }

    /// What a function makes of connections as they were sent, as one of those that they become.
    private func coming(_ function: PacketFunction, by lead: Lead) throws(SpaceExhausted) -> PacketFunction {
        let sent = try store.forgetting(lead.dimensions, try function.only(in: lead.region, store))
        return try sent.only(in: lead.image, store)
    }
}

extension Translation {
    /// Where it sends packets; nil where it sends none elsewhere.
    var target: IPAddress? { if case .destination(let target, _) = kind { target } else { nil } }

    /// What sources become.
    ///
    /// - Parameter own: the addresses of the interface that packets leave by.
    func sources(_ own: AddressSet) -> AddressSet {
        if case .source(let address) = kind { AddressSet([address]) } else { own }
    }
}
