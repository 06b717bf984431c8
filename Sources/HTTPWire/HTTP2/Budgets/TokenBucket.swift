/// A budget that refills over time. Pure: the clock is given with each call.
struct TokenBucket {
    private let capacity: Int
    private let perSecond: Int
    /// Thousandths of a token, so that a refill each millisecond loses nothing.
    private var milli: Int
    private var last: UInt64

    /// - Parameters:
    ///   - capacity: tokens at first and at most, 0 to 10^12.
    ///   - perSecond: tokens that come back each second, 0 to 10^6.
    ///   - now: milliseconds of a clock that does not run backwards.
    init(capacity: Int, perSecond: Int, now: UInt64) {
        self.capacity = min(max(capacity, 0), 1_000_000_000_000)
        self.perSecond = min(max(perSecond, 0), 1_000_000)
        milli = self.capacity * 1_000
        last = now
    }

    /// Takes `count` tokens, or none when there are not that many, and then says false.
    mutating func take(_ count: Int, now: UInt64) -> Bool {
        refill(now)
        let cost = min(max(count, 0), 1_000_000_000) * 1_000
        guard milli >= cost else { return false }
        milli -= cost
        return true
    }

    /// Gives `count` tokens back, up to the capacity.
    mutating func give(_ count: Int) {
        milli = min(milli + min(max(count, 0), 1_000_000_000) * 1_000, capacity * 1_000)
    }

    private mutating func refill(_ now: UInt64) {
        guard now > last else { return }
        // A day is enough to fill any bucket that is worth having, and keeps the product far from overflow.
        let elapsed = Int(min(now - last, 86_400_000))
        last = now
        milli = min(milli + elapsed * perSecond, capacity * 1_000)
    }
}
