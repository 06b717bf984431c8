import Testing

@testable import Gateway

@Suite("What a peer takes while its time runs")
struct UptakeTests {
    /// - Parameter taken: bytes at a moment.
    /// - Returns: when the time is over, having begun at 1000 with 800 milliseconds.
    private func end(_ taken: (UInt64) -> UInt64) -> UInt64? {
        var uptake = Uptake()
        var now: UInt64 = 1000
        now += uptake.begin(now: now, patience: 800)
        while now < 100_000 {
            guard let next = uptake.look(taken: taken(now), now: now, patience: 800) else { return now }
            #expect(next > 0 && next <= 800)
            now += next
        }
        return nil
    }

    @Test("one that takes nothing has its time, and no more")
    func nothing() {
        #expect(end { _ in 5 } == 1800)
    }

    @Test("one that takes a byte now and then has no end")
    func slow() {
        #expect(end { $0 / 700 } == nil)
    }

    @Test("one that ceases has its time from then on, and an eighth of it more at most")
    func ceases() throws {
        for last: UInt64 in stride(from: 1200, to: 3000, by: 37) {
            let over = try #require(end { min($0, last) })
            #expect(over >= last + 800 && over <= last + 900, "\(last): \(over)")
        }
    }

    @Test("the shortest time ends as well")
    func shortest() {
        var uptake = Uptake()
        #expect(uptake.begin(now: 7, patience: 1) == 1)
        #expect(uptake.look(taken: 0, now: 8, patience: 1) == nil)
    }
}
