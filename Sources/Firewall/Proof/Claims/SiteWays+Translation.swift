import Site

/// What becomes of connections whose destinations routers change.
extension SiteWays {
    /// Connections that a router sends elsewhere than they were sent to.
    struct Turn: Sendable {
        var region: PacketFunction
        /// Whether it surely does: what is sent to an address that nobody is known to bear may be sent to the router's.
        let isCertain: Bool
        let target: IPAddress
        /// The protocol and the port, which are changed, too; nil when they are not.
        let traffic: TrafficSet?
    }

    /// What a router sends elsewhere, by whichever interface it may come in.
    func turns(_ host: Int) throws(SpaceExhausted) -> [Turn] {
        guard site.hosts[host].intent.translations.contains(where: \.decidesDestination) else { return [] }
        return try once(\.turning[host]) { () throws(SpaceExhausted) in
            var turns: [Turn] = []
            for (name, addresses) in site.hosts[host].possibleReach {
                turns += try self.turns(host, by: name, from: addresses)
            }
            return turns
        }
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
    /// - Parameters:
    ///   - isPlaced: whether interfaces count alone that the site file has the sources behind.
    ///   - senders: as `arriving` has them.
    func passOn(
        from end: SiteEnd,
        _ outcomes: inout PacketFunction,
        isPlaced: Bool,
        after senders: [Int]
    ) throws(SpaceExhausted) {
        guard let host = end.host else { return }
        let router = site.hosts[host]
        guard router.intent.translations.contains(where: \.decidesDestination) else { return }
        var (answers, asked) = (PacketFunction.none, PacketFunction.none)
        var known: [IPAddress: PacketFunction] = [:]
        for (name, possible) in router.possibleReach {
            let sources = isPlaced ? possible.intersection(router.sides.behind(name)) : possible
            if sources.isEmpty { continue }
            let decided = try forwarding(host, by: name)
            var its = outcomes
            // What is not certain is about no address that a host is known to bear, and about each that it has by DHCP.
            for turn in try turns(host, by: name, from: sources) where turn.isCertain || end.isLeased {
                let there: PacketFunction
                if let found = known[turn.target] {
                    there = found
                } else {
                    there = try beyond(turn.target, after: senders + [host], isPlaced: isPlaced)
                    known[turn.target] = there
                }
                let passed = try passed(turn, by: host, decided, there)
                its = try replaced(its, in: turn.region, by: passed)
            }
            let region = try from(sources)
            answers = try store.combine(answers, try its.only(in: region, store).answers(store), .either)
            asked = try store.combine(asked, region, .union)
        }
        outcomes = try replaced(outcomes, in: asked, by: try answers.best(store))
    }

    /// What becomes of what a router sends elsewhere: what it sends to itself is for its own rules.
    ///
    /// - Parameters:
    ///   - decided: what the router makes of what it passes on.
    ///   - beyond: what becomes of it there.
    private func passed(
        _ turn: Turn,
        by host: Int,
        _ decided: PacketFunction,
        _ beyond: PacketFunction
    ) throws(SpaceExhausted) -> PacketFunction {
        if site.hosts[host].addresses.contains(turn.target) { return try turned(turn, beyond, isForwarded: true) }
        let passed = try turned(turn, decided, isForwarded: true)
        return try store.combine(passed, try turned(turn, beyond, isForwarded: false), .then)
    }

    /// What becomes of connections that routers have sent to an address, behind the last of these.
    private func beyond(
        _ address: IPAddress,
        after senders: [Int],
        isPlaced: Bool
    ) throws(SpaceExhausted) -> PacketFunction {
        guard let last = senders.last else { return PacketFunction(.accept) }
        let bearers = site.hosts.indices.filter { site.hosts[$0].addresses.contains(address) }
        if let sender = bearers.first(where: { senders.contains($0) }) {
            // Nobody follows them around in a ring.
            return sender == last ? try input(last, isPlaced: isPlaced) : PacketFunction([.accept, .drop])
        }
        let near = senders.filter { site.hosts[$0].attached.contains(address) }
        let isFar = isPlaced && !near.contains(last)
        var outcomes: PacketFunction
        if let target = site.targets.firstIndex(of: address), !isFar || near.isEmpty {
            outcomes = try sent(target)[isFar ? 2 : isPlaced ? 1 : 0]
        } else {
            outcomes = try arriving(at: address, after: senders, isPlaced: isPlaced)
            if isFar { outcomes = try routed(outcomes, to: address, after: senders) }
        }
        try addChangedSources(behind: last, to: address, &outcomes)
        return outcomes
    }

    /// What becomes of connections that a router sends to a target: by whichever interfaces, by those that the site file has
    /// the sources behind, and, where the router is in no network of the target, behind the routers there.
    func sent(_ target: Int) throws(SpaceExhausted) -> [PacketFunction] {
        try once(\.sent[target]) { () throws(SpaceExhausted) in
            let address = site.targets[target]
            // Several targets may be behind one router.
            for router in site.routers where site.hosts[router].attached.contains(address) {
                _ = try forwarding(router)
            }
            let scratch = beside()
            let there = try scratch.to(AddressSet([address]))
            var parts: [PacketFunction] = []
            for isPlaced in [false, true] {
                let outcomes = try scratch.arriving(at: address, after: [], isPlaced: isPlaced)
                parts.append(try scratch.store.combine(there, outcomes, .within))
            }
            parts.append(try scratch.routed(parts[1], to: address, after: []))
            return try store.copy(parts, from: scratch.store.nodes)
        }
    }

    /// What those who bear an address make of connections to it: which of them gets these nobody knows.
    private func arriving(
        at address: IPAddress,
        after senders: [Int],
        isPlaced: Bool
    ) throws(SpaceExhausted) -> PacketFunction {
        var answers: [PacketFunction] = []
        for host in site.hosts.indices where site.hosts[host].addresses.contains(address) {
            let input = try input(host, isPlaced: isPlaced)
            answers.append(try arriving(.known(host), input, isPlaced: isPlaced, after: senders))
        }
        return try store.joined(answers, .either) ?? PacketFunction(.accept)
    }

    /// What a host makes of what stays there.
    private func input(_ index: Int, isPlaced: Bool) throws(SpaceExhausted) -> PacketFunction {
        let host = site.hosts[index]
        let placed = isPlaced ? try host.sides.region(.input, in: store) : .all
        return try host.outcomes(.input, in: store).anywhere(.inputInterface, within: placed, in: store)
    }

    /// What becomes of connections to an address behind the routers of its networks. That one stops them counts for what is to be
    /// let through alone.
    ///
    /// - Parameter input: what becomes of them there.
    private func routed(
        _ input: PacketFunction,
        to address: IPAddress,
        after senders: [Int]
    ) throws(SpaceExhausted) -> PacketFunction {
        let there = try to(AddressSet([address]))
        var outcomes = input
        for router in site.routers
        where !senders.contains(router) && site.hosts[router].attached.contains(address) {
            let passed = try store.combine(there, try forwarding(router).outcomes, .within)
            outcomes = try store.combine(passed, outcomes, .then)
        }
        return try changingSources(outcomes, to: there)
    }

    /// What a router that changes addresses makes of what comes by one of its interfaces and is sent elsewhere.
    private func forwarding(_ host: Int, by name: String) throws(SpaceExhausted) -> PacketFunction {
        let sent = try redirected(by: site.hosts[host])
        let detours = try detouring(host)
        var (outcomes, region) = (PacketFunction.none, PacketFunction.none)
        for way in detours.ways where way.inputs.contains(name) {
            let connections = try store.combine(sent, way.connections, .intersection)
            outcomes = try store.combine(outcomes, try decided(connections, by: way, detours), .either)
            region = try store.combine(region, connections, .union)
        }
        return try store.combine(region, outcomes, .within)
    }

    /// What a router has sent elsewhere, as it passes it on.
    func redirected(by router: SiteHosts.Host) throws(SpaceExhausted) -> PacketFunction {
        var match = PacketMatch()
        match.destinations = AddressSet(router.intent.translations.compactMap(\.target))
        var boxes = Box.boxes(of: match, on: .input)
        for index in boxes.indices { boxes[index].restrict(.redirected, to: 1) }
        return try store.region(boxes)
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
        let (image, dimensions) = try self.image(of: turn, isForwarded: isForwarded)
        return try store.forgetting(dimensions, try function.only(in: image, store))
    }

    /// What the connections of a turn are sent as, and by which dimensions that differs from what they were.
    func image(
        of turn: Turn,
        isForwarded: Bool
    ) throws(SpaceExhausted) -> (region: PacketFunction, dimensions: Set<Dimension>) {
        var match = PacketMatch()
        match.destinations = AddressSet([turn.target])
        if let traffic = turn.traffic { match.traffic = traffic }
        var dimensions: Set<Dimension> = [.redirected, .destination4, .destination6]
        if turn.traffic != nil { dimensions.insert(.traffic) }
        var image = Box.boxes(of: match, on: .input)
        for index in image.indices { image[index].restrict(.redirected, to: isForwarded ? 1 : 0) }
        return (try store.region(image), dimensions)
    }
}
