package import Site

/// Lines of `allow` of which a line of `masquerade` takes something: the host at the end does not let the router's address in.
extension PolicyCheck {
    /// - Parameter concerned: the only host of which, and the only router by which, it is told; nil for all.
    mutating func checkMasquerades(concerned: String? = nil) {
        for loss in losses(concerned: concerned) {
            report(
                .warning,
                .ineffective,
                loss.rule.position,
                "of the rule `\(loss.rule.id)` not all is let through: \(fate(loss))",
                help: "allow it from the router as well, or name other ends in that line of `masquerade`"
            )
        }
    }

    /// What a change of the site file has lines of `masquerade` and `forward` take of lines of `allow`: connections that were
    /// let through before.
    ///
    /// - Parameter now: in seconds since 1970.
    package static func losses(
        from old: SiteModel,
        to new: SiteModel,
        at now: Int64
    ) -> [IntentDiff.Adjustment] {
        let before = Intent(of: old, at: now)
        let check = PolicyCheck(new, "", now)
        let diversions = check.diversions(from: before)
        if new.firewall.masquerade.isEmpty { return diversions }
        let rehearsal = Rehearsal(old, before)
        let losses = check.losses { connection in
            guard let last = rehearsal.decisions(connection).last else { return false }
            return last.path == .input && last.verdict == .accept
        }
        let masked = losses.map { loss in
            let sentence = "`\(loss.rule.id)` lets less through: \(check.fate(loss))"
            return IntentDiff.Adjustment(host: loss.host, sentence: sentence, opens: false)
        }
        return diversions + masked
    }

    /// What is lost of a line of `allow`.
    private struct Loss {
        let rule: IntentRule
        let packet: Packet
        let translation: Translation
        /// What the source becomes.
        let sources: AddressSet
        /// The host that does not let it in, and its rule; nil where none is about it.
        let host: String
        let decisive: IntentRule?
    }

    /// Of what a router changes between two of its networks alone: which way anything else goes the site file does not say.
    ///
    /// - Parameters:
    ///   - concerned: see `checkMasquerades`.
    ///   - isTold: whether a connection that is lost is one to tell of.
    /// - Returns: one for each line.
    private func losses(
        concerned: String? = nil,
        where isTold: (Connection) -> Bool = { _ in true }
    ) -> [Loss] {
        if site.firewall.masquerade.isEmpty { return [] }
        let rehearsal = Rehearsal(site, intent)
        var losses: [Loss] = []
        var known: Set<String> = []
        for router in intent.hosts {
            for translation in router.translations where !translation.decidesDestination {
                for output in router.interfaces where translation.match.outputInterfaces.contains(output.name) {
                    for host in intent.hosts where host.host != router.host {
                        if let concerned, concerned != router.host, concerned != host.host { continue }
                        let part = SourceLoss(translation, by: router, output, at: host)
                        losses += found(part, translation, at: host, rehearsal, isTold, &known)
                    }
                }
            }
        }
        return losses
    }

    /// - Parameter known: the ids of lines that are told already.
    private func found(
        _ part: SourceLoss,
        _ translation: Translation,
        at host: HostIntent,
        _ rehearsal: Rehearsal,
        _ isTold: (Connection) -> Bool,
        _ known: inout Set<String>
    ) -> [Loss] {
        var losses: [Loss] = []
        // What is too much to tell is not told.
        for (packet, rule) in (try? part.packets()) ?? [] where !known.contains(rule.id) {
            let connection = Connection(packet)
            guard let last = rehearsal.decisions(connection).last, let verdict = last.verdict,
                verdict != .accept, last.path == .input, last.host == host.host, isTold(connection)
            else { continue }
            known.insert(rule.id)
            losses.append(
                Loss(
                    rule: rule,
                    packet: packet,
                    translation: translation,
                    sources: part.sources,
                    host: host.host,
                    decisive: last.rule
                )
            )
        }
        return losses
    }

    /// The connection, and what becomes of it.
    private func fate(_ loss: Loss) -> String {
        let from = loss.sources.first.map { " from \($0)" } ?? ""
        let line = loss.translation.position.line
        return "\(described(Connection(loss.packet))) comes there\(from), as line \(line) has it, and "
            + Self.verdict(loss.decisive)
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
