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
    /// Which end of the packet is an address that a host has by DHCP, so that any other would do: `to an address that db-01
    /// has by DHCP on eth0`.
    package var lease: String?
    /// The rule of that host's intent that decides about the packet; nil when none does.
    package var rule: IntentRule?
    /// What takes every packet of an `allow`, so that its line lets nothing through; nil where it does. The answer is
    /// then about no packet.
    package fileprivate(set) var taken: HiddenRule?
    /// Whether an `allow` lets nothing through, since all of it may be stopped and is; the packet is one of these then. Or
    /// whether a claim of any kind is about no connection: there is no packet then, and `reason` says why.
    package internal(set) var isVoid = false
    /// When the line of an `allow` ended by itself before now, in seconds since 1970; nil when it did not.
    package internal(set) var ended: Int64?
    /// The moment from which on it is so, in seconds since 1970; nil when it is so from now on.
    package internal(set) var since: Int64?

    package var isProved: Bool { answer == .proved && taken == nil && !isVoid && ended == nil }

    /// Whether nothing speaks against a `never` or an `exactly`. One whose ends cannot meet, as of a group with one host, is
    /// harmless; one that should be about the internet is not.
    package var isKept: Bool { isProved || isVoid && claim.emptiness == nil }

    /// The answer in a word: `void` for a line that lets nothing through, and for a claim about nothing.
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
            guard proof.claim.kind == .allow, proof.answer == .proved, let taken = void[proof.claim.id] else {
                return proof
            }
            // The lines that take it say more than one packet.
            proof = ClaimProof(claim: proof.claim)
            proof.taken = taken
            return proof
        }
    }
}
