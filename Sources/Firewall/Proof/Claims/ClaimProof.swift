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
}
