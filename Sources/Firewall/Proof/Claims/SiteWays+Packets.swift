import Site

/// Single packets on their ways, for people.
extension SiteWays {
    /// The router that decides about a connection on its way, and what it sees: the first that does not let it through,
    /// else the last.
    func passing(_ packet: Packet) throws(SpaceExhausted) -> (host: Int, packet: Packet)? {
        var last: (host: Int, packet: Packet)?
        for (index, host) in site.hosts.enumerated() {
            for passage in host.passages where passage.boxes.contains(where: { $0.contains(Coordinates(packet)) }) {
                var seen = packet
                seen.route = .forward(by: passage.input, to: passage.output)
                last = (index, seen)
                let outcomes = try host.outcomes(.forward, in: store)
                if store.value(outcomes, at: Coordinates(seen)) != Outcomes.accept.rawValue { return last }
            }
        }
        return last
    }

    /// The packet as a router sends it elsewhere; nil when it does not.
    func passedOn(_ packet: Packet, by host: Int) -> Packet? {
        let router = site.hosts[host]
        func interface(_ address: IPAddress) -> String {
            router.reach.first { $0.addresses.contains(address) }?.name ?? HostIntent.unnamedInterface
        }
        var seen = packet
        seen.route = .input(by: interface(packet.source))
        for translation in router.intent.translations {
            guard case .destination(let target, let port) = translation.kind, translation.changed.contains(seen) else {
                continue
            }
            seen.destination = target
            seen.detail = port ?? packet.detail
            seen.route = .forward(by: interface(packet.source), to: interface(target))
            return seen
        }
        return nil
    }
}
