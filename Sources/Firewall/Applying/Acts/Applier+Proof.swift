import Site

/// A ruleset that a kernel has taken where it harms nobody, with what it then held and what that proves.
package struct ProvedRuleset: Sendable {
    package let compiled: CompiledRuleset
    package let proof: HostProof
    /// What a kernel holds of it alone.
    let listing: HeldListing
    let script: RulesetScript
}

extension Applier {
    /// Loads the ruleset in a network that goes away, reads back what the kernel holds, and proves that it is what the
    /// policy means.
    ///
    /// - Parameter takesUnknown: whether a ruleset of which nothing is proved either way is taken all the same.
    /// - Throws: `wanting` when it is not proved, with a packet that shows it.
    package func prove(_ compiled: CompiledRuleset, takesUnknown: Bool) throws(ApplyError) -> ProvedRuleset {
        let script = try compiled.script()
        let bytes: [UInt8]
        do throws(KernelFailure) {
            bytes = try scratch.hold(compiled.text)
        } catch {
            throw ApplyError(error, ruleOfLine: compiled.ruleOfLine)
        }
        let listing = try Self.parse(bytes)
        let proof = HostProof(compiled.intent, against: try listing.ruleset())
        if let difference = proof.differences.first(where: { $0.kind == .more || $0.kind == .less }) {
            let rule = difference.rule.map { "rule \($0.id)" } ?? "no rule"
            throw ApplyError(
                .wanting,
                "the ruleset is not what the policy means, and nothing was changed: "
                    + "\(difference.packet.path.rawValue): \(difference.packet.text) (\(difference.kind.rawValue); the policy "
                    + "decides by \(rule)). That is a fault of gatehouse: please report it"
            )
        }
        if proof.answer != .proved, !takesUnknown {
            throw ApplyError(
                .wanting,
                "it cannot be proved that the ruleset is what the policy means, and nothing was changed: "
                    + "\(proof.doubt ?? "a statement is not understood"); --unproved applies it all the same"
            )
        }
        return ProvedRuleset(compiled: compiled, proof: proof, listing: listing, script: script)
    }
}

extension ProvedRuleset {
    /// Whether somebody would be let in once the ruleset is in force beside the tables of others that are there now.
    ///
    /// - Parameters:
    ///   - live: what the machine holds now.
    ///   - entrances: where the connection may come in.
    ///   - seconds: for how long it must be so.
    package func finding(
        on access: AdministratorCheck.Access,
        beside live: HeldListing,
        at entrances: [AdministratorCheck.Entrance],
        for seconds: Int
    ) throws(ApplyError) -> AdministratorCheck.Finding {
        let held = try live.replacing(listing).ruleset()
        let now = Applier.now
        return AdministratorCheck.finding(access, held, at: entrances, now: now, until: now + Int64(seconds))
    }

    /// What tables of others make of packets beside the ruleset: sentences, each with a packet and who decides about it.
    /// Empty when they change nothing.
    ///
    /// - Parameter live: what the machine holds now.
    package func changes(byOthersIn live: HeldListing) throws(ApplyError) -> [String] {
        let foreign = live.foreign
        // Where our own rules are not proved either, nothing is known to come from others.
        guard foreign.hasBaseChains, proof.answer == .proved else { return [] }
        let held = try foreign.replacing(listing).ruleset()
        let together = HostProof(compiled.intent, against: held)
        let doubt = together.doubt.map { ["what tables of others make of packets is not known: \($0)"] } ?? []
        return doubt
            + together.differences.map { difference in
                let packet = "\(difference.packet.path.rawValue): \(difference.packet.text)"
                let steps = difference.trace.described(in: held)
                let isForeign = { (step: String) in !step.hasPrefix("\(TableName.own) ") }
                let deciding = difference.trace.doubt(in: held) ?? steps.last(where: isForeign) ?? "tables of others"
                return "\(packet), which our rules \(difference.kind.byOthers) (\(deciding))"
            }
    }
}

extension HeldListing {
    /// Whether packets pass any chain of it.
    fileprivate var hasBaseChains: Bool {
        tables.values.contains { $0.contains { $0["chain"]?["hook"] != nil } }
    }
}

extension HostProof.Kind {
    /// Behind "a packet, which our rules".
    fileprivate var byOthers: String {
        switch self {
        case .less: "accept, is dropped by others'"
        case .perhapsLess: "accept, may be dropped by others'"
        case .more, .perhapsMore: "drop, may be let through by others'"
        case .changed: "leave alone, gets another address by others'"
        case .perhapsChanged: "leave alone, may get another address by others'"
        }
    }
}
