import Site

/// Holds claims against the connections that end at one place: a host of the site, or anywhere else. A connection takes
/// the egress of its source and the ingress of its destination, and the forwarding of the routers between. Judges share
/// nothing that changes, so that each may be on a thread of its own.
final class ClaimJudge {
    let site: SiteHosts
    let end: SiteEnd
    let store: DiagramStore
    let ways: SiteWays
    private var knownElsewhere: [LineZones: PacketFunction] = [:]
    private var knownIngress: SiteWays.Ends?
    var knownForwarding: SiteWays.Ends?
    /// What becomes of connections that a line sends on, by its id.
    var knownSentOn: [String: SiteWays.Ends] = [:]
    private var knownReached: PacketFunction?
    private var knownRefused: [Exemption: PacketFunction] = [:]
    /// What hosts let out of addresses by DHCP, for sets of hosts.
    var knownLeaving: [Fate: [Set<Int>: PacketFunction]] = [:]
    var knownUncertain: PacketFunction?
    /// Why nothing more is judged here: what was too much once is too much again. Where a part of what is common is not
    /// there, by the kind of claim: another does not ask for it.
    private var exhausted: [Claim.Kind?: SpaceExhausted] = [:]
    /// The packets that a function treats in a way, by the function: every claim asks again.
    private var treated: [Fate: [PacketFunction: PacketFunction]] = [:]

    /// - Parameters:
    ///   - ways: with nothing of another end's; its bounds are for all claims together.
    init(at end: SiteEnd, _ ways: SiteWays) {
        self.end = end
        self.ways = ways
        site = ways.site
        store = ways.store
    }

    /// What is found of a claim here.
    func judge(_ asked: AskedClaim) -> Verdict {
        let claim = asked.claim
        let (addresses, all) = (destinations(of: claim, areWanted: true), destinations(of: claim, areWanted: false))
        if addresses.isEmpty, claim.kind == .allow || all.isEmpty { return Verdict() }
        let kind = ways.areWhole ? nil : claim.kind
        do throws(SpaceExhausted) {
            if let exhausted = exhausted[kind] { throw exhausted }
            if claim.kind == .never { return try never(asked, claim.traffic, all) }
            var verdict = Verdict()
            if claim.kind == .exactly {
                verdict = try never(asked, claim.scope.subtracting(claim.traffic), all)
            }
            verdict.add(try allowed(asked, addresses))
            return verdict
        } catch {
            exhausted[kind] = error
            let subject = end.host.map { site.hosts[$0].intent.host } ?? "other addresses"
            let reason = error.reason("the rules about \(subject)")
            var verdict = Verdict()
            verdict.findings = [finding(.unknown, reason, packet: nil, at: .end(end), isOfAllowed: false)]
            return verdict
        }
    }

    // MARK: - Questions

    /// Whether an `allow` says anything of the end: one that is bound to a zone says nothing of a host without an interface
    /// of it, unless it names the host.
    private func holds(_ claim: Claim) -> Bool {
        guard let host = end.host, let zone = claim.inZone else { return true }
        return site.hosts[host].sides.has(zone) || claim.namedDestinations.contains(host)
    }

    /// Connections that are to be let through, but that a claim does not mean.
    ///
    /// An `allow` that is bound to zones means what comes and goes by interfaces of them. The routers between two hosts
    /// that it names are to let it through by whichever. And whom an `exactly` calls `internet` comes from without: a
    /// neighbour on an inner side is to get no more than it says, and need not get that.
    func unmeant(_ claim: Claim) throws(SpaceExhausted) -> PacketFunction {
        var parts: [PacketFunction] = []
        var peers = AddressSet.none
        if let host = end.host, let zone = claim.inZone, site.hosts[host].sides.has(zone) {
            peers = site.hosts[host].sides.elsewhere(than: zone)
        }
        if let host = end.host, claim.kind == .exactly, !claim.strangers.isEmpty {
            let sides = site.hosts[host].sides
            peers = claim.strangers.intersection(sides.away(from: sides.ofStrangers))
        }
        if !peers.isEmpty { parts.append(try ways.from(peers)) }
        if claim.outZone != nil { parts.append(try elsewhere(LineZones(output: claim.outZone), ways.leaving)) }
        if claim.isBoundToInterfaces, end.host.map({ !claim.namedDestinations.contains($0) }) ?? true {
            let zones = LineZones(input: claim.inZone, output: claim.outZone, areOfRouters: true)
            let named = site.addresses(of: claim.namedSources)
            parts.append(
                try store.combine(try elsewhere(zones, ways.passing), try ways.from(named), .difference)
            )
        }
        return try store.joined(parts, .union) ?? .none
    }

    private func elsewhere(
        _ zones: LineZones,
        _ make: (LineZones) throws(SpaceExhausted) -> PacketFunction
    ) throws(SpaceExhausted) -> PacketFunction {
        if let known = knownElsewhere[zones] { return known }
        let made = try make(zones)
        knownElsewhere[zones] = made
        return made
    }

    /// The connections of a claim that the end would see. What a host says to itself is none.
    ///
    /// - Parameters:
    ///   - isOrdinary: whether packets alone are meant that have no oddity and only the flag SYN.
    ///   - isForwarded: whether those are meant that a forwarded port has sent on, or the others; nil for both.
    func question(
        _ traffic: TrafficSet,
        from sources: PacketFunction,
        to addresses: AddressSet,
        _ states: ConnectionStates,
        isOrdinary: Bool = true,
        isForwarded: Bool? = nil
    ) throws(SpaceExhausted) -> PacketFunction {
        var match = PacketMatch()
        match.destinations = addresses
        match.traffic = traffic
        match.states = states
        var boxes = Box.boxes(of: match, on: .input)
        if isOrdinary { boxes = boxes.flatMap { $0.ordinary(areHeld: site.areHeld) } }
        if site.forwards, let isForwarded {
            for index in boxes.indices { boxes[index].restrict(.redirected, to: isForwarded ? 1 : 0) }
        }
        let about = try store.combine(try store.region(boxes), sources, .intersection)
        return try store.combine(about, try ways.possible(), .intersection)
    }

    /// Elsewhere no firewall of the site decides but that of the source, or of a router on the way.
    private func decided(_ asked: PacketFunction) throws(SpaceExhausted) -> PacketFunction {
        end == .elsewhere ? try store.combine(asked, try ways.ours(), .intersection) : asked
    }

    /// The connections from a claim's sources, but for the end itself.
    func from(_ claim: AskedClaim) throws(SpaceExhausted) -> PacketFunction {
        let own = end.host.map { site.hosts[$0].addresses } ?? .none
        guard let place = claim.place else { return try ways.from(claim.sources.subtracting(own)) }
        let from = try ways.from(place)
        guard claim.sources.intersects(own) else { return from }
        return try store.combine(from, try ways.from(own), .difference)
    }

    func ingress() throws(SpaceExhausted) -> SiteWays.Ends {
        if let knownIngress { return knownIngress }
        let ingress = try ways.ingress(end)
        knownIngress = ingress
        return ingress
    }

    // MARK: - Answers

    /// The first connection that is let through.
    private func never(
        _ claim: AskedClaim,
        _ traffic: TrafficSet,
        _ addresses: AddressSet
    ) throws(SpaceExhausted) -> Verdict {
        var verdict = Verdict()
        let asked = try decided(try unwanted(claim.claim, traffic, from: try from(claim), to: addresses))
        if asked != .none {
            verdict.isAsked = true
            let reached = try reached()
            let uncertain = try uncertain(claim.claim)
            let broken = try store.combine(try part(asked, of: reached, .accepted), uncertain, .difference)
            let open = broken == .none ? try part(asked, of: reached, .perhapsAccepted) : .none
            if broken != .none {
                verdict.findings = [found(.refuted, "is let through", broken, at: .end(end), isOfAllowed: false)]
            } else if open != .none {
                verdict.findings = [found(.unknown, "may be let through", open, at: .end(end), isOfAllowed: false)]
            }
        }
        verdict.add(try neverOfLeases(claim.claim, traffic, addresses))
        verdict.add(try neverOfWritten(claim, traffic, addresses))
        return verdict
    }

    /// The connections of a claim that are not to be let through.
    func unwanted(
        _ claim: Claim,
        _ traffic: TrafficSet,
        from sources: PacketFunction,
        to addresses: AddressSet
    ) throws(SpaceExhausted) -> PacketFunction {
        let asked = try question(
            traffic,
            from: sources,
            to: addresses,
            // A rule may take a connection out of tracking.
            [.new, .untracked],
            // What is meant lets no packet through because something is odd about it; a kernel may.
            isOrdinary: !site.areHeld
        )
        if asked == .none || !claim.exemptsUpkeep { return asked }
        // By what a host gets its addresses and joins groups is no part of a claim that does not name it.
        let upkeep = try end == .elsewhere ? ways.egress().upkeep : ingress().upkeep
        return try store.combine(asked, upkeep, .difference)
    }

    /// What becomes of connections at both ends.
    private func reached() throws(SpaceExhausted) -> PacketFunction {
        if let knownReached { return knownReached }
        // That a router stops it counts where nobody else could: there may be another way around it.
        let routed = end == .elsewhere ? try ways.forwardingElsewhere().outcomes : PacketFunction(.accept)
        let departing = try ways.departing(to: end, try ways.egress().outcomes)
        let out = try store.combine(departing, routed, .then)
        let reached = try store.combine(out, try ingress().outcomes, .then)
        knownReached = reached
        return reached
    }

    /// The first connection that is stopped though no line refuses it.
    private func allowed(
        _ claim: AskedClaim,
        _ addresses: AddressSet
    ) throws(SpaceExhausted) -> Verdict {
        guard holds(claim.claim) else { return Verdict() }
        let all = try decided(try wanted(claim.claim, from: try from(claim), to: addresses))
        let asked = end.isLeased ? try promised(claim.claim, all) : all
        var verdict = try allowed(asked, Exemption(claim.claim), fromLeasesOf: nil)
        for host in leasedSources(of: claim.claim) {
            let asked = try promised(claim.claim, fromLeasesOf: host, to: addresses)
            verdict.add(try allowed(asked, Exemption(claim.claim), fromLeasesOf: host))
        }
        return verdict
    }

    /// The connections of a claim that are to be let through.
    func wanted(
        _ claim: Claim,
        from sources: PacketFunction,
        to addresses: AddressSet
    ) throws(SpaceExhausted) -> PacketFunction {
        let isForwarded = claim.ends == .inwards
        let all = try question(claim.traffic, from: sources, to: addresses, .new, isForwarded: isForwarded)
        return all == .none ? all : try store.combine(all, try unmeant(claim), .difference)
    }

    /// The same for these connections.
    private func allowed(
        _ asked: PacketFunction,
        _ exemption: Exemption,
        fromLeasesOf host: Int?
    ) throws(SpaceExhausted) -> Verdict {
        var verdict = Verdict()
        if asked == .none { return verdict }
        verdict.isAsked = true
        var out = try out(exemption)
        let (through, inwards) = (try through(exemption), try inwards(exemption))
        var refused = try refused(exemption)
        if let host {
            out = try ways.egress(ofLeases: host)
            refused = try self.refused([out, through, inwards], yields: exemption.yields)
        }
        let expected = try store.combine(asked, refused, .difference)
        var doubt: Finding?
        let last: SiteHosts.Place
        if let line = exemption.line { last = .sentOn(by: line, to: end) } else { last = .end(end) }
        let stations = [
            (out, SiteHosts.Place.source(byDHCP: host), "is not let out by its source"),
            (through, exemption.line == nil ? .between : last, "is not let through on its way"),
            (inwards, last, "is not let in"),
        ]
        if expected == .none, exemption.yields {
            verdict.taken = try taken(asked, at: stations)
            verdict.lets = verdict.taken == nil
            return verdict
        }
        verdict.lets = true
        for (ends, place, reason) in stations {
            let lost = try part(expected, of: ends.placed, .stopped)
            if lost != .none {
                verdict.findings = [found(.refuted, reason, lost, at: place, isOfAllowed: true, fromLeasesOf: host)]
                return verdict
            }
            let open = try part(expected, of: ends.placed, .perhapsStopped)
            if open != .none, doubt == nil {
                doubt = found(.unknown, "may be dropped", open, at: place, isOfAllowed: true, fromLeasesOf: host)
            }
        }
        if let doubt { verdict.findings = [doubt] }
        return verdict
    }

    /// Where all of an `allow` is stopped that comes here; nil where something may be let through.
    private func taken(
        _ asked: PacketFunction,
        at stations: [(SiteWays.Ends, SiteHosts.Place, String)]
    ) throws(SpaceExhausted) -> Finding? {
        var left = asked
        for (ends, _, _) in stations { left = try part(left, of: ends.placed, .perhapsAccepted) }
        guard left == .none else { return nil }
        for (ends, place, reason) in stations {
            let stopped = try part(asked, of: ends.placed, .stopped)
            if stopped != .none { return found(.proved, reason, stopped, at: place, isOfAllowed: true) }
        }
        return nil
    }

    /// What may be stopped.
    private func refused(_ exemption: Exemption) throws(SpaceExhausted) -> PacketFunction {
        if let known = knownRefused[exemption] { return known }
        let ends = [try out(exemption), try through(exemption), try inwards(exemption)]
        let refused = try self.refused(ends, yields: exemption.yields)
        knownRefused[exemption] = refused
        return refused
    }

    private func refused(_ ends: [SiteWays.Ends], yields: Bool) throws(SpaceExhausted) -> PacketFunction {
        let lines = yields ? ends.map(\.refused) : []
        return try store.joined(lines + ends.map(\.defended), .union) ?? .none
    }

    /// What may be asked of the outcomes of a connection.
    enum Fate {
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
    func part(
        _ set: PacketFunction,
        of outcomes: PacketFunction,
        _ fate: Fate
    ) throws(SpaceExhausted) -> PacketFunction {
        if set == .none { return .none }
        if let known = treated[fate]?[outcomes] { return try store.combine(set, known, .intersection) }
        let chosen = try store.map(outcomes) { fate.covers(Outcomes(rawValue: $0)) ? 1 : 0 }
        treated[fate, default: [:]][outcomes] = chosen
        return try store.combine(set, chosen, .intersection)
    }

    // MARK: - Findings

    func found(
        _ answer: ProofAnswer,
        _ reason: String,
        _ region: PacketFunction,
        at place: SiteHosts.Place,
        isOfAllowed: Bool,
        fromLeasesOf host: Int? = nil
    ) -> Finding {
        let packet = Witness(in: store).packet(region, .input)
        var found = finding(answer, reason, packet: packet, at: place, isOfAllowed: isOfAllowed)
        found.leasedSource = host
        return found
    }

    private func finding(
        _ answer: ProofAnswer,
        _ reason: String,
        packet: Packet?,
        at place: SiteHosts.Place,
        isOfAllowed: Bool
    ) -> Finding {
        Finding(isOfAllowed: isOfAllowed, answer: answer, packet: packet, place: place, end: end, reason: reason)
    }
}
