package import Site

/// Follows a new connection over the hosts of a site that are on its way, by what each is meant to do, with its addresses as
/// routers change them: `Journey` from one end to the other.
///
/// A site file knows the networks that its hosts are attached to and no routes. So a router is on the way when one end
/// lies in a network of it and the other is reached by another interface; where routers are attached to both, they alone are.
package struct Rehearsal {
    private let intent: Intent
    private let hosts: [String: SiteHost]
    private let bearers: [IPAddress: String]
    private let routers: [SiteHost]

    /// - Parameter site: the one that the intent is of.
    package init(_ site: SiteModel, _ intent: Intent) {
        self.intent = intent
        hosts = site.hosts
        let pairs = site.hosts.values.flatMap { host in host.allAddresses.map { ($0.address, host.name) } }
        bearers = Dictionary(pairs, uniquingKeysWith: { first, _ in first })
        routers = site.hosts.values.filter(\.isRouter).sorted { $0.name < $1.name }
    }

    /// One host's word about a connection.
    package struct Decision: Sendable {
        package let host: String
        package let path: PacketPath
        /// nil: no rule is about it, which means that it is dropped.
        package let rule: IntentRule?

        /// The masquerade that gives the connection a source which the site file does not know, so that nobody can tell what
        /// this host decides; nil where it is known.
        package let hiding: Translation?

        /// nil where it is not known.
        package var verdict: RuleVerdict? { hiding == nil ? rule?.verdict ?? .drop : nil }
    }

    /// What the hosts on the way say, up to the first that does not let it through. Empty when no host of the site is
    /// on the way.
    package func decisions(_ connection: Connection) -> [Decision] {
        let source = bearers[connection.source]
        let destination = bearers[connection.destination]
        var decisions: [Decision] = []
        var (current, hiding): (Connection, Translation?) = (connection, nil)
        var passed: (packet: Packet, router: SiteHost)?
        /// Whether the connection goes on.
        func ask(_ name: String, _ path: PacketPath, _ oddities: PacketOddities = []) -> Bool {
            var packet = packet(name, path, current)
            packet.oddities = oddities
            if path == .input, let passed, let host = hosts[name] {
                packet = Journey.arriving(passed.packet, from: current.source, at: host, by: passed.router)
            }
            let rule = hiding == nil ? intent.host(name)?.rule(for: packet) : nil
            decisions.append(Decision(host: name, path: path, rule: rule, hiding: hiding))
            guard rule?.verdict == .accept, let host = hosts[name] else { return false }
            if path == .forward { passed = (packet, host) }
            guard let translation = intent.host(name)?.sourceChange(of: packet) else { return true }
            if let changed = Journey.SourceChange(translation, of: packet, at: host).source {
                let number = current.protocolNumber
                current = Connection(from: changed, to: current.destination, number, detail: current.detail)
            } else {
                hiding = translation
            }
            return true
        }
        if let source, !ask(source, .output) || source == destination { return decisions }
        if let destination, let changed = forwarded(current, by: destination) {
            current = changed
            let target = bearers[changed.destination]
            // One that stays here knows that it was sent here by itself; the host behind knows nothing of it.
            let isOwn = target == destination
            let isPassed = ask(destination, isOwn ? .input : .forward, .redirected)
            if isPassed, !isOwn, let target { _ = ask(target, .input) }
            return decisions
        }
        for router in candidates(connection) where router.name != source && router.name != destination {
            guard isOnTheWay(router, current) else { continue }
            guard ask(router.name, .forward) else { return decisions }
        }
        if let destination { _ = ask(destination, .input) }
        return decisions
    }

    // MARK: - Groups

    /// What the hosts on each way of a connection say: one way to an address, and one to each host of the site that gets what
    /// is sent to a group, or to all of a link.
    func ways(_ connection: Connection) -> [[Decision]] {
        let destination = connection.destination
        let single = IPNetwork(containing: destination, prefixLength: destination.width)
        let group = intent.members.groups(among: [single])
        if group.isEmpty { return [decisions(connection)] }
        let source = bearers[connection.source]
        let members = intent.hosts.indices.filter { index in
            intent.hosts[index].host != source
                && !intent.members.reached(group, at: index, from: AddressSet([connection.source])).isEmpty
        }.map { intent.hosts[$0].host }
        return members.isEmpty ? [decisions(connection, at: nil)] : members.map { decisions(connection, at: $0) }
    }

    /// What the source says, and a host that gets it: no router passes it on.
    private func decisions(_ connection: Connection, at member: String?) -> [Decision] {
        var decisions: [Decision] = []
        func ask(_ name: String, _ packet: Packet) {
            let rule = intent.host(name)?.rule(for: packet)
            decisions.append(Decision(host: name, path: packet.path, rule: rule, hiding: nil))
        }
        if let source = bearers[connection.source] {
            // By the interface to the link that both are attached to.
            let near = member.flatMap { hosts[$0] }?.allAddresses.map(\.address)
                .first { hosts[source]?.isAttached(to: $0) == true }
            let interface = near.flatMap { hosts[source]?.interface(toward: $0) }?.name
            var packet = packet(source, .output, connection)
            if let interface { packet.route = .output(by: interface) }
            ask(source, packet)
        }
        guard let member, decisions.allSatisfy({ $0.verdict == .accept }) else { return decisions }
        ask(member, packet(member, .input, connection))
        return decisions
    }

    private func packet(_ name: String, _ path: PacketPath, _ connection: Connection) -> Packet {
        let isLocal = bearers[connection.source] == name && bearers[connection.destination] == name
        let known = hosts[name]?.sides(of: connection)
        func named(_ interface: HostInterface?) -> String {
            isLocal ? "lo" : interface?.name ?? HostIntent.unnamedInterface
        }
        var packet = Packet(
            PacketRoute(path, by: named(known?.input), to: named(known?.output)),
            from: connection.source,
            to: connection.destination,
            connection.protocolNumber,
            detail: connection.detail
        )
        // Clients have ports above those of servers.
        if connection.protocolNumber.hasPorts { packet.sourcePort = 50_000 }
        return packet
    }

    /// The connection as it goes on when it comes to a forwarded port of a router.
    private func forwarded(_ connection: Connection, by router: String) -> Connection? {
        let arriving = packet(router, .input, connection)
        var packets = [arriving]
        if arriving.inputInterface == HostIntent.unnamedInterface {
            // Nobody knows by which interface it comes: by one of them it may be forwarded.
            packets += (hosts[router]?.interfaces ?? []).map { interface in
                var packet = arriving
                packet.route = .input(by: interface.name)
                return packet
            }
        }
        guard let translation = packets.compactMap({ intent.host(router)?.redirection(of: $0) }).first,
            case .destination(let address, let port) = translation.kind
        else { return nil }
        let detail = port ?? connection.detail
        return Connection(from: connection.source, to: address, connection.protocolNumber, detail: detail)
    }

    /// The routers that a connection may pass, those at its source first: only those attached to both ends where there are
    /// such. One of them may be an end itself, to which no other leads.
    private func candidates(_ connection: Connection) -> [SiteHost] {
        let near = routers.filter { $0.isAttached(to: connection.source) }
        let direct = near.filter { $0.isAttached(to: connection.destination) && isOnTheWay($0, connection) }
        return direct.isEmpty ? near + routers.filter { !$0.isAttached(to: connection.source) } : direct
    }

    private func isOnTheWay(_ router: SiteHost, _ connection: Connection) -> Bool {
        guard router.isAttached(to: connection.source) || router.isAttached(to: connection.destination),
            case let (input?, output?) = router.sides(of: connection)
        else { return false }
        return input.name != output.name
    }
}

extension SiteHost {
    fileprivate func isAttached(to peer: IPAddress) -> Bool {
        allAddresses.contains { $0.network.contains(peer) }
    }

    /// The interfaces by which the ends of a connection are reached, where that is known: of a router with two interfaces what
    /// is not behind the one is behind the other.
    fileprivate func sides(of connection: Connection) -> (input: HostInterface?, output: HostInterface?) {
        let input = interface(toward: connection.source)
        let output = interface(toward: connection.destination)
        let isEnd = allAddresses.contains { [connection.source, connection.destination].contains($0.address) }
        guard isRouter, interfaces.count == 2, !isEnd else { return (input, output) }
        func opposite(_ interface: HostInterface?) -> HostInterface? {
            interface.flatMap { one in interfaces.first { $0.name != one.name } }
        }
        return (input ?? opposite(output), output ?? opposite(input))
    }

    /// The interface by which a peer is reached: that of its network, else `fallback`.
    fileprivate func interface(toward peer: IPAddress) -> HostInterface? {
        var nearest: (interface: HostInterface, length: Int)?
        for interface in interfaces {
            for address in interface.addresses where address.network.contains(peer) {
                if nearest.map({ $0.length < address.prefixLength }) ?? true {
                    nearest = (interface, address.prefixLength)
                }
            }
        }
        return nearest?.interface ?? interfaces.fallback
    }
}
