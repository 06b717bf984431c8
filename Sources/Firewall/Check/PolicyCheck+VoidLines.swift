import Site

/// Lines of `allow` that let nothing through, since lines of `deny` or a defence take all of them.
extension PolicyCheck {
    mutating func checkVoidLines() {
        let suspects = suspects
        guard !suspects.isEmpty else { return }
        for proof in PolicyTimeline(site, at: now).prove([.allow], lines: suspects)
        where proof.answer == .proved && proof.isVoid {
            guard let packet = proof.packet else { continue }
            let isOfLine = proof.rule?.position.line ?? 0 > 0
            report(
                .warning,
                .ineffective,
                proof.claim.position,
                "the rule `\(proof.claim.id)` lets nothing through: \(described(Connection(packet))) "
                    + Self.verdict(proof.rule),
                help: isOfLine
                    ? "remove one of the two lines"
                    : "name the network in `networks`, switch that defence off, or remove the line"
            )
        }
    }

    /// The few lines of which it may be so, by their ids: each of their sides is one that lines of `deny` name together, or
    /// their sources are all bogons. To prove every line takes longer than people wait for a check.
    private var suspects: Set<String> {
        let denied = intent.flows.filter { $0.verdict != .accept }
        let sources = Self.union(denied.map(\.sources.addresses))
        let destinations = Self.union(denied.map(\.destinations.addresses))
        let bogons = SpecialAddresses.bogons.subtracting(claimed)
        let traffic = denied.reduce(TrafficSet.none) { $0.union($1.traffic) }
        let lines = intent.flows.filter { flow in
            guard flow.origin == .written, flow.verdict == .accept, flow.ends == .both else { return false }
            if flow.sources.addresses.isSubset(of: bogons) { return true }
            return flow.traffic.isSubset(of: traffic) && flow.sources.addresses.isSubset(of: sources)
                && flow.destinations.addresses.isSubset(of: destinations)
        }
        return Set(lines.map(\.id))
    }

    /// What the site names, or has its hosts attached to.
    private var claimed: AddressSet {
        AddressSet(site.networks.values.joined()).union(
            AddressSet(site.hosts.values.flatMap(\.allAddresses).map(\.network))
        )
    }

    private static func union(_ sets: [AddressSet]) -> AddressSet {
        AddressSet(v4: IntervalSet(sets.flatMap(\.v4.ranges)), v6: IntervalSet(sets.flatMap(\.v6.ranges)))
    }
}
