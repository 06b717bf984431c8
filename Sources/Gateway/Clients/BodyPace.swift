/// Holds a client's body to the site's least rate: on the average of the whole body, over the time for which the client
/// was waited for. What the gateway or the app server takes is not the client's.
///
/// Times are the loop's milliseconds.
internal struct BodyPace {
    private var received: UInt64 = 0
    /// Milliseconds of all waits that are over.
    private var waited: UInt64 = 0
    /// Since when the client is waited for; `.max` while it is not.
    private(set) var since = UInt64.max

    /// The client is waited for from now on.
    mutating func wait(now: UInt64) {
        if since == .max { since = now }
    }

    /// It is not: its bytes came, or nobody takes them at the moment.
    mutating func rest(now: UInt64) {
        if since == .max { return }
        waited += now - since
        since = .max
    }

    /// Body bytes came.
    mutating func came(_ count: Int, now: UInt64) {
        received += UInt64(count)
        rest(now: now)
    }

    /// When the body is too slow, should nothing more come of it; `.max` while nothing is waited for.
    ///
    /// - Parameters:
    ///   - rate: bytes a second, 0 for any.
    ///   - grace: milliseconds that every body has in any case.
    func deadline(rate: Int, grace: UInt64) -> UInt64 {
        guard rate > 0, since != .max else { return .max }
        let (scaled, overflow) = received.multipliedReportingOverflow(by: 1000)
        if overflow { return .max }
        let allowed = grace &+ scaled / UInt64(rate)
        return allowed <= waited ? since : since &+ (allowed - waited)
    }
}
