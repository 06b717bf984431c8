import Linux

/// When the control plane does by itself what is due.
internal struct Schedule {
    /// The next certificate of the internal CA: seconds since 1970; nil for none.
    var renewal: Int64?
    /// The next keys of session tickets: monotonic milliseconds.
    var rotation: UInt64
    /// The next look at the files of certificates: monotonic milliseconds.
    var look: UInt64
    /// The next look at certificates that are on trial: monotonic milliseconds.
    var trial: UInt64 = .max
    /// The next try at a start that has not come about: monotonic milliseconds.
    var start: UInt64 = .max

    /// Seconds until another try at what could not be done.
    static let retryTime: Int64 = 60
    /// Milliseconds until another try at a start.
    static let startPause: UInt64 = 3_000
    /// The longest pause, in milliseconds: the clock that certificates go by may be set meanwhile.
    private static let longestPause: UInt64 = 3_600_000

    static var uptime: UInt64 { Clock.monotonicNanoseconds / 1_000_000 }
    static var time: Int64 { WallClock.seconds }

    var isRenewalDue: Bool { renewal.map { $0 <= Self.time } ?? false }
    var isRotationDue: Bool { rotation <= Self.uptime }
    var isTrialDue: Bool { trial <= Self.uptime }
    var isStartDue: Bool { start <= Self.uptime }
    var isLookDue: Bool { look <= Self.uptime }

    /// Milliseconds until something is due.
    var pause: Int32 {
        let now = Self.uptime
        let first = min(rotation, look, trial, start)
        var wait = first > now ? first - now : 0
        if let renewal {
            // Seconds enough for the longest pause, lest what is far away overflow.
            wait = min(wait, UInt64(max(0, min(renewal - Self.time, 3_600))) * 1000)
        }
        return Int32(min(wait, Self.longestPause))
    }
}
