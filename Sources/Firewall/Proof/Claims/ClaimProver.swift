import Linux
import Site

/// Holds claims against all hosts of a site: a connection between two of them takes the egress of the one and the
/// ingress of the other, and the forwarding of the routers between. A source is taken at its word: who bears an address
/// sends from it.
package struct ClaimProver: Sendable {
    private let site: SiteHosts
    private let limit: Int
    private let steps: Int

    /// - Parameters:
    ///   - limit: see `DiagramStore`; for the claims at each place where connections end.
    ///   - steps: see `DiagramStore`; for the claims at each place where connections end.
    package init(
        _ site: SiteHosts,
        limit: Int = DiagramStore.usualLimit,
        steps: Int = DiagramStore.usualSteps
    ) {
        self.site = site
        self.limit = limit
        self.steps = steps
    }

    /// The answers in the order of the claims, each with a packet where it is not "proved".
    package func prove(_ claims: [Claim]) -> [ClaimProof] {
        if claims.isEmpty { return [] }
        let (asked, sources) = AskedClaim.all(claims, idle: idleSources(claims))
        let common = SiteWays.common(site, sources: sources, limit: limit, steps: steps)
        let ends = site.hosts.indices.map(SiteEnd.known) + site.leased.sorted().map(SiteEnd.leased) + [.elsewhere]
        // What is common is copied once for each thread: a site may have thousands of ends.
        let ways = { @Sendable [site, limit, steps] in SiteWays(site, common, limit: limit, steps: steps) }
        let results = Parallel.map(ends, with: ways) { ways, end in
            ways.restart()
            let judge = ClaimJudge(at: end, ways)
            var result = Result()
            for index in asked.indices {
                let verdict = judge.judge(asked[index])
                if verdict.lets { result.lets.append(index) }
                if verdict.isAsked { result.asked.append(index) }
                if let taken = verdict.taken { result.taken.append((index, taken)) }
                for finding in verdict.findings { result.findings.append((index, finding)) }
            }
            return result
        }
        var found: [[ClaimJudge.Finding]] = Array(repeating: [], count: claims.count)
        var taken: [Int: ClaimJudge.Finding] = [:]
        for result in results {
            for (index, finding) in result.findings { found[index].append(finding) }
            for (index, finding) in result.taken where taken[index] == nil { taken[index] = finding }
        }
        // What is let through somewhere is not void.
        for index in results.flatMap(\.lets) { taken[index] = nil }
        let known = Set(results.flatMap(\.asked))
        let doubt = doubt()
        return claims.indices.map { index in
            if let finding = Self.foremost(found[index]) { return proof(claims[index], finding) }
            if let reason = emptiness(of: claims[index], isAsked: known.contains(index)) {
                var proof = ClaimProof(claim: claims[index], reason: reason)
                proof.isVoid = true
                return proof
            }
            if let doubt { return ClaimProof(claim: claims[index], answer: .unknown, reason: doubt) }
            guard let finding = taken[index] else { return ClaimProof(claim: claims[index]) }
            var proof = proof(claims[index], finding)
            proof.isVoid = true
            return proof
        }
    }

    /// What was found at one place, by the claims' places in their list.
    private struct Result: Sendable {
        var findings: [(claim: Int, finding: ClaimJudge.Finding)] = []
        var taken: [(claim: Int, finding: ClaimJudge.Finding)] = []
        var lets: [Int] = []
        var asked: [Int] = []
    }

    /// Why a claim is about nothing; nil when it is about something. A derived rule may be about what a host says to
    /// itself.
    private func emptiness(of claim: Claim, isAsked: Bool) -> String? {
        if let reason = claim.emptiness { return reason }
        if isAsked || claim.isDerived { return nil }
        if claim.isBoundToInterfaces {
            return "lets nothing through: no connection of it passes a host of the site by interfaces of its zones"
        }
        let word = claim.kind == .allow ? "lets nothing through" : "says nothing"
        let ends = claim.wholeSources.union(claim.wholeDestinations).intersection(site.leased)
        if let host = ends.min() {
            return "\(word): which addresses \(site.hosts[host].intent.host) has by DHCP the other end does not know"
        }
        return "\(word): no connection of it passes a host of the site, which bears other addresses"
    }

    /// For each claim the addresses of hosts that get nothing from its line: one that is bound to a zone says nothing of
    /// hosts that have no interface of it and that it does not name; and what a host that it names shares with others.
    private func idleSources(_ claims: [Claim]) -> [AddressSet] {
        claims.map { claim in
            let shared = site.addressesShared(beyond: claim.namedSources)
            guard let zone = claim.outZone else { return shared }
            let others = site.hosts.indices.filter { !site.hosts[$0].sides.has(zone) }
            return site.addresses(of: Set(others).subtracting(claim.namedSources)).union(shared)
        }
    }

    /// Why nothing is proved, whatever the claim: a kernel changes addresses otherwise than is meant.
    private func doubt() -> String? {
        let doubts = Parallel.map(site.hosts) { [limit, steps] host in
            host.doubt(in: DiagramStore(limit: limit, steps: steps))
        }
        return doubts.lazy.compactMap { $0 }.first
    }

    /// What says most of a claim: that it is broken, and of that the first; of what is meant to be stopped before what
    /// is meant to be let through.
    private static func foremost(_ findings: [ClaimJudge.Finding]) -> ClaimJudge.Finding? {
        let broken = findings.filter { $0.answer == .refuted }
        let list = broken.isEmpty ? findings : broken
        return list.first { !$0.isOfAllowed } ?? list.first
    }

    // MARK: - For people

    /// The answer with a packet that a person can read, and the rule that decides about it.
    private func proof(_ claim: Claim, _ finding: ClaimJudge.Finding) -> ClaimProof {
        var proof = ClaimProof(claim: claim, answer: finding.answer, reason: finding.reason)
        proof.packet = finding.packet
        let change = finding.answer == .unknown ? finding.packet.flatMap(site.sourceChange) : nil
        if let change {
            let line = change.translation.position.line
            proof.reason = "\(finding.reason): `\(change.router)` may have given it another source (line \(line))"
        }
        guard let packet = finding.packet,
            let decided = site.decision(packet, at: finding.place, isPlaced: finding.isOfAllowed)
        else { return proof }
        proof.packet = decided.packet
        proof.lease = lease(finding)
        proof.host = site.hosts[decided.host].intent.host
        let intent = site.hosts[decided.host].intent
        proof.rule = intent.rule(for: decided.packet)
        if let source = change?.source, decided.packet.path == .input {
            var changed = decided.packet
            changed.source = source
            proof.reason = "\(proof.reason ?? ""), \(source), \(Self.verdict(intent.rule(for: changed)))"
        }
        if change != nil, let help = help(claim, with: packet) { proof.reason = "\(proof.reason ?? ""); \(help)" }
        return proof
    }

    /// What may help where a host that the claim names has further addresses, as in a network that no router of the site is
    /// attached to: where such a network lies the site file does not say, so a router's `outside` may lead there.
    private func help(_ claim: Claim, with packet: Packet) -> String? {
        let ends = [(claim.wholeDestinations, packet.destination), (claim.wholeSources, packet.source)]
        for (hosts, address) in ends {
            let family: AddressFamily = address.width == 32 ? .v4 : .v6
            for host in hosts.sorted() where site.hosts[host].addresses.contains(address) {
                if site.hosts[host].addresses.intersection(.all(of: family)) == AddressSet([address]) { continue }
                let name = site.hosts[host].intent.host
                return "if \(address) is not meant, write out the addresses of \(name) that are"
            }
        }
        return nil
    }

    /// What a rule makes of packets from somewhere, in words.
    private static func verdict(_ rule: IntentRule?) -> String {
        guard let rule else { return "from which no rule lets it in" }
        return "from which `\(rule.id)` \(rule.verdict == .accept ? "lets it in" : "refuses it")"
    }

    /// Which ends are addresses by DHCP, in words; nil when none is.
    private func lease(_ finding: ClaimJudge.Finding) -> String? {
        func words(_ direction: String, _ index: Int?) -> String? {
            guard let index, case .among(let names) = site.hosts[index].leasing else { return nil }
            let interfaces = names.sorted().joined(separator: " or ")
            return "\(direction) an address that \(site.hosts[index].intent.host) has by DHCP on \(interfaces)"
        }
        let to = finding.end.isLeased ? finding.end.host : nil
        let ends = [words("from", finding.leasedSource), words("to", to)].compactMap(\.self)
        return ends.isEmpty ? nil : ends.joined(separator: " ")
    }
}
