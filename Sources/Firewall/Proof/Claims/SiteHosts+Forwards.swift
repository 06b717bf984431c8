import Site

/// Where lines of `forward` send connections on to, and whom these pass from there.
extension SiteHosts {
    /// A router that sends connections on.
    struct Sender: Sendable {
        let router: Int
        let target: IPAddress
    }

    /// A router between one that sends connections on and the host that they go to, with the interfaces that may lead to both.
    struct Hop: Sendable {
        let router: Int
        let inputs: [String]
        let outputs: [String]
    }

    /// The routers that carry out a line, for what it sends to an end.
    func senders(by line: String, to end: SiteEnd) -> [Sender] {
        let own = end.host.map { hosts[$0].addresses } ?? AddressSet.all.subtracting(addresses)
        return hosts.indices.flatMap { router -> [Sender] in
            let translations = hosts[router].intent.translations.filter { $0.id == line }
            return Set(translations.compactMap(\.target)).sorted().filter { own.contains($0) }.map { target in
                Sender(router: router, target: target)
            }
        }
    }

    /// The routers that lead from one to an address; none where it is attached to the address itself, or where no router of
    /// the site is known to lead there.
    func hops(from sender: Int, to target: IPAddress) -> [Hop] {
        let ways = hosts[sender].routed.filter { $0.addresses.contains(target) }.flatMap(\.names)
        let near = ways.reduce(AddressSet.none) { $0.union(hosts[sender].interfaceAddresses[$1] ?? .none) }
        return routers.compactMap { router -> Hop? in
            let host = hosts[router]
            if router == sender || host.addresses.contains(target) { return nil }
            let inputs = host.reach.filter { $0.addresses.intersects(near) }.map(\.name)
            let outputs = host.reach.filter { $0.addresses.contains(target) }.map(\.name)
                .filter { !inputs.contains($0) }
            if inputs.isEmpty || outputs.isEmpty { return nil }
            return Hop(router: router, inputs: inputs, outputs: outputs)
        }
    }

    /// Who stops a connection that a line sends on to an end, behind the router that does, and what he sees; nil where nobody
    /// does.
    func sentOn(_ packet: Packet, by line: String, to end: SiteEnd) -> (host: Int, packet: Packet)? {
        for sender in senders(by: line, to: end) where sender.target == packet.destination {
            if let stop = stop(of: packet, behind: sender.router) { return stop }
        }
        return nil
    }

    /// The same behind one router, which alone knows that it has sent it.
    func stop(of packet: Packet, behind sender: Int) -> (host: Int, packet: Packet)? {
        var sent = packet
        sent.oddities.remove(.redirected)
        for hop in hops(from: sender, to: packet.destination) {
            for (input, output) in hop.inputs.flatMap({ input in hop.outputs.map { (input, $0) } }) {
                sent.route = .forward(by: input, to: output)
                if hosts[hop.router].outcomes(of: sent) != .accept { return (hop.router, sent) }
            }
        }
        guard let end = hosts.firstIndex(where: { $0.addresses.contains(packet.destination) }), end != sender else {
            return nil
        }
        let last = seen(sent, by: end, .input, true, isLeased: false)
        let isDecided = hosts[end].intent.redirection(of: last) == nil
        return isDecided && hosts[end].outcomes(of: last) != .accept ? (end, last) : nil
    }
}
