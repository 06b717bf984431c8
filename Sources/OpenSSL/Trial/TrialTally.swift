import Synchronization

/// What clients made of one certificate: how many of them there were, and how many refused it by an alert.
///
/// A client counts once, however often it comes: who floods with alerts has one voice for each address that it has. Those
/// are marked in a table of fixed size, where two clients that share a place count as one; up to some thousands that is
/// seldom, and it is as seldom for those who refuse.
package final class TrialTally: Sendable {
    /// Bits of each table.
    private static let places = 16_384

    private let seen = Marks()
    private let refused = Marks()
    private let alerts = InlineArray<8, Atomic<Int>> { _ in Atomic(0) }

    internal init() {}

    /// A handshake that showed the certificate ended well.
    internal func accept(_ client: UInt64) { seen.mark(CertificateTrial.mixed(client)) }

    internal func refuse(_ client: UInt64, _ alert: CertificateAlert) {
        let number = CertificateTrial.mixed(client)
        seen.mark(number)
        // Alerts that repeat what a client said tell nothing.
        guard refused.mark(number) else { return }
        alerts[alert.place].wrappingAdd(1, ordering: .relaxed)
    }

    /// Clients that were shown it.
    package var clients: Int { seen.count }
    /// Those of them that refused it.
    package var refusals: Int { refused.count }

    /// What they said, by the names of the alerts; each client with the first of its alerts.
    package var reasons: [String: Int] {
        var reasons: [String: Int] = [:]
        for alert in CertificateAlert.allCases {
            let count = alerts[alert.place].load(ordering: .relaxed)
            if count > 0 { reasons[alert.name] = count }
        }
        return reasons
    }

    /// A set of numbers, in bits.
    private final class Marks: Sendable {
        private let words = InlineArray<256, Atomic<UInt64>> { _ in Atomic(0) }

        /// - Returns: whether it was not there.
        @discardableResult
        func mark(_ number: UInt64) -> Bool {
            let place = Int(number % UInt64(TrialTally.places))
            let bit: UInt64 = 1 << UInt64(place & 63)
            if words[place >> 6].load(ordering: .relaxed) & bit != 0 { return false }
            return words[place >> 6].bitwiseOr(bit, ordering: .relaxed).oldValue & bit == 0
        }

        var count: Int {
            words.indices.reduce(0) { $0 + words[$1].load(ordering: .relaxed).nonzeroBitCount }
        }
    }
}
