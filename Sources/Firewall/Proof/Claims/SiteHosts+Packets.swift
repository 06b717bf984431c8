import Site

/// Single packets on their ways, for people.
extension SiteHosts {
    /// Who decides about a packet.
    enum Place: Sendable {
        case source, between
        /// A host of the site; for nil whoever is the last of the site on the way.
        case end(Int?)
    }

    /// The host that decides about a connection, and the packet as it sees it; nil when none of the site does.
    ///
    /// - Parameter isPlaced: whether interfaces count alone that the site file has the host's peer behind.
    func decision(_ packet: Packet, at place: Place, isPlaced: Bool) -> (host: Int, packet: Packet)? {
        switch place {
        case .end(.some(let host)):
            // Where the host passes it on to another instead, as it does so.
            if let passed = passedOn(packet, by: host) { return (host, passed) }
            return (host, seen(packet, by: host, .input, isPlaced))
        case .source, .end(nil):
            guard let source = hosts.firstIndex(where: { $0.addresses.contains(packet.source) }) else {
                return wherever(packet) { $0.contains(.accept) }
            }
            return (source, seen(packet, by: source, .output, isPlaced))
        case .between: return passing(packet) ?? wherever(packet) { $0 != .accept }
        }
    }

    /// The packet by an interface of the host that accepts it, if there is one: by that which its peer is reached by
    /// before any other.
    private func seen(_ packet: Packet, by host: Int, _ path: PacketPath, _ isPlaced: Bool) -> Packet {
        let peer = path == .input ? packet.source : packet.destination
        let near = hosts[host].reach.filter { $0.addresses.contains(peer) }.map(\.name)
        let all = near + hosts[host].intent.interfaces.map(\.name) + ["eth0"]
        let side = isPlaced ? hosts[host].sides.all.first { $0.addresses.contains(peer) } : nil
        let choices = all.filter { side?.interfaces.contains($0) ?? true }.map { name in
            var choice = packet
            choice.route = PacketRoute(path, by: name, to: name)
            return choice
        }
        return choices.first { hosts[host].outcomes(of: $0).contains(.accept) } ?? choices[0]
    }

    /// The router that decides about a connection on its way, and what it sees: the first that does not let it through,
    /// else the last.
    private func passing(_ packet: Packet) -> (host: Int, packet: Packet)? {
        var last: (host: Int, packet: Packet)?
        for (index, host) in hosts.enumerated() {
            for passage in host.passages where passage.boxes.contains(where: { $0.contains(Coordinates(packet)) }) {
                var seen = packet
                seen.route = .forward(by: passage.input, to: passage.output)
                last = (index, seen)
                if host.outcomes(of: seen) != .accept { return last }
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
                let names = host.intent.interfaces.map(\.name).filter { side?.interfaces.contains($0) ?? true }
                return names.isEmpty ? [HostIntent.unnamedInterface] : names
            }
            for input in names(packet.source) {
                for output in names(packet.destination) {
                    var seen = packet
                    seen.route = .forward(by: input, to: output)
                    let outcomes = host.outcomes(of: seen)
                    if isAsked(outcomes) { return (index, seen) }
                    last = (index, seen)
                }
            }
        }
        return last
    }

    /// The packet as a router sends it elsewhere; nil when it does not.
    private func passedOn(_ packet: Packet, by host: Int) -> Packet? {
        let router = hosts[host]
        func interface(_ address: IPAddress) -> String {
            router.reach.first { $0.addresses.contains(address) }?.name ?? HostIntent.unnamedInterface
        }
        var seen = packet
        seen.route = .input(by: interface(packet.source))
        guard let translation = router.intent.redirection(of: seen),
            case .destination(let target, let port) = translation.kind
        else { return nil }
        seen.destination = target
        seen.detail = port ?? packet.detail
        seen.oddities.insert(.redirected)
        let isOwn = router.addresses.contains(target)
        seen.route = PacketRoute(isOwn ? .input : .forward, by: interface(packet.source), to: interface(target))
        return seen
    }
}

extension SiteHosts.Host {
    /// What becomes of one packet: by what the kernel holds, else by what is meant.
    fileprivate func outcomes(of packet: Packet) -> Outcomes {
        if let held { return HeldEvaluator(held).outcomes(packet) }
        return intent.rule(for: packet)?.verdict == .accept ? .accept : .drop
    }
}
