package import OpenSSL

/// When a certificate is to be replaced, and how many tries remain until it is too late. Pure: a moment comes in, a
/// moment goes out; all in seconds since 1970.
package struct RenewalSchedule: Sendable, Equatable {
    /// The first and the last second of the certificate.
    package let validity: ClosedRange<Int64>
    /// Which certificate it is, so that those issued together do not all come back together.
    package let fingerprint: String

    /// Lifetimes below this are renewed at half of it: 10 days.
    private static let shortLifetime: Int64 = 10 * 86_400
    /// The pause between tries that go on failing: an hour less than a day, so that a timer that runs at the same moment of each
    /// day finds it over, however long the try before took.
    private static let longestPause: Int64 = 23 * 3_600
    /// However little time is left, no CA is asked more often when tries go on failing: an hour.
    private static let leastPause: Int64 = 3_600
    /// Fewer tries left than this want a person.
    package static let alarm = 3

    package init(validity: ClosedRange<Int64>, fingerprint: String) {
        self.validity = validity
        self.fingerprint = fingerprint
    }

    /// Seconds.
    package var lifetime: Int64 { validity.upperBound - validity.lowerBound }

    /// When the first try is due: when a third of the life is left, or half of a short one, plus up to a fiftieth of
    /// it that is different for each certificate and the same at each look.
    package var due: Int64 {
        validity.upperBound - rest + jitter
    }

    /// Whether it lives less than ten days.
    package var isShort: Bool { lifetime < Self.shortLifetime }

    /// What is left of the life when it is renewed.
    private var rest: Int64 { isShort ? lifetime / 2 : lifetime / 3 }

    /// Whether half of the time has passed in which it is usually renewed: whoever should have done it has not.
    package func isOverdue(at now: Int64) -> Bool { now >= overdue }

    /// When that is: seconds since 1970.
    package var overdue: Int64 { validity.upperBound - rest / 2 }

    /// The same, where the CA has advised a moment (RFC 9773): that counts, unless it leaves less than a tenth of the life
    /// for further tries.
    package func due(advised moment: Int64?) -> Int64 {
        guard let moment, moment <= validity.upperBound - lifetime / 10 else { return due }
        return moment
    }

    private var jitter: Int64 {
        let bound = lifetime / 50
        guard bound > 0, let number = UInt32(fingerprint.prefix(8), radix: 16) else { return 0 }
        return Int64(number) % bound
    }

    /// The same pause where this is what is to be replaced: no longer than until it ends, of a short life no longer than a
    /// quarter of what is left, and an hour at least, which is also the pause of what has ended.
    ///
    /// - Parameter now: when the try failed.
    package func pause(afterFailures failures: Int, at now: Int64) -> Int64 {
        let left = validity.upperBound - now
        return min(Self.pause(afterFailures: failures), max(Self.leastPause, isShort ? left / 4 : left))
    }

    /// Seconds from the `failures`th failed try in a row to the next: 1, 10 and 100 minutes, then 23 hours.
    package static func pause(afterFailures failures: Int) -> Int64 {
        switch failures {
        case ...1: 60
        case 2: 600
        case 3: 6_000
        default: longestPause
        }
    }

    /// How many tries remain before the certificate ends, were each to fail.
    ///
    /// - Parameters:
    ///   - failures: tries in a row that failed so far.
    ///   - next: when the next one is planned; nil for `due`.
    package func runway(at now: Int64, failures: Int = 0, next: Int64? = nil) -> Int {
        var moment = max(now, next ?? due)
        var tries = 0
        while moment < validity.upperBound {
            tries += 1
            let pause = pause(afterFailures: failures + tries, at: moment)
            if pause == Self.longestPause, !isShort {
                return tries + Int((validity.upperBound - 1 - moment) / pause)
            }
            moment += pause
        }
        return tries
    }
}

extension Certificate {
    package var renewalSchedule: RenewalSchedule { RenewalSchedule(validity: validity, fingerprint: fingerprint) }

    /// The same where its chain ends at `end`: seconds since 1970.
    internal func renewalSchedule(until end: Int64) -> RenewalSchedule {
        let start = validity.lowerBound
        return RenewalSchedule(validity: start...max(start, end), fingerprint: fingerprint)
    }
}
