import Testing

@testable import HTTPWire

@Suite struct TokenBucketTests {
    @Test func holdsItsCapacityAndNoMore() {
        var bucket = TokenBucket(capacity: 3, perSecond: 10, now: 0)
        let first = (0..<4).map { _ in bucket.take(1, now: 0) }
        #expect(first == [true, true, true, false])
        let later = (0..<4).map { _ in bucket.take(1, now: 1_000_000) }
        #expect(later == [true, true, true, false])
    }

    @Test func refillsByTheMillisecond() {
        var bucket = TokenBucket(capacity: 10, perSecond: 3, now: 0)
        _ = bucket.take(10, now: 0)
        // However often it is asked, three a second come back.
        var granted = 0
        for now in 1...2_000 where bucket.take(1, now: UInt64(now)) { granted += 1 }
        #expect(granted == 6)
    }

    @Test func aClockThatStandsOrRunsBackGivesNothing() {
        var bucket = TokenBucket(capacity: 1, perSecond: 1_000, now: 500)
        let granted = [500, 100, 500, 502].map { bucket.take(1, now: $0) }
        #expect(granted == [true, false, false, true])
    }

    @Test func extremesDoNotOverflow() {
        var bucket = TokenBucket(capacity: .max, perSecond: .max, now: 0)
        let granted = [bucket.take(.max, now: .max), bucket.take(-1, now: .max)]
        #expect(granted == [true, true])
        bucket.give(.max)
        var empty = TokenBucket(capacity: -1, perSecond: -1, now: .max)
        let refused = [empty.take(1, now: .max), empty.take(0, now: .max)]
        #expect(refused == [false, true])
    }
}
