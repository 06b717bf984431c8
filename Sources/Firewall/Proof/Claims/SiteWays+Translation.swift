import Site

/// What becomes of connections whose addresses routers change.
extension SiteWays {
    /// A source that a router has changed may be let in where it would not be without, or the other way round: whether
    /// the connection passes that router is the routes' to say, so both may happen.
    func addChangedSources(by host: Int, to outcomes: inout PacketFunction) throws(SpaceExhausted) {
        let router = site.hosts[host]
        for translation in router.intent.translations where !translation.decidesDestination {
            for (passage, decided) in zip(router.detours, try detouring(host))
            where passage.outputs.contains(where: translation.match.outputInterfaces.contains) {
                var match = translation.changed
                match.outputInterfaces = .any
                match.states = match.states.intersection(.new)
                let changed = try store.combine(
                    try store.region(Box.boxes(of: match, on: .input)),
                    try store.region(passage.boxes),
                    .intersection
                )
                if changed == .none { continue }
                var becoming = PacketMatch()
                let own = passage.outputs.reduce(AddressSet.none) { $0.union(router.interfaceAddresses[$1] ?? .all) }
                becoming.sources = translation.sources(own)
                let these = try store.region(Box.boxes(of: becoming, on: .input))
                let seen = try store.forgetting([.source4, .source6], try outcomes.only(in: these, store))
                // What the router stops it does not change.
                let passed = try store.combine(decided, seen, .then)
                outcomes = try store.combine(outcomes, try passed.only(in: changed, store), .either)
            }
        }
    }

    /// Connections that a router sends elsewhere than they were sent to.
    struct Turn {
        let region: PacketFunction
        /// Whether it surely does: what is sent to an address that nobody is known to bear may be sent to the router's.
        let isCertain: Bool
        let target: IPAddress
        /// The protocol and the port, which are changed, too; nil when they are not.
        let traffic: TrafficSet?
    }

    /// What a router sends elsewhere, by whichever interface it may come in.
    func turns(_ host: Int) throws(SpaceExhausted) -> [Turn] {
        var turns: [Turn] = []
        for (name, addresses) in site.hosts[host].possibleReach {
            turns += try self.turns(host, by: name, from: addresses)
        }
        return turns
    }

    /// The same of what comes from these addresses by one interface: none is in two of which one is certain.
    private func turns(_ host: Int, by name: String, from addresses: AddressSet) throws(SpaceExhausted) -> [Turn] {
        let router = site.hosts[host]
        var turns: [Turn] = []
        var taken = PacketFunction.none
        for translation in router.intent.translations {
            guard translation.decidesDestination, translation.match.inputInterfaces.contains(name) else { continue }
            var match = translation.changed
            match.inputInterfaces = .any
            match.sources = match.sources.intersection(addresses).subtracting(router.addresses)
            match.states = match.states.intersection(.new)
            for (part, isCertain) in parts(match, of: router) {
                let region = try store.region(Box.boxes(of: part, on: .input))
                let left = try store.combine(region, taken, .difference)
                guard case .destination(let target, let port) = translation.kind else {
                    // If it comes to this router at all, it stays.
                    taken = try store.combine(taken, region, .union)
                    continue
                }
                if isCertain { taken = try store.combine(taken, region, .union) }
                turns += try self.turns(left, isCertain, to: target, port)
            }
        }
        return turns
    }

    /// What is changed, by whether it is known that it is: of an address of the router's own the site file knows some, and
    /// another it may have that no host of the site is known to bear.
    private func parts(_ match: PacketMatch, of router: SiteHosts.Host) -> [(match: PacketMatch, isCertain: Bool)] {
        guard match.oddities.contains(.toOwnAddress) else { return [(match, true)] }
        var (known, others) = (match, match)
        known.oddities.remove(.toOwnAddress)
        others.oddities.remove(.toOwnAddress)
        known.destinations = match.destinations.intersection(router.addresses)
        others.destinations = match.destinations.subtracting(site.addresses)
        return [(known, true), (others, false)]
    }

    /// Where a port is set, one turn for each protocol.
    private func turns(
        _ region: PacketFunction,
        _ isCertain: Bool,
        to target: IPAddress,
        _ port: UInt16?
    ) throws(SpaceExhausted) -> [Turn] {
        if region == .none { return [] }
        guard let port else { return [Turn(region: region, isCertain: isCertain, target: target, traffic: nil)] }
        var turns: [Turn] = []
        for number in ProtocolNumber.withPorts {
            var box = Box()
            box.restrict(.traffic, to: TrafficSet(number).kinds.widened)
            let part = try store.combine(region, try store.region(box), .intersection)
            if part == .none { continue }
            let traffic = TrafficSet(number, port: port)
            turns.append(Turn(region: part, isCertain: isCertain, target: target, traffic: traffic))
        }
        return turns
    }

    /// What comes to a router and is sent elsewhere is for its forwarding, and for the host that it goes to. What may come by
    /// several interfaces is let through when it is by one of them.
    ///
    /// - Parameter isPlaced: whether interfaces count alone that the site file has the sources behind.
    func passOn(from end: SiteEnd, _ outcomes: inout PacketFunction, isPlaced: Bool) throws(SpaceExhausted) {
        guard let host = end.host else { return }
        let router = site.hosts[host]
        guard router.intent.translations.contains(where: \.decidesDestination) else { return }
        var (answers, asked) = (PacketFunction.none, PacketFunction.none)
        for (name, possible) in router.possibleReach {
            let sources = isPlaced ? possible.intersection(router.sides.behind(name)) : possible
            if sources.isEmpty { continue }
            let decided = try forwarding(host, by: name)
            var its = outcomes
            // What is not certain is about no address that a host is known to bear, and about each that it has by DHCP.
            for turn in try turns(host, by: name, from: sources) where turn.isCertain || end.isLeased {
                let passed = try passed(turn, by: host, decided, isPlaced: isPlaced)
                its = try replaced(its, in: turn.region, by: passed)
            }
            let region = try from(sources)
            answers = try store.combine(answers, try its.only(in: region, store).answers(store), .either)
            asked = try store.combine(asked, region, .union)
        }
        outcomes = try replaced(outcomes, in: asked, by: try answers.best(store))
    }

    /// What becomes of what a router sends elsewhere.
    ///
    /// - Parameter decided: what the router makes of what it passes on.
    private func passed(
        _ turn: Turn,
        by host: Int,
        _ decided: PacketFunction,
        isPlaced: Bool
    ) throws(SpaceExhausted) -> PacketFunction {
        let target = site.hosts.firstIndex { $0.addresses.contains(turn.target) }
        var passed = PacketFunction(.accept)
        if target != host { passed = try turned(turn, decided, isForwarded: true) }
        guard let target else { return passed }
        let behind = site.hosts[target]
        let placed = isPlaced ? try behind.sides.region(.input, in: store) : .all
        let all = try behind.outcomes(.input, in: store)
        let input = try all.anywhere(.inputInterface, within: placed, in: store)
        return try store.combine(passed, try turned(turn, input, isForwarded: target == host), .then)
    }

    /// What a router that changes addresses makes of what comes by one of its interfaces.
    private func forwarding(_ host: Int, by name: String) throws(SpaceExhausted) -> PacketFunction {
        var (outcomes, region) = (PacketFunction.none, PacketFunction.none)
        for (passage, decided) in zip(site.hosts[host].detours, try detouring(host))
        where passage.inputs.contains(name) {
            outcomes = try store.combine(outcomes, decided, .either)
            region = try store.combine(region, try store.region(passage.boxes), .union)
        }
        return try store.combine(region, outcomes, .within)
    }

    private func replaced(
        _ outcomes: PacketFunction,
        in region: PacketFunction,
        by other: PacketFunction
    ) throws(SpaceExhausted) -> PacketFunction {
        let others = try store.combine(.all, region, .difference)
        return try store.combine(try other.only(in: region, store), try outcomes.only(in: others, store), .either)
    }

    /// What a function makes of connections that a router has sent elsewhere, as one of the connections as they were.
    ///
    /// - Parameter isForwarded: whether the host that it is about is the router, which knows that it has.
    private func turned(
        _ turn: Turn,
        _ function: PacketFunction,
        isForwarded: Bool
    ) throws(SpaceExhausted) -> PacketFunction {
        var match = PacketMatch()
        match.destinations = AddressSet([turn.target])
        if let traffic = turn.traffic { match.traffic = traffic }
        var dimensions: Set<Dimension> = [.redirected, .destination4, .destination6]
        if turn.traffic != nil { dimensions.insert(.traffic) }
        var image = Box.boxes(of: match, on: .input)
        for index in image.indices { image[index].restrict(.redirected, to: isForwarded ? 1 : 0) }
        return try store.forgetting(dimensions, try function.only(in: try store.region(image), store))
    }
}

extension Translation {
    /// What sources become.
    ///
    /// - Parameter own: the addresses of the interface that packets leave by.
    func sources(_ own: AddressSet) -> AddressSet {
        if case .source(let address) = kind { AddressSet([address]) } else { own }
    }
}
