import Site

/// What became of a claim.
package struct ClaimProof: Sendable {
    package let claim: Claim
    package var answer = ProofAnswer.proved
    /// The packet on which the claim fails, or may: as `host` sees it.
    package var packet: Packet?
    /// The host that decides about the packet: the destination, the source when that stops it, or a router between.
    package var host: String?
    /// What is wrong, in words.
    package var reason: String?
    /// The rule of that host's intent that decides about the packet; nil when none does.
    package var rule: IntentRule?
    /// What takes every packet of an `allow`, so that its line lets nothing through; nil where it does. The answer is
    /// then about no packet.
    package fileprivate(set) var taken: HiddenRule?

    package var isProved: Bool { answer == .proved && taken == nil }

    /// The answer in a word: `void` for a line that lets nothing through.
    package var word: String { isProved || answer != .proved ? answer.rawValue : "void" }
}

extension [ClaimProof] {
    /// The same answers with what takes all of it beside each `allow` that would be proved of no packet.
    ///
    /// - Parameter hidden: the hidden rules of the hosts that the claims are about.
    package func marking(_ hidden: [HiddenRule]) -> [ClaimProof] {
        let void = Dictionary(hidden.filter { $0.kind == .contradicted }.map { ($0.rule.id, $0) }) { first, _ in first }
        return map { proof in
            var proof = proof
            if proof.claim.kind == .allow, proof.answer == .proved { proof.taken = void[proof.claim.id] }
            return proof
        }
    }
}
