import OpenSSL

/// What has become so far of a certificate that is on trial, in the data plane.
package struct CertificateTrialReport: Codable, Equatable, Sendable {
    /// What clients made of one certificate.
    package struct Counts: Codable, Equatable, Sendable {
        /// How many were shown it; an address, or the /64 of an IPv6 one, is one client.
        package var clients = 0
        /// How many of them refused it.
        package var refusals = 0
        /// By which alerts: their names in RFC 8446, and for how many clients each came first.
        package var reasons: [String: Int] = [:]

        package init() {}

        fileprivate init(_ tally: TrialTally) {
            clients = tally.clients
            refusals = tally.refusals
            reasons = tally.reasons
        }
    }

    /// The certificate's name in the site file.
    package var name: String
    /// Of the one on trial, and of the one that it is to follow.
    package var fresh = Counts()
    package var known = Counts()

    package init(name: String) { self.name = name }

    internal init(_ name: String, _ trial: CertificateTrial) {
        self.name = name
        fresh = Counts(trial.fresh)
        known = Counts(trial.known)
    }
}
