package import Site

/// Follows a new connection over the hosts of a site that are on its way, by what each is meant to do, with its addresses as
/// routers change them: `Journey` from one end to the other.
///
/// A site file knows the networks that its hosts are attached to and no routes. So a router is on the way when one end
/// lies in a network of it and the other is reached by another interface; where routers are attached to both, they alone are.
/// So is one between outsiders and what other routers lead to (`Surroundings.row`).
/// One between these that would give it another source leaves unknown what becomes of it, where that source fares otherwise.
package struct Rehearsal {
    private let intent: Intent
    let hosts: [String: SiteHost]
    /// Who bears each address.
    private(set) var bearers: [IPAddress: String]
    /// The same by turns, where hosts share addresses: one of these holds at a time.
    private let turns: [[IPAddress: String]]
    private(set) var routers: [SiteHost]
    /// The ways through routers that change sources, of what begins and ends in no network of theirs.
    private let detours: [(router: SiteHost, passage: Passage)]
    /// By router, the ways between outsiders and what other routers lead to.
    let rows: [String: [Passage]]

    /// - Parameter site: the one that the intent is of.
    package init(_ site: SiteModel, _ intent: Intent) {
        self.intent = intent
        hosts = site.hosts
        var known: [IPAddress: [String]] = [:]
        for host in site.hosts.values.sorted(by: { $0.name < $1.name }) {
            for address in host.allAddresses { known[address.address, default: []].append(host.name) }
        }
        let most = known.values.map(\.count).max() ?? 1
        turns = (0..<most).map { turn in known.mapValues { $0[min(turn, $0.count - 1)] } }
        bearers = turns[0]
        routers = site.hosts.values.filter(\.isRouter).sorted { $0.name < $1.name }
        let (strangers, outsiders) = (intent.strangers, intent.outsiders)
        let between = routers.map { ($0.name, Surroundings.row(through: $0, in: site, outsiders: outsiders)) }
        rows = Dictionary(uniqueKeysWithValues: between)
        detours = routers.flatMap { router -> [(router: SiteHost, passage: Passage)] in
            let changes = intent.host(router.name)?.translations.filter { !$0.decidesDestination } ?? []
            if changes.isEmpty { return [] }
            return Surroundings(of: router, in: site, strangers: strangers).passages
                .filter { changes.contains(where: $0.concerns) }.map { (router: router, passage: $0) }
        }
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
        /// By which of its interfaces a host has what is in no network of it.
        case way(through: String)
        /// Whether it passes a router that gives it another source.
        case change(Translation, by: String)
        /// Which of several routers it passes, whose words differ.
        case router
    }

    /// What the hosts on the way say, up to the first that does not let it through. Empty when no host of the site is
    /// on the way. Where each of several routers leads there by itself, they all say the same, or nobody can tell.
    package func decisions(_ connection: Connection) -> [Decision] {
        let parallel = parallel(connection)
        var ways = [self]
        for group in parallel {
            ways = ways.flatMap { way -> [Rehearsal] in
                group.map { taken -> Rehearsal in
                    var other = way
                    other.routers.removeAll { $0.name != taken && group.contains($0.name) }
                    return other
                }
            }
        }
        let all = ways.map { $0.decisionsOnOneWay(connection) }
        let doubtful = all.first { $0.last?.doubt != nil }
        if Set(all.map { $0.last?.verdict }).count == 1 || doubtful != nil { return doubtful ?? all[0] }
        let names = parallel.flatMap(\.self).joined(separator: " or ")
        return [Decision(host: names, path: .forward, rule: nil, doubt: .router)]
    }

    /// The names of the routers of which a connection passes one: those of a step that have both ends by interfaces which
    /// the site file tells. None where it is one at most.
    private func parallel(_ connection: Connection) -> [[String]] {
        let (source, destination) = (connection.source, connection.destination)
        let steps = steps(connection).map { step in
            step.filter { router in
                let isEnd = [bearers[source], bearers[destination]].contains(router.name)
                let ways = [router.interfaces(toward: source), router.interfaces(toward: destination)]
                return !isEnd && !ways.contains(where: \.isEmpty) && isOnTheWay(router, connection)
            }
        }
        return steps.filter { $0.count > 1 }.map { $0.map(\.name) }
    }

    private func decisionsOnOneWay(_ connection: Connection) -> [Decision] {
        let (decisions, seen) = followed(connection)
        guard let last = decisions.last, last.doubt == nil else { return decisions }
        // What is stopped where it begins comes to no router between others.
        let isNear = hosts[last.host]?.isAttached(to: connection.source) ?? false
        if last.path != .input, isNear || bearers[connection.source] == last.host { return decisions }
        for (translation, router, changed) in seen.flatMap(changes) {
            let others = changed.map { followed($0, isSent: false).decisions }
            if let others, others.isEmpty || others.last?.verdict == last.verdict { continue }
            let doubt = Doubt.change(translation, by: router)
            return decisions.dropLast() + [Decision(host: last.host, path: last.path, rule: nil, doubt: doubt)]
        }
        return decisions
    }

    /// What routers between others may make of a connection: nil where the site file does not say which source it gets.
    private func changes(
        _ connection: Connection
    ) -> [(translation: Translation, router: String, changed: Connection?)] {
        var changes: [(translation: Translation, router: String, changed: Connection?)] = []
        for (router, passage) in detours {
            guard passage.leads(connection), !isBetween(router, connection),
                let input = passage.inputs.first, let output = passage.outputs.first, let its = intent.host(router.name)
            else { continue }
            let packet = Self.packet(.forward(by: input, to: output), connection)
            guard its.rule(for: packet)?.verdict == .accept, let translation = its.sourceChange(of: packet)
            else { continue }
            let changed = Journey.SourceChange(translation, of: packet, at: router).source.map { source in
                let number = connection.protocolNumber
                return Connection(from: source, to: connection.destination, number, detail: connection.detail)
            }
            changes.append((translation, router.name, changed))
        }
        return changes
    }

    /// What the hosts on the way say that the site file knows, and the connection as it is between them.
    ///
    /// - Parameter isSent: whether its source is asked, too.
    private func followed(
        _ connection: Connection,
        isSent: Bool = true
    ) -> (decisions: [Decision], seen: [Connection]) {
        let source = bearers[connection.source]
        let destination = bearers[connection.destination]
        var decisions: [Decision] = []
        var (current, doubt): (Connection, Doubt?) = (connection, nil)
        var seen = [connection]
        var passed: (packets: [Packet], router: SiteHost)?
        /// The packet as it comes to a host, by each interface that it may come by.
        func arrivals(_ name: String) -> [Packet] {
            guard let passed, let host = hosts[name] else { return packets(name, .input, current) }
            var arrivals = passed.packets.flatMap { packet in
                Journey.arriving(packet, from: current.source, at: host, by: passed.router)
            }
            for index in arrivals.indices {
                (arrivals[index].destination, arrivals[index].detail) = (current.destination, current.detail)
            }
            return arrivals
        }
        /// Whether the connection goes on.
        func ask(_ name: String, _ path: PacketPath, _ oddities: PacketOddities = []) -> Bool {
            var packets = path == .input ? arrivals(name) : packets(name, path, current)
            for index in packets.indices { packets[index].oddities.formUnion(oddities) }
            let decision = decision(name, packets, doubt)
            decisions.append(decision)
            guard decision.verdict == .accept, let host = hosts[name] else { return false }
            if path == .forward { passed = (packets, host) }
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
                // Behind the router next to it nobody sees the first source.
                if host.isAttached(to: current.source) { seen.removeLast() }
                current = Connection(from: changed, to: current.destination, number, detail: current.detail)
                seen.append(current)
            } else {
                doubt = .source(change.translation)
            }
            return true
        }
        if isSent, let source, !ask(source, .output) || source == destination { return (decisions, seen) }
        for router in steps(connection).joined() where router.name != source && router.name != destination {
            guard isOnTheWay(router, current) else { continue }
            guard ask(router.name, .forward) else { return (decisions, seen) }
        }
        var (end, senders, undecided) = (destination, Set<String>(), String?.none)
        var isGoingOn = true
        while isGoingOn, let name = end, senders.insert(name).inserted {
            let came = arrivals(name)
            let ends = came.map { forwarded($0, by: name) }
            guard let changed = ends.compactMap(\.self).first else { break }
            // By another interface it may go elsewhere, or be let in where it was sent.
            if Set(ends.compactMap(\.self)).count > 1 { doubt = .way(through: name) }
            let kept = zip(came, ends).filter { $0.1 == nil }.map(\.0)
            if kept.contains(where: { intent.host(name)?.rule(for: $0)?.verdict == .accept }) { undecided = name }
            current = changed
            end = bearers[changed.destination]
            // One that stays here knows that it was sent here by itself; the host behind knows nothing of it.
            let isOwn = end == name
            isGoingOn = ask(name, isOwn ? .input : .forward, .redirected) && !isOwn
            guard isGoingOn else { break }
            for step in routersBehind(name, changed) {
                let names = step.map(\.name).filter { $0 != end }
                let words = names.map { decision($0, packets($0, .forward, current), doubt).verdict }
                if Set(words).count > 1 {
                    let host = names.joined(separator: " or ")
                    decisions.append(Decision(host: host, path: .forward, rule: nil, doubt: .router))
                    return (decisions, seen)
                }
                if let first = names.first, !ask(first, .forward) { return (decisions, seen) }
            }
        }
        if isGoingOn, let end { _ = ask(end, .input) }
        if let undecided, decisions.last?.verdict != .accept {
            decisions.append(Decision(host: undecided, path: .input, rule: nil, doubt: .way(through: undecided)))
        }
        return (decisions, seen)
    }

    // MARK: - Groups

    /// What the hosts on each way of a connection say: one way to an address, or one for each host that has it in turn, and
    /// one to each host of the site that gets what is sent to a group, or to all of a link.
    func ways(_ connection: Connection) -> [[Decision]] {
        turns.flatMap { bearers -> [[Decision]] in
            var rehearsal = self
            rehearsal.bearers = bearers
            return rehearsal.waysNow(connection)
        }
    }

    private func waysNow(_ connection: Connection) -> [[Decision]] {
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
        if let source = bearers[connection.source] {
            // By the interface to the link that both are attached to.
            let near = member.flatMap { hosts[$0] }?.allAddresses.map(\.address)
                .first { hosts[source]?.isAttached(to: $0) == true }
            let interface = near.flatMap { hosts[source]?.interface(toward: $0) }?.name
            decisions.append(decision(source, packets(source, .output, connection, by: interface)))
        }
        guard let member, decisions.allSatisfy({ $0.verdict == .accept }) else { return decisions }
        decisions.append(decision(member, packets(member, .input, connection)))
        return decisions
    }

    // MARK: - One host

    /// What a host says of a packet that takes one of several ways, or why nobody can tell.
    private func decision(_ name: String, _ packets: [Packet], _ doubt: Doubt? = nil) -> Decision {
        let rules = packets.map { intent.host(name)?.rule(for: $0) }
        let isOne = Set(rules.map { $0?.verdict ?? .drop }).count == 1
        let doubt = doubt ?? (isOne ? nil : .way(through: name))
        return Decision(host: name, path: packets[0].path, rule: doubt == nil ? rules[0] : nil, doubt: doubt)
    }

    /// A connection as a host sees it, by each way that it may take through it: one at least.
    private func packets(
        _ name: String,
        _ path: PacketPath,
        _ connection: Connection,
        by interface: String? = nil
    ) -> [Packet] {
        let host = hosts[name] ?? SiteHost(name: name)
        let (source, destination) = (connection.source, connection.destination)
        let isLocal = bearers[source] == name && bearers[destination] == name
        let given = interface ?? (isLocal ? "lo" : nil)
        var routes = host.routes(path, from: source, to: destination, by: given)
        let (own, peer) = path == .input ? (destination, source) : (source, destination)
        if path != .forward, given == nil, let uplink = host.uplink(bearing: own, toward: peer) {
            let other = PacketRoute(path, by: uplink.name, to: uplink.name)
            if !routes.contains(other) { routes.append(other) }
        }
        return routes.map { Self.packet($0, connection) }
    }

    private static func packet(_ route: PacketRoute, _ connection: Connection) -> Packet {
        let number = connection.protocolNumber
        let (source, destination) = (connection.source, connection.destination)
        var packet = Packet(route, from: source, to: destination, number, detail: connection.detail)
        // Clients have ports above those of servers.
        if number.hasPorts { packet.sourcePort = 50_000 }
        return packet
    }

    /// The connection of a packet as it goes on when it comes to a forwarded port of a router.
    private func forwarded(_ packet: Packet, by router: String) -> Connection? {
        guard let translation = intent.host(router)?.redirection(of: packet),
            case .destination(let address, let port) = translation.kind
        else { return nil }
        return Connection(from: packet.source, to: address, packet.protocolNumber, detail: port ?? packet.detail)
    }
}

extension Passage {
    func leads(_ connection: Connection) -> Bool {
        sources.contains(connection.source) && destinations.contains(connection.destination)
    }
}

extension SiteHost {
    func isAttached(to peer: IPAddress) -> Bool {
        allAddresses.contains { $0.network.contains(peer) }
    }

    /// The interface that bears an address which the internet can reach, where a peer is there: what goes between the two
    /// may well take it, whichever other one leads outside.
    fileprivate func uplink(bearing address: IPAddress, toward peer: IPAddress) -> HostInterface? {
        let isInside = [address, peer].contains { SpecialAddresses.bogons.contains($0) }
        if isInside || isAttached(to: peer) || interfaces.contains(where: { $0.leads(to: peer) }) { return nil }
        return interfaces.first { $0.addresses.contains { $0.address == address } }
    }
}
