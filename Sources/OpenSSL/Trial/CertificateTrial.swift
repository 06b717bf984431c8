/// A certificate that a share of the clients is shown in the place of the one before, and what both kinds of clients made
/// of theirs. Shared by all workers: any thread may call, and none waits for another.
package final class CertificateTrial: Sendable {
    /// How many of a hundred clients get it.
    package let share: Int
    /// What is on trial: bundle for bundle of the same names and kinds of key as what it is to follow.
    package let bundles: [CertificateBundle]
    /// Of those who were shown it, and of those who were shown the one before.
    package let fresh = TrialTally()
    package let known = TrialTally()
    /// So that nobody outside knows who is picked, and that it is not always the same.
    private let salt = UInt64.random(in: .min ... .max)

    package init(share: Int, bundles: [CertificateBundle]) {
        self.share = share
        self.bundles = bundles
    }

    /// Whether this client is among the share. The same for a client as long as the trial lasts, whatever it resumes.
    ///
    /// - Parameter client: who it is, as far as it counts as one; see `TLSSession.client`.
    internal func picks(_ client: UInt64) -> Bool {
        let number = Self.mixed(client ^ salt)
        return Int(((number >> 32) * 100) >> 32) < share
    }

    internal func tally(ofFresh isFresh: Bool) -> TrialTally { isFresh ? fresh : known }

    /// Spreads what differs in one bit over all (splitmix64, Steele et al., 2014).
    internal static func mixed(_ number: UInt64) -> UInt64 {
        var z = number &+ 0x9E37_79B9_7F4A_7C15
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}
