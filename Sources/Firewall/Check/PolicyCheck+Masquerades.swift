import Site

/// Lines of `allow` of which a line of `masquerade` takes something: the host at the end does not let the router's address in.
extension PolicyCheck {
    /// Of what a router changes between two of its networks alone: which way anything else goes the site file does not say.
    mutating func checkMasquerades() {
        if site.firewall.masquerade.isEmpty { return }
        let rehearsal = Rehearsal(site, intent)
        var known: Set<String> = []
        for router in intent.hosts {
            for translation in router.translations where !translation.decidesDestination {
                for output in router.interfaces where translation.match.outputInterfaces.contains(output.name) {
                    for host in intent.hosts where host.host != router.host {
                        let loss = SourceLoss(translation, by: router, output, at: host)
                        check(loss, translation, at: host, rehearsal, &known)
                    }
                }
            }
        }
    }

    /// - Parameter known: the ids of lines that are told already.
    private mutating func check(
        _ loss: SourceLoss,
        _ translation: Translation,
        at host: HostIntent,
        _ rehearsal: Rehearsal,
        _ known: inout Set<String>
    ) {
        // What is too much to tell is not told.
        for (packet, rule) in (try? loss.packets()) ?? [] where !known.contains(rule.id) {
            guard let last = rehearsal.decisions(Connection(packet)).last, let verdict = last.verdict,
                verdict != .accept, last.path == .input, last.host == host.host
            else { continue }
            known.insert(rule.id)
            report(translation, rule, packet, loss.sources, last.rule)
        }
    }

    private mutating func report(
        _ translation: Translation,
        _ rule: IntentRule,
        _ packet: Packet,
        _ sources: AddressSet,
        _ decisive: IntentRule?
    ) {
        let from = sources.first.map { " from \($0)" } ?? ""
        report(
            .warning,
            .ineffective,
            rule.position,
            "of the rule `\(rule.id)` not all is let through: \(described(Connection(packet))) comes there\(from), as line "
                + "\(translation.position.line) has it, and \(Self.verdict(decisive))",
            help: "allow it from the router as well, or name other ends in that line of `masquerade`"
        )
    }
}

/// What a host lets in from one network of a router, and not from the address that the router puts in place of the source.
private struct SourceLoss {
    /// What the sources become.
    let sources: AddressSet
    private let match: PacketMatch
    private let host: HostIntent
    /// How many lines are told of one host and change.
    private static let mostLines = 16

    init(_ translation: Translation, by router: HostIntent, _ output: HostInterface, at host: HostIntent) {
        self.host = host
        sources = translation.sources(AddressSet(output.addresses.map(\.address)))
        let near = AddressSet(output.addresses.map(\.network))
        let behind = AddressSet(router.interfaces.filter { $0.name != output.name }.flatMap(\.addresses).map(\.network))
        var match = translation.changed
        match.outputInterfaces = .any
        match.states = .new
        match.sources = match.sources.intersection(behind).subtracting(near).subtracting(router.knownAddresses)
            .subtracting(host.knownAddresses)
        match.destinations = match.destinations.intersection(near).intersection(host.knownAddresses)
        self.match = match
    }

    /// A packet of each line of `allow` of which something is lost.
    func packets() throws(SpaceExhausted) -> [(packet: Packet, rule: IntentRule)] {
        if sources.isEmpty || match.sources.isEmpty || match.destinations.isEmpty { return [] }
        let concerned = match.sources.union(sources)
        let rules = host.input.filter { rule in rule.matches.contains { $0.sources.intersects(concerned) } }
        let store = DiagramStore()
        let space = IntentSpace(in: store, limits: .together)
        let outcomes = try space.outcomes(rules, .input)
        let accepted = try store.map(outcomes) { Outcomes(rawValue: $0).contains(.accept) ? 1 : 0 }
        var changed = PacketMatch()
        changed.sources = sources
        let fromRouter = try store.region(Box.boxes(of: changed, on: .input))
        let seen = try store.forgetting(
            [.source4, .source6],
            try store.combine(accepted, fromRouter, .intersection)
        )
        var lost = try store.combine(try store.combine(try asked(store), accepted, .intersection), seen, .difference)
        var losses: [(packet: Packet, rule: IntentRule)] = []
        for _ in 0..<Self.mostLines {
            guard let packet = Witness(in: store, at: host).packet(lost, .input), let rule = host.rule(for: packet)
            else { break }
            if rule.origin == .written { losses.append((packet, rule)) }
            lost = try store.combine(lost, try space.region(rule, .input), .difference)
        }
        return losses
    }

    /// What begins a connection and comes by the network.
    private func asked(_ store: DiagramStore) throws(SpaceExhausted) -> PacketFunction {
        var boxes = Box.boxes(of: match, on: .input)
        for index in boxes.indices {
            boxes[index].restrict(.oddities, to: 0)
            boxes[index].restrict(.redirected, to: 0)
            boxes[index].restrict(.tcpFlags, to: 0x02)
            boxes[index].restrict(.inputInterface, to: InterfaceSet.except(["lo", ""]).numbers)
        }
        let possible = try PossiblePackets.region(.input, in: store)
        return try store.combine(try store.region(boxes), possible, .intersection)
    }
}
