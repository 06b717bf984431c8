import Site

/// Holds claims against all hosts of a site: a connection between two of them takes the egress of the one and the
/// ingress of the other, and the forwarding of the routers between. A source is taken at its word: who bears an address
/// sends from it.
package final class ClaimProver {
    let site: SiteHosts
    let store: DiagramStore
    private let ways: SiteWays
    /// Why nothing is proved, whatever the claim: a kernel changes addresses otherwise than is meant.
    private let doubt: String?
    /// The packets that a function treats in a way, by the function: every claim asks again.
    private var treated: [Fate: [PacketFunction: PacketFunction]] = [:]

    /// - Parameter limit: see `DiagramStore`; for all claims together.
    package init(_ site: SiteHosts, limit: Int = 24_000_000) {
        self.site = site
        store = DiagramStore(limit: limit)
        ways = SiteWays(site, in: store)
        doubt = site.hosts.lazy.compactMap { $0.doubt(limit: limit) }.first
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
            if let proof = found.first(where: { $0.answer == .refuted }) ?? found.first { return proof }
            return ClaimProof(claim: claim, answer: doubt == nil ? .proved : .unknown, reason: doubt)
        } catch {
            return ClaimProof(
                claim: claim,
                answer: .unknown,
                reason: "the rules cut the packets into more pieces than the proof may hold"
            )
        }
    }

    // MARK: - Questions

    /// Where connections end: at a host of the site, or, with nil, anywhere else.
    private func destinations(_ claim: Claim) -> [(host: Int?, addresses: AddressSet)] {
        var list: [(host: Int?, addresses: AddressSet)] = []
        for (index, host) in site.hosts.enumerated() {
            let addresses = claim.destinations.intersection(host.addresses)
            if !addresses.isEmpty { list.append((index, addresses)) }
        }
        let others = claim.destinations.subtracting(ways.own)
        if !others.isEmpty { list.append((nil, others)) }
        return list
    }

    /// Whether an `allow` says anything of a host: one that is bound to zones says nothing of hosts without interfaces
    /// of them.
    private func holds(_ claim: Claim, at host: Int?) -> Bool {
        guard claim.isBoundToInterfaces, let host else { return true }
        return site.hosts[host].intent.input.contains { $0.id == claim.id }
    }

    /// The same of sources: the addresses of hosts that get nothing from the line.
    private func idleSources(_ claim: Claim) -> AddressSet {
        guard claim.isBoundToInterfaces else { return .none }
        return site.hosts.reduce(.none) { idle, host in
            host.intent.output.contains { $0.id == claim.id } ? idle : idle.union(host.addresses)
        }
    }

    /// The connections of a claim that one destination would see. What a host says to itself is none.
    private func question(
        _ claim: Claim,
        _ traffic: TrafficSet,
        from sources: AddressSet,
        _ host: Int?,
        _ addresses: AddressSet,
        _ states: ConnectionStates
    ) throws(SpaceExhausted) -> PacketFunction {
        var match = PacketMatch()
        match.sources = sources.subtracting(host.map { site.hosts[$0].addresses } ?? .none)
        match.destinations = addresses
        match.traffic = traffic
        match.states = states
        var boxes = Box.boxes(of: match, on: .input)
        for index in boxes.indices {
            boxes[index].restrict(.oddities, to: 0)
            boxes[index].restrict(.tcpFlags, to: 0x02)
        }
        let asked = try store.combine(try store.region(boxes), try ways.possible(), .intersection)
        // Elsewhere no firewall of the site decides but that of the source, or of a router on the way.
        return host == nil ? try store.combine(asked, try ways.ours(), .intersection) : asked
    }

    // MARK: - Answers

    /// The first connection that is let through; nil when none is.
    private func never(_ claim: Claim, _ traffic: TrafficSet) throws(SpaceExhausted) -> ClaimProof? {
        var doubt: ClaimProof?
        for (host, addresses) in destinations(claim) {
            // A rule may take a connection out of tracking.
            let asked = try question(claim, traffic, from: claim.sources, host, addresses, [.new, .untracked])
            if asked == .none { continue }
            // That a router stops it counts where nobody else could: there may be another way around it.
            let routed = host == nil ? try ways.forwardingOfStrangers() : PacketFunction(.accept)
            let out = try store.combine(try ways.egress().outcomes, routed, .then)
            let reached = try store.combine(out, try ways.ingress(host).outcomes, .then)
            let broken = try part(asked, of: reached, .accepted)
            if broken != .none {
                return try proof(claim, .refuted, broken, at: .end(host), "is let through")
            }
            let open = try part(asked, of: reached, .perhapsAccepted)
            if open != .none, doubt == nil {
                doubt = try proof(claim, .unknown, open, at: .end(host), "may be let through")
            }
        }
        return doubt
    }

    /// The first connection that is stopped though no line refuses it; nil when there is none.
    private func allowed(_ claim: Claim) throws(SpaceExhausted) -> ClaimProof? {
        var doubt: ClaimProof?
        for (host, addresses) in destinations(claim) where holds(claim, at: host) {
            let sources = claim.sources.subtracting(idleSources(claim))
            let asked = try question(claim, claim.traffic, from: sources, host, addresses, .new)
            if asked == .none { continue }
            // A line that opens one end alone says nothing of the other, and one that holds by some interfaces alone
            // nothing of a router's others.
            let out = claim.ends == .inwards ? .open : try ways.egress()
            let through = claim.isBoundToInterfaces ? .open : try ways.forwarding()
            let inwards = claim.ends == .outwards ? .open : try ways.ingress(host)
            // A line of `allow` yields to those of `deny`; what is to be let through exactly does not.
            let lines = claim.kind == .allow ? [out.refused, through.refused, inwards.refused] : []
            let refused = try store.joined(lines + [out.defended, through.defended, inwards.defended], .union) ?? .none
            let expected = try store.combine(asked, refused, .difference)
            for (ends, place, reason) in [
                (out, Place.source, "is not let out by its source"),
                (through, .between, "is not let through on its way"),
                (inwards, .end(host), "is not let in"),
            ] {
                let lost = try part(expected, of: ends.outcomes, .stopped)
                if lost != .none { return try proof(claim, .refuted, lost, at: place, reason) }
                let open = try part(expected, of: ends.outcomes, .perhapsStopped)
                if open != .none, doubt == nil {
                    doubt = try proof(claim, .unknown, open, at: place, "may be dropped")
                }
            }
        }
        return doubt
    }

    /// What may be asked of the outcomes of a connection.
    private enum Fate {
        case accepted, perhapsAccepted, stopped, perhapsStopped

        func covers(_ outcomes: Outcomes) -> Bool {
            switch self {
            case .accepted: outcomes == .accept
            case .perhapsAccepted: outcomes.contains(.accept)
            case .stopped: !outcomes.contains(.accept)
            case .perhapsStopped: outcomes != .accept
            }
        }
    }

    /// The packets of a set with such a fate.
    private func part(
        _ set: PacketFunction,
        of outcomes: PacketFunction,
        _ fate: Fate
    ) throws(SpaceExhausted) -> PacketFunction {
        if let known = treated[fate]?[outcomes] { return try store.combine(set, known, .intersection) }
        let chosen = try store.map(outcomes) { fate.covers(Outcomes(rawValue: $0)) ? 1 : 0 }
        treated[fate, default: [:]][outcomes] = chosen
        return try store.combine(set, chosen, .intersection)
    }

    // MARK: - For people

    /// Who decides about a packet.
    private enum Place {
        case source, between
        /// A host of the site; for nil whoever is the last of the site on the way.
        case end(Int?)
    }

    /// The answer with a packet that a person can read, and the rule that decides about it.
    private func proof(
        _ claim: Claim,
        _ answer: ProofAnswer,
        _ region: PacketFunction,
        at place: Place,
        _ reason: String
    ) throws(SpaceExhausted) -> ClaimProof {
        var proof = ClaimProof(claim: claim, answer: answer, reason: reason)
        guard let packet = Witness(in: store).packet(region, .input) else { return proof }
        proof.packet = packet
        let source = site.hosts.firstIndex { $0.addresses.contains(packet.source) }
        let decided: (host: Int, packet: Packet)? =
            switch place {
            case .end(.some(let host)): try received(packet, by: host)
            case .source, .end(nil):
                if let source { (source, try seen(packet, by: source, .output)) } else { try ways.passing(packet) }
            case .between: try ways.passing(packet)
            }
        guard let decided else { return proof }
        proof.packet = decided.packet
        proof.host = site.hosts[decided.host].intent.host
        proof.rule = site.hosts[decided.host].intent.rule(for: decided.packet)
        return proof
    }

    /// The packet as it comes to a host; where the host passes it on to another instead, as it does so.
    private func received(_ packet: Packet, by host: Int) throws(SpaceExhausted) -> (host: Int, packet: Packet) {
        if let passed = ways.passedOn(packet, by: host) { return (host, passed) }
        return (host, try seen(packet, by: host, .input))
    }

    /// The packet by an interface of the host that accepts it, if there is one.
    private func seen(_ packet: Packet, by host: Int, _ path: PacketPath) throws(SpaceExhausted) -> Packet {
        let outcomes = try site.hosts[host].outcomes(path, in: store)
        let choices = (site.hosts[host].intent.interfaces.map(\.name) + ["eth0"]).map { name in
            var choice = packet
            choice.route = PacketRoute(path, by: name, to: name)
            return choice
        }
        return choices.first { store.value(outcomes, at: Coordinates($0)) & Outcomes.accept.rawValue != 0 }
            ?? choices[0]
    }
}
