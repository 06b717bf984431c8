import Linux
import OpenSSL
import Site

/// A machine may be started with a clock that is wrong, and nothing on it says so for certain. The store's history tells of a
/// moment that has been: what the internal CA makes is good by that clock, too. See docs/decisions/016-clock.md.
extension CertificateProvider {
    /// Further than this no certificate is stretched: seconds. Of longer lives than 825 days some clients want none.
    private static let longestDoubt: Int64 = 400 * 86_400

    /// The moment that the history tells of, where the clock is before it: seconds since 1970; nil where it is not. As it was
    /// before this turn: what is made in it says nothing of the clock.
    internal var laterMoment: Int64? {
        memo.lastMoment(of: audit).flatMap { $0 > now + WallClock.tolerance ? $0 : nil }
    }

    /// Fails where a certificate is not good now, nor, at a start whose clock is behind, at the moment that the history tells of.
    /// Later on the clock is known, and that moment may be a wrong one of somebody else's.
    internal func requireValid(_ bundle: CertificateBundle) throws(CertificateError) {
        do throws(CertificateError) {
            try bundle.requireValid(at: now)
        } catch {
            guard isStart, let later = laterMoment, (try? bundle.requireValid(at: later)) != nil else { throw error }
        }
    }

    /// When a certificate that is made now begins to be good, and how long it is from now on: seconds.
    internal func span(of settings: CertificateSettings) -> (since: Int64, lifetime: Int64) {
        let usual = InternalCA.leafLifetime
        if let later = laterMoment { return (now, usual + later - now) }
        guard let told = memo.lastMoment(of: audit) else { return (now, usual) }
        let doubt = now - told
        let isDoubted = doubt > WallClock.tolerance && doubt <= Self.longestDoubt && !isOnTime(settings)
        // Nobody kept the time meanwhile, or the clock is ahead. As much is left as is over: else another would be due.
        return isDoubted ? (told, max(usual, doubt)) : (now, usual)
    }

    /// Whether the current one is renewed when that was to be expected: then the machine has kept the time.
    private func isOnTime(_ settings: CertificateSettings) -> Bool {
        guard let due = try? store.loadChain(settings.name).first?.renewalSchedule.due else { return false }
        return (due...due + WallClock.tolerance).contains(now)
    }

    /// Has the clock that certificates go by know of what the history tells.
    ///
    /// - Returns: what an operator should know of the clock at a start; nil when nothing is odd about it.
    package func beginClock() -> String? {
        if let told = memo.lastMoment(of: audit) { WallClock.begin(after: told) }
        return clockWarning
    }

    /// What an operator should know of the clock; nil when nothing is odd about it.
    package var clockWarning: String? {
        laterMoment.map { told in
            "THE CLOCK IS BEHIND, or was ahead before: it says \(UTC.text(now)), and the last line of \(audit.path) is of "
                + "\(UTC.text(told)); have the time kept by a service such as systemd-timesyncd"
        }
    }
}
