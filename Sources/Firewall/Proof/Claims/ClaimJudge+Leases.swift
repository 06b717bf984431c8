/// Addresses that hosts have by DHCP: the site file names none of them, and each that no other host bears may be one. What
/// others know of them follows from that.
///
/// - What is not to be let through is asked of all of them, at either end. Where it hangs on an address that the site claims
///   otherwise, which the host may have and may not, it is not known.
/// - What is to be let through is asked of strangers' addresses, by the interfaces that get theirs by DHCP, and of the host
///   itself: no line that names the host tells others which addresses to let out to it, or in from it, unless it
///   means all of them.
extension ClaimJudge {
    /// What hangs on addresses that the site claims otherwise, when the end is by DHCP.
    func uncertain() throws(SpaceExhausted) -> PacketFunction {
        if let knownUncertain { return knownUncertain }
        let uncertain = end.isLeased ? try ways.to(site.claimed) : .none
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
        let uncertain = try store.combine(try uncertain(), try ways.from(site.claimed), .union)
        for (fate, left) in [(Fate.accepted, uncertain), (Fate.perhapsAccepted, PacketFunction.none)] {
            let arriving = try part(asked, of: try ingress().outcomes, fate)
            let leaving = try store.combine(try leaving(hosts, fate), left, .difference)
            let open = try store.combine(leaving, arriving, .intersection)
            if open == .none { continue }
            for host in hosts.sorted() {
                var its = try store.combine(open, try self.leaving([host], fate), .intersection)
                if end == .elsewhere, claim.exemptsUpkeep {
                    its = try store.combine(its, try ways.egress(ofLeases: host).upkeep, .difference)
                }
                if its == .none { continue }
                let answer: ProofAnswer = fate == .accepted ? .refuted : .unknown
                let reason = fate == .accepted ? "is let through" : "may be let through"
                let place: SiteHosts.Place = end == .elsewhere ? .source(byDHCP: host) : .end(end)
                verdict.findings = [found(answer, reason, its, at: place, isOfAllowed: false, fromLeasesOf: host)]
                return verdict
            }
        }
        return verdict
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
            parts.append(try part(from, of: try ways.egress(ofLeases: host).outcomes, fate))
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
