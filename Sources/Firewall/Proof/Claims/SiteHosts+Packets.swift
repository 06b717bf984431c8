import Site

/// Single packets on their ways, for people.
extension SiteHosts {
    /// Who decides about a packet.
    enum Place: Sendable {
        /// Whose address the source is; a host by DHCP where one is given.
        case source(byDHCP: Int? = nil)
        case between
        /// Whom connections pass that a line of `forward` sends on, by its id, and the end that it sends them to.
        case sentOn(by: String, to: SiteEnd)
        /// A host of the site; for `elsewhere` whoever is the last of the site on the way.
        case end(SiteEnd)
    }

    /// The host that decides about a connection, and the packet as it sees it; nil when none of the site does.
    ///
    /// - Parameter isPlaced: whether interfaces count alone that the site file has the host's peer behind.
    func decision(_ packet: Packet, at place: Place, isPlaced: Bool) -> (host: Int, packet: Packet)? {
        switch place {
        case .end(.known(let host)), .end(.leased(let host)):
            // Where the host passes it on to another instead, as it does so.
            let isLeased = if case .end(.leased(_)) = place { true } else { false }
            if let passed = passedOn(packet, by: host, isPlaced, isLeased: isLeased) {
                // What is meant to be let through may be stopped behind it.
                let isAccepted = hosts[host].outcomes(of: passed) == .accept
                if isPlaced, isAccepted, let stop = stop(of: passed, behind: host) { return stop }
                return (host, passed)
            }
            return (host, seen(packet, by: host, .input, isPlaced, isLeased: isLeased))
        case .source(byDHCP: .some(let source)):
            return (source, seen(packet, by: source, .output, isPlaced, isLeased: true))
        case .source(byDHCP: .none), .end(.elsewhere):
            guard let source = hosts.firstIndex(where: { $0.addresses.contains(packet.source) }) else {
                return wherever(packet) { $0.contains(.accept) }
            }
            return (source, seen(packet, by: source, .output, isPlaced, isLeased: false))
        case .sentOn(let line, let end):
            return sentOn(packet, by: line, to: end) ?? decision(packet, at: .end(end), isPlaced: isPlaced)
        case .between: return passing(packet) ?? wherever(packet) { $0 != .accept }
        }
    }

    /// The packet by an interface of the host that accepts it, if there is one: by that which its peer is reached by
    /// before any other, and by one that the site file does not name after all that it does.
    ///
    /// - Parameter isLeased: whether the host's end is an address by DHCP, so that its interfaces come first, or alone.
    func seen(
        _ packet: Packet,
        by host: Int,
        _ path: PacketPath,
        _ isPlaced: Bool,
        isLeased: Bool
    ) -> Packet {
        let peer = path == .input ? packet.source : packet.destination
        let near = hosts[host].reach.filter { $0.addresses.contains(peer) }.map(\.name)
        let leasing = isLeased ? hosts[host].leasing : .none
        let interfaces = hosts[host].intent.interfaces.map(\.name)
        let named = near + interfaces
        let others = interfaces.isEmpty ? ["eth0"] : [HostIntent.unnamedInterface]
        let all = named.filter(leasing.contains) + named + others
        let side = isPlaced ? hosts[host].sides.all.first { $0.addresses.contains(peer) } : nil
        let placed = all.filter { side?.interfaces.contains($0) ?? true }
        let own = isPlaced ? placed.filter(leasing.contains) : []
        let choices = (own.isEmpty ? placed : own).map { name in
            var choice = packet
            choice.route = PacketRoute(path, by: name, to: name)
            return choice
        }
        return choices.first { hosts[host].outcomes(of: $0).contains(.accept) } ?? choices.first ?? packet
    }

    /// The router that decides about a connection on its way, and what it sees: the first that does not let it through,
    /// else the last.
    private func passing(_ packet: Packet) -> (host: Int, packet: Packet)? {
        var last: (host: Int, packet: Packet)?
        for (index, host) in hosts.enumerated() {
            for passage in host.passages where passage.boxes.contains(where: { $0.contains(Coordinates(packet)) }) {
                for (input, output) in passage.inputs.flatMap({ input in passage.outputs.map { (input, $0) } }) {
                    var seen = packet
                    seen.route = .forward(by: input, to: output)
                    last = (index, seen)
                    if host.outcomes(of: seen) != .accept { return last }
                }
            }
        }
        return last
    }

    /// A router that may be on the way of a connection between what is no host of the site, and what it sees: one that does
    /// as is asked by one of its interfaces, else the last.
    private func wherever(_ packet: Packet, _ isAsked: (Outcomes) -> Bool) -> (host: Int, packet: Packet)? {
        var last: (host: Int, packet: Packet)?
        let all = hosts.indices.filter { hosts[$0].isRouter }
        let near = all.filter { index in
            [packet.source, packet.destination].contains { hosts[index].attached.contains($0) }
        }
        for index in near.isEmpty ? all : near {
            let host = hosts[index]
            func names(_ peer: IPAddress) -> [String] {
                let side = host.sides.all.first { $0.addresses.contains(peer) }
                let all = host.intent.interfaces.map(\.name) + [HostIntent.unnamedInterface]
                let names = all.filter { side?.interfaces.contains($0) ?? true }
                return names.isEmpty ? [HostIntent.unnamedInterface] : names
            }
            let outputs = names(packet.destination)
            let routes = names(packet.source).flatMap { input in
                (outputs.filter { $0 != input } + outputs.filter { $0 == input }).map { [input, $0] }
            }
            let isUnnamed = { (route: [String]) in route.contains(HostIntent.unnamedInterface) }
            for route in routes.filter({ !isUnnamed($0) }) + routes.filter(isUnnamed) {
                var seen = packet
                seen.route = .forward(by: route[0], to: route[1])
                let outcomes = host.outcomes(of: seen)
                if isAsked(outcomes) { return (index, seen) }
                last = (index, seen)
            }
        }
        return last
    }

    /// A router that a connection may pass and that may give it another source, with the line that says so: the first of several.
    ///
    /// - Returns: as `source` which one, where the destination is in a network of the router and the site file says it.
    func sourceChange(of packet: Packet) -> (router: String, translation: Translation, source: IPAddress?)? {
        for host in hosts {
            for translation in host.intent.translations where !translation.decidesDestination {
                var match = translation.changed
                match.outputInterfaces = .any
                guard match.contains(packet) else { continue }
                let isOnTheWay = host.detours.contains { passage in
                    passage.concerns(translation) && passage.boxes.contains { $0.contains(Coordinates(packet)) }
                }
                if isOnTheWay { return (host.intent.host, translation, host.source(translation, of: packet)) }
            }
        }
        return nil
    }

    /// The packet as a router sends it elsewhere, by an interface by which it lets it through, if there is one; nil when there
    /// is one by which it stays.
    private func passedOn(_ packet: Packet, by host: Int, _ isPlaced: Bool, isLeased: Bool) -> Packet? {
        let router = hosts[host]
        let known = router.reach.filter { $0.addresses.contains(packet.source) }.map(\.name)
        let possible = router.possibleReach.filter { name, addresses in
            addresses.contains(packet.source) && !known.contains(name)
                && (!isPlaced || router.sides.behind(name).contains(packet.source))
        }
        let names = known + possible.map(\.name)
        let choices = (names.isEmpty ? [HostIntent.unnamedInterface] : names).map { name in
            passedOn(packet, by: host, from: name, isLeased: isLeased)
        }
        let passed = choices.compactMap(\.self)
        return passed.first { router.outcomes(of: $0).contains(.accept) } ?? (choices.first ?? nil)
    }

    private func passedOn(_ packet: Packet, by host: Int, from input: String, isLeased: Bool) -> Packet? {
        let router = hosts[host]
        var seen = packet
        seen.route = .input(by: input)
        if isLeased { seen.oddities.insert(.toOwnAddress) }
        guard let translation = router.intent.redirection(of: seen),
            case .destination(let target, let port) = translation.kind
        else { return nil }
        seen.destination = target
        seen.detail = port ?? packet.detail
        seen.oddities.remove(.toOwnAddress)
        seen.oddities.insert(.redirected)
        let outputs = (router.reach + router.possibleReach).filter { $0.addresses.contains(target) }.map(\.name)
        let output = outputs.first { $0 != input } ?? outputs.first ?? HostIntent.unnamedInterface
        let isOwn = router.addresses.contains(target)
        seen.route = PacketRoute(isOwn ? .input : .forward, by: input, to: output)
        return seen
    }
}

extension SiteHosts.Host {
    /// The only source that a change may give a packet to a network of the router's; nil where there is none.
    fileprivate func source(_ translation: Translation, of packet: Packet) -> IPAddress? {
        guard attached.contains(packet.destination) else { return nil }
        let outputs = reach.filter { $0.addresses.contains(packet.destination) }.map(\.name)
            .filter(translation.match.outputInterfaces.contains)
        let own = outputs.reduce(AddressSet.none) { $0.union(interfaceAddresses[$1] ?? .none) }
        let family: AddressFamily = packet.destination.width == 32 ? .v4 : .v6
        let sources = translation.sources(own).intersection(.all(of: family))
        return sources.first.flatMap { sources == AddressSet([$0]) ? $0 : nil }
    }

    /// What becomes of one packet: by what the kernel holds, else by what is meant.
    func outcomes(of packet: Packet) -> Outcomes {
        if let held { return HeldEvaluator(held).outcomes(packet) }
        return intent.rule(for: packet)?.verdict == .accept ? .accept : .drop
    }
}
