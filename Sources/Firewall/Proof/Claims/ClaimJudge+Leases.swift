/// Addresses that hosts have by DHCP: the site file names none of them, and each that no other host bears may be one. What
/// others know of them follows from that.
///
/// - What is not to be let through is asked of all of them, at either end. Where it hangs on an address that the site claims
///   otherwise, or that the claim writes out, which the host may have and may not, it is not known.
/// - What is to be let through is asked of strangers' addresses, by the interfaces that get theirs by DHCP, and of the host
///   itself: no line that names the host tells others which addresses to let out to it, or in from it, unless it
///   means all of them.
extension ClaimJudge {
    /// What hangs on which address the end has by DHCP: one that the site claims otherwise or, where the claim does not mean the
    /// host as such, any.
    func uncertain(_ claim: Claim) throws(SpaceExhausted) -> PacketFunction {
        guard case .leased(let host) = end else { return .none }
        guard claim.wholeDestinations.contains(host) else { return .all }
        if let knownUncertain { return knownUncertain }
        let uncertain = try ways.to(site.claimed)
        knownUncertain = uncertain
        return uncertain
    }

    /// The first connection that is let through from an address by DHCP.
    func neverOfLeases(
        _ claim: Claim,
        _ traffic: TrafficSet,
        _ addresses: AddressSet
    ) throws(SpaceExhausted) -> Verdict {
        var verdict = Verdict()
        let hosts = Set(leasedSources(of: claim))
        if hosts.isEmpty { return verdict }
        let asked = try unwanted(claim, traffic, from: .all, to: addresses)
        if asked == .none { return verdict }
        verdict.isAsked = true
        let uncertain = try store.combine(try uncertain(claim), try ways.from(site.claimed), .union)
        for (fate, left) in [(Fate.accepted, uncertain), (Fate.perhapsAccepted, PacketFunction.none)] {
            let arriving = try part(asked, of: try ingress().outcomes, fate)
            let leaving = try store.combine(try leaving(hosts, fate), left, .difference)
            let open = try store.combine(leaving, arriving, .intersection)
            if let found = try found(open, of: claim, leaving: hosts, fate) {
                verdict.findings = [found]
                return verdict
            }
        }
        return verdict
    }

    /// The first connection that may be let through from an address that a claim writes out and a host may have by DHCP. Where
    /// it ends at a host, whoever sends it is asked about anyway.
    func neverOfWritten(
        _ claim: AskedClaim,
        _ traffic: TrafficSet,
        _ addresses: AddressSet
    ) throws(SpaceExhausted) -> Verdict {
        var verdict = Verdict()
        guard end == .elsewhere else { return verdict }
        let written = claim.claim.writtenSources
        let hosts = site.leased.subtracting(claim.claim.wholeSources).filter { host in
            site.hosts[host].leases.intersects(written)
        }
        if hosts.isEmpty { return verdict }
        let sources = written == claim.claim.sources ? try from(claim) : try ways.from(written)
        let asked = try unwanted(claim.claim, traffic, from: sources, to: addresses)
        if asked == .none { return verdict }
        verdict.isAsked = true
        let open = try store.combine(asked, try leaving(hosts, .perhapsAccepted), .intersection)
        verdict.findings = [try found(open, of: claim.claim, leaving: hosts, .perhapsAccepted)].compactMap(\.self)
        return verdict
    }

    /// The first of these connections of which a host lets one out, from an address by DHCP.
    private func found(
        _ open: PacketFunction,
        of claim: Claim,
        leaving hosts: Set<Int>,
        _ fate: Fate
    ) throws(SpaceExhausted) -> Finding? {
        if open == .none { return nil }
        for host in hosts.sorted() {
            var its = try store.combine(open, try leaving([host], fate), .intersection)
            if end == .elsewhere, claim.exemptsUpkeep {
                its = try store.combine(its, try ways.egress(ofLeases: host).upkeep, .difference)
            }
            if its == .none { continue }
            let answer: ProofAnswer = fate == .accepted ? .refuted : .unknown
            let reason = fate == .accepted ? "is let through" : "may be let through"
            let place: SiteHosts.Place = end == .elsewhere ? .source(byDHCP: host) : .end(end)
            return found(answer, reason, its, at: place, isOfAllowed: false, fromLeasesOf: host)
        }
        return nil
    }

    /// The hosts that a claim means as such and that send from addresses by DHCP, but for the end itself.
    func leasedSources(of claim: Claim) -> [Int] {
        claim.ends == .inwards ? [] : claim.wholeSources.intersection(site.leased).filter { $0 != end.host }.sorted()
    }

    /// What any of the hosts lets out of addresses by DHCP with such a fate.
    private func leaving(_ hosts: Set<Int>, _ fate: Fate) throws(SpaceExhausted) -> PacketFunction {
        if let known = knownLeaving[fate]?[hosts] { return known }
        var parts: [PacketFunction] = []
        for host in hosts.sorted() {
            let from = try ways.from(site.hosts[host].leases)
            let departing = try ways.departing(to: end, try ways.egress(ofLeases: host).outcomes)
            parts.append(try part(from, of: departing, fate))
        }
        let leaving = try store.joined(parts, .union) ?? .none
        knownLeaving[fate, default: [:]][hosts] = leaving
        return leaving
    }

    // MARK: - What is to be let through

    /// Of connections to an address by DHCP those that a claim promises.
    func promised(_ claim: Claim, _ asked: PacketFunction) throws(SpaceExhausted) -> PacketFunction {
        guard let index = end.host, asked != .none else { return asked }
        let host = site.hosts[index]
        let interfaces = leasing(of: host, claim.inZone)
        var left = try store.combine(asked, try ways.to(site.strangers), .intersection)
        left = try store.combine(left, try ways.from(host.sides.away(from: interfaces)), .difference)
        var unknown = try store.combine(try ways.attended(), try ways.to(claim.destinations), .difference)
        // An `exactly` that names a host with no other address is about these, for the other hosts of the site.
        if claim.kind == .exactly, host.addresses.isEmpty {
            unknown = try store.combine(unknown, try ways.from(site.addresses), .difference)
        }
        return try store.combine(left, unknown, .difference)
    }

    /// Of connections from addresses that a host has by DHCP those that a claim promises.
    func promised(
        _ claim: Claim,
        fromLeasesOf index: Int,
        to addresses: AddressSet
    ) throws(SpaceExhausted) -> PacketFunction {
        let host = site.hosts[index]
        // That two of these know each other no line can promise.
        if end.isLeased { return .none }
        let reached = addresses.subtracting(host.sides.away(from: leasing(of: host, claim.outZone)))
        let sources = host.leases.intersection(site.strangers)
        let asked = try wanted(claim, from: try ways.from(sources), to: reached)
        if asked == .none { return asked }
        let isAlone = claim.kind == .exactly && host.addresses.isEmpty
        let unknown = end == .elsewhere || isAlone ? try ways.ours() : .all
        let unnamed = try store.combine(unknown, try ways.from(claim.sources), .difference)
        return try store.combine(asked, unnamed, .difference)
    }

    /// The interfaces of a host that get their addresses by DHCP and are of the zone of a line; all of them when the host has
    /// none of it at all.
    private func leasing(of host: SiteHosts.Host, _ zone: String?) -> InterfaceSet {
        guard let zone, host.sides.has(zone) else { return host.leasing }
        return host.leasing.intersection(host.sides.interfaces(of: zone))
    }
}
