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

        /// Why nobody can tell what this host decides; nil where it is known.
        package let doubt: Doubt?

        /// nil where it is not known.
        package var verdict: RuleVerdict? { doubt == nil ? rule?.verdict ?? .drop : nil }
    }

    /// What the site file does not say, and a decision hangs on.
    package enum Doubt: Sendable {
        /// The source that a masquerade gives the connection.
        case source(Translation)
        /// By which of its interfaces a router has what is in no network of it.
        case way(through: String)
    }

    /// What the hosts on the way say, up to the first that does not let it through. Empty when no host of the site is
    /// on the way.
    package func decisions(_ connection: Connection) -> [Decision] {
        let source = bearers[connection.source]
        let destination = bearers[connection.destination]
        var decisions: [Decision] = []
        var (current, doubt): (Connection, Doubt?) = (connection, nil)
        var passed: (packet: Packet, router: SiteHost)?
        /// Whether the connection goes on.
        func ask(_ name: String, _ path: PacketPath, _ oddities: PacketOddities = []) -> Bool {
            var packets = packets(name, path, current)
            for index in packets.indices { packets[index].oddities = oddities }
            if path == .input, let passed, let host = hosts[name] {
                packets = [Journey.arriving(passed.packet, from: current.source, at: host, by: passed.router)]
            }
            let rules: [IntentRule?] = doubt == nil ? packets.map { intent.host(name)?.rule(for: $0) } : [nil]
            if Set(rules.map { $0?.verdict ?? .drop }).count > 1 { doubt = .way(through: name) }
            let rule = doubt == nil ? rules[0] : nil
            decisions.append(Decision(host: name, path: path, rule: rule, doubt: doubt))
            guard rule?.verdict == .accept, let host = hosts[name] else { return false }
            if path == .forward { passed = (packets[0], host) }
            let changes = packets.map { packet in
                intent.host(name)?.sourceChange(of: packet).map { Journey.SourceChange($0, of: packet, at: host) }
            }
            guard let change = changes.compactMap(\.self).first else { return true }
            let sources = changes.map { change -> IPAddress? in
                guard let change else { return current.source }
                return change.source
            }
            if Set(sources).count > 1 {
                doubt = .way(through: name)
            } else if let changed = change.source {
                let number = current.protocolNumber
                current = Connection(from: changed, to: current.destination, number, detail: current.detail)
            } else {
                doubt = .source(change.translation)
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
            decisions.append(Decision(host: name, path: packet.path, rule: rule, doubt: nil))
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
        func interface(_ peer: IPAddress) -> String {
            isLocal ? "lo" : hosts[name]?.interface(toward: peer)?.name ?? HostIntent.unnamedInterface
        }
        var packet = Packet(
            PacketRoute(path, by: interface(connection.source), to: interface(connection.destination)),
            from: connection.source,
            to: connection.destination,
            connection.protocolNumber,
            detail: connection.detail
        )
        // Clients have ports above those of servers.
        if connection.protocolNumber.hasPorts { packet.sourcePort = 50_000 }
        return packet
    }

    /// The same by each way that it may take through a router.
    private func packets(_ name: String, _ path: PacketPath, _ connection: Connection) -> [Packet] {
        let packet = packet(name, path, connection)
        guard path == .forward, let ways = hosts[name]?.ways(of: connection) else { return [packet] }
        return ways.map { way in
            var seen = packet
            let (input, output) = (way.input?.name, way.output?.name)
            seen.route = .forward(by: input ?? HostIntent.unnamedInterface, to: output ?? HostIntent.unnamedInterface)
            return seen
        }
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
        guard router.isAttached(to: connection.source) || router.isAttached(to: connection.destination) else {
            return false
        }
        return router.ways(of: connection).contains { way in
            guard let input = way.input, let output = way.output else { return false }
            return input.name != output.name
        }
    }
}

extension SiteHost {
    fileprivate func isAttached(to peer: IPAddress) -> Bool {
        allAddresses.contains { $0.network.contains(peer) }
    }

    /// The interfaces by which the ends of a connection are reached, where that is known: of a router that no interface is known
    /// of to lead beyond its networks, what is not behind the one is behind any of the others.
    fileprivate func ways(of connection: Connection) -> [(input: HostInterface?, output: HostInterface?)] {
        let input = interface(toward: connection.source)
        let output = interface(toward: connection.destination)
        guard let near = input ?? output, input == nil || output == nil else { return [(input, output)] }
        return interfaces.filter { $0.name != near.name }.map { (input ?? $0, output ?? $0) }
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
