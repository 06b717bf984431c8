package import Site

/// The policy of a site as time goes by: what is meant now, and from each later moment on at which a line ends by itself.
/// Between two moments nothing changes; what ended before now counts no more.
package struct PolicyTimeline: Sendable {
    private struct Stage: Sendable {
        /// nil for now.
        let since: Int64?
        let moment: Int64
        let intent: Intent
    }

    private let site: SiteModel
    private let held: [String: HeldRuleset]
    /// The claims of every line, also of those that ended.
    private let claims: [Claim]
    private let stages: [Stage]
    /// Why later moments are not looked at; nil when all are.
    private let doubt: String?

    /// How many moments are looked at: each is a proof of its own.
    private static let mostEnds = 64

    /// - Parameters:
    ///   - held: what kernels hold, by the host's name; hosts that are left out do what is meant.
    ///   - now: in seconds since 1970.
    package init(_ site: SiteModel, held: [String: HeldRuleset] = [:], at now: Int64) {
        self.site = site
        self.held = held
        let all = Intent(of: site)
        claims = all.claims
        let ends = Set(all.hosts.flatMap(\.ends) + held.values.flatMap(\.ends)).filter { $0 > now }.sorted()
        doubt =
            ends.count > Self.mostEnds
            ? "lines end at \(ends.count) different moments, more than \(Self.mostEnds)" : nil
        stages =
            [Stage(since: nil, moment: now, intent: Intent(of: site, at: now))]
            + ends.prefix(Self.mostEnds).map { Stage(since: $0, moment: $0, intent: Intent(of: site, at: $0)) }
    }

    // MARK: - Claims

    /// The answers about claims of these kinds, in their order: of all moments the one that says most against a claim.
    ///
    /// - Parameters:
    ///   - lines: the only claims of the kind `allow` that are asked, by their ids; nil for all.
    ///   - hidden: the hidden rules at each moment, which say what takes all of an `allow`.
    package func prove(
        _ kinds: Set<Claim.Kind> = Set(Claim.Kind.allCases),
        lines: Set<String>? = nil,
        hidden: Hidden? = nil
    ) -> [ClaimProof] {
        let asked = claims.filter { claim in
            kinds.contains(claim.kind) && (claim.kind != .allow || lines?.contains(claim.id) ?? true)
        }
        var proofs: [ClaimProof?] = Array(repeating: nil, count: asked.count)
        for (number, stage) in stages.enumerated() {
            let lasting = asked.indices.filter { asked[$0].expires.map { stage.moment < $0 } ?? true }
            let hosts = SiteHosts(stage.intent, of: site, held: held.mapValues { $0.at(stage.moment) })
            let found = ClaimProver(hosts).prove(lasting.map { asked[$0] }).marking(hidden?.stages[number] ?? [])
            for (index, proof) in zip(lasting, found) {
                var proof = proof
                proof.since = stage.since
                guard let known = proofs[index], known.weight >= proof.weight else {
                    proofs[index] = proof
                    continue
                }
            }
        }
        return asked.indices.map { index in
            var proof = proofs[index] ?? ClaimProof(claim: asked[index])
            if proofs[index] == nil { proof.ended = asked[index].expires }
            if let doubt, proof.isProved { (proof.answer, proof.reason) = (.unknown, doubt) }
            return proof
        }
    }

    // MARK: - Hidden rules

    /// The rules that decide about nothing, moment by moment.
    package struct Hidden: Sendable {
        fileprivate let stages: [[HiddenRule]]
        /// Those that decide about nothing as long as they last.
        package let always: [HiddenRule]
    }

    /// - Throws: when there are too many pieces to tell.
    package func hidden() throws(SpaceExhausted) -> Hidden {
        var lists: [[HiddenRule]] = []
        for stage in stages { lists.append(try HiddenRule.all(in: stage.intent.hosts)) }
        let always = lists[0].compactMap { first in
            zip(stages, lists).dropFirst().reduce(HiddenRule?.some(first)) { hidden, next in
                guard let hidden, hidden.rule.lasts(at: next.0.moment) else { return hidden }
                return next.1.first { $0.rule.id == hidden.rule.id }.map(hidden.joined)
            }
        }
        return Hidden(stages: lists, always: always)
    }
}

extension ClaimProof {
    /// How much the answer says against the claim.
    fileprivate var weight: Int {
        switch answer {
        case .refuted: 3
        case .unknown: 2
        // What lets nothing through for a time only is not void.
        case .proved: isProved ? 1 : 0
        }
    }
}
