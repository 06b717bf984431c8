import Site

/// What became of a claim.
package struct ClaimProof: Sendable {
    package let claim: Claim
    package var answer = ProofAnswer.proved
    /// The packet on which the claim fails, or may: as `host` sees it.
    package var packet: Packet?
    /// The host that decides about the packet: the destination, or the source when that stops it.
    package var host: String?
    /// What is wrong, in words.
    package var reason: String?
    /// The rule of that host's intent that decides about the packet; nil when none does.
    package var rule: IntentRule?
}

/// Holds claims against all hosts of a site: a connection between two of them takes the egress of the one and the
/// ingress of the other. A source is taken at its word: who bears an address sends from it.
package final class ClaimProver {
    private let site: SiteHosts
    private let store: DiagramStore
    private let own: AddressSet
    private var knownIngress: [Int: Ends] = [:]
    private var knownEgress: Ends?

    /// What one side makes of connections, whatever the interface: outcomes, and the set of what a rule refuses by name.
    private struct Ends {
        let outcomes: PacketFunction
        let refused: PacketFunction

        /// Where nothing of the site decides.
        static let open = Ends(outcomes: PacketFunction(.accept), refused: .none)
    }

    /// - Parameter limit: see `DiagramStore`; for all claims together.
    package init(_ site: SiteHosts, limit: Int = 12_000_000) {
        self.site = site
        own = site.addresses
        store = DiagramStore(limit: limit)
    }

    /// The answer, with a packet where it is not "proved".
    package func prove(_ claim: Claim) -> ClaimProof {
        do throws(SpaceExhausted) {
            let results =
                switch claim.kind {
                case .allow: [try allowed(claim)]
                case .never: [try never(claim, claim.traffic)]
                case .exactly: [try never(claim, claim.scope.subtracting(claim.traffic)), try allowed(claim)]
                }
            let found = results.compactMap { $0 }
            return found.first { $0.answer == .refuted } ?? found.first ?? ClaimProof(claim: claim)
        } catch {
            var proof = ClaimProof(claim: claim, answer: .unknown)
            proof.reason = "the rules cut the packets into more pieces than the proof may hold"
            return proof
        }
    }

    // MARK: - Both ends

    /// Where connections end: at a host of the site, or, with nil, anywhere else.
    private func destinations(_ claim: Claim) -> [(host: Int?, addresses: AddressSet)] {
        var list: [(host: Int?, addresses: AddressSet)] = []
        for (index, host) in site.hosts.enumerated() {
            let addresses = claim.destinations.intersection(host.addresses)
            if !addresses.isEmpty { list.append((index, addresses)) }
        }
        let others = claim.destinations.subtracting(own)
        if !others.isEmpty { list.append((nil, others)) }
        return list
    }

    /// The connections of a claim that one destination would see. What a host says to itself is none.
    private func question(
        _ claim: Claim,
        _ traffic: TrafficSet,
        _ host: Int?,
        _ addresses: AddressSet,
        _ states: ConnectionStates
    ) throws(SpaceExhausted) -> PacketFunction {
        var match = PacketMatch()
        match.sources =
            if let host {
                claim.sources.subtracting(site.hosts[host].addresses)
            } else {
                // Elsewhere no firewall of the site decides but that of the source.
                claim.sources.intersection(own)
            }
        match.destinations = addresses
        match.traffic = traffic
        match.states = states
        var boxes = Box.boxes(of: match, on: .input)
        for index in boxes.indices {
            boxes[index].restrict(.oddities, to: 0)
            boxes[index].restrict(.tcpFlags, to: 0x02)
        }
        let possible = try store.forgetting([.inputInterface], try PossiblePackets.region(.input, in: store))
        return try store.combine(try store.region(boxes), possible, .intersection)
    }

    private func ingress(_ host: Int?) throws(SpaceExhausted) -> Ends {
        guard let host else { return .open }
        if let known = knownIngress[host] { return known }
        let ends = Ends(
            outcomes: try anywhere(try site.hosts[host].outcomes(.input, in: store), .inputInterface),
            refused: try store.forgetting([.inputInterface], try site.hosts[host].refused(.input, in: store))
        )
        knownIngress[host] = ends
        return ends
    }

    /// All sources at once; what is no host's own may come as it likes.
    private func egress() throws(SpaceExhausted) -> Ends {
        if let knownEgress { return knownEgress }
        var (outcomes, refused): ([PacketFunction], [PacketFunction]) = ([], [])
        for host in site.hosts where !host.addresses.isEmpty {
            var match = PacketMatch()
            match.sources = host.addresses
            let from = try store.region(Box.boxes(of: match, on: .output))
            let open = try anywhere(try host.outcomes(.output, in: store), .outputInterface)
            outcomes.append(try store.combine(from, open, .within))
            let denied = try store.forgetting([.outputInterface], try host.refused(.output, in: store))
            refused.append(try store.combine(from, denied, .intersection))
        }
        let ends = Ends(
            outcomes: try store.joined(outcomes, .then) ?? PacketFunction(.accept),
            refused: try store.joined(refused, .union) ?? .none
        )
        knownEgress = ends
        return ends
    }

    /// Outcomes by any interface but `lo`: `accept` where one surely accepts.
    private func anywhere(_ outcomes: PacketFunction, _ dimension: Dimension) throws(SpaceExhausted) -> PacketFunction {
        var box = Box()
        box.restrict(dimension, to: InterfaceSet.except(["lo", ""]).numbers)
        let sure: UInt16 = 1
        let perhaps: UInt16 = 2
        let answers = try store.map(outcomes) { number in
            if number == Outcomes.accept.rawValue { return sure }
            return number & Outcomes.accept.rawValue == 0 ? 0 : perhaps
        }
        let real = try store.map(try store.region(box)) { $0 == 1 ? sure | perhaps : 0 }
        let any = try store.forgetting([dimension], try store.combine(real, answers, .mask))
        return try store.map(any) { number in
            let result: Outcomes = number & sure != 0 ? .accept : number & perhaps != 0 ? [.accept, .drop] : .drop
            return result.rawValue
        }
    }

    // MARK: - Answers

    /// The first connection that is let through; nil when none is.
    private func never(_ claim: Claim, _ traffic: TrafficSet) throws(SpaceExhausted) -> ClaimProof? {
        var doubt: ClaimProof?
        for (host, addresses) in destinations(claim) {
            // A rule may take a connection out of tracking.
            let asked = try question(claim, traffic, host, addresses, [.new, .untracked])
            let reached = try store.combine(try egress().outcomes, try ingress(host).outcomes, .then)
            let broken = try part(asked, of: reached) { $0 == .accept }
            if broken != .none { return try proof(claim, .refuted, broken, at: host, "is let through") }
            let open = try part(asked, of: reached) { $0.contains(.accept) }
            if open != .none, doubt == nil {
                doubt = try proof(claim, .unknown, open, at: host, "may be let through by what is not understood")
            }
        }
        return doubt
    }

    /// The first connection that is stopped though no line refuses it; nil when there is none.
    private func allowed(_ claim: Claim) throws(SpaceExhausted) -> ClaimProof? {
        var doubt: ClaimProof?
        for (host, addresses) in destinations(claim) {
            let asked = try question(claim, claim.traffic, host, addresses, .new)
            // A line that opens one end alone says nothing of the other.
            let out = claim.ends == .inwards ? .open : try egress()
            let inwards = claim.ends == .outwards ? .open : try ingress(host)
            let refused = try store.combine(out.refused, inwards.refused, .union)
            let expected = try store.combine(asked, refused, .difference)
            let kept = try part(expected, of: out.outcomes) { !$0.contains(.accept) }
            if kept != .none { return try proof(claim, .refuted, kept, at: nil, "is not let out by its source") }
            let lost = try part(expected, of: inwards.outcomes) { !$0.contains(.accept) }
            if lost != .none { return try proof(claim, .refuted, lost, at: host, "is not let in") }
            let reached = try store.combine(out.outcomes, inwards.outcomes, .then)
            let open = try part(expected, of: reached) { $0 != .accept }
            if open != .none, doubt == nil {
                doubt = try proof(claim, .unknown, open, at: host, "may be dropped by what is not understood")
            }
        }
        return doubt
    }

    private func part(
        _ set: PacketFunction,
        of outcomes: PacketFunction,
        where condition: (Outcomes) -> Bool
    ) throws(SpaceExhausted) -> PacketFunction {
        let chosen = try store.map(outcomes) { condition(Outcomes(rawValue: $0)) ? 1 : 0 }
        return try store.combine(set, chosen, .intersection)
    }

    /// The answer with a packet that a person can read, and the rule that decides about it.
    ///
    /// - Parameter host: where it is decided; nil for the packet's source.
    private func proof(
        _ claim: Claim,
        _ answer: ProofAnswer,
        _ region: PacketFunction,
        at host: Int?,
        _ reason: String
    ) throws(SpaceExhausted) -> ClaimProof {
        var proof = ClaimProof(claim: claim, answer: answer, reason: reason)
        guard var packet = Witness(in: store).packet(region, .input) else { return proof }
        if let place = host ?? site.hosts.firstIndex(where: { $0.addresses.contains(packet.source) }) {
            let deciding = site.hosts[place]
            packet = try seen(packet, by: deciding, host == nil ? .output : .input)
            proof.host = deciding.intent.host
            proof.rule = deciding.intent.rule(for: packet)
        }
        proof.packet = packet
        return proof
    }

    /// The packet by an interface of the host that accepts it, if there is one.
    private func seen(
        _ packet: Packet,
        by host: SiteHosts.Host,
        _ path: PacketPath
    ) throws(SpaceExhausted) -> Packet {
        let outcomes = try host.outcomes(path, in: store)
        let choices = (host.intent.interfaces.map(\.name) + ["eth0"]).map { name in
            var choice = packet
            choice.path = path
            choice.inputInterface = path == .input ? name : nil
            choice.outputInterface = path == .output ? name : nil
            return choice
        }
        return choices.first { store.value(outcomes, at: Coordinates($0)) & Outcomes.accept.rawValue != 0 }
            ?? choices[0]
    }
}
