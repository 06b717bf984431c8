import Testing

@testable import Gateway

@Suite("The pace of a body")
struct BodyPaceTests {
    @Test func onlyTheTimeOfWaitingCounts() {
        var pace = BodyPace()
        #expect(pace.deadline(rate: 100, grace: 1000) == .max)
        pace.wait(now: 5000)
        #expect(pace.deadline(rate: 100, grace: 1000) == 6000)
        pace.came(50, now: 5400)
        // Nobody waits: the app server takes an hour.
        #expect(pace.deadline(rate: 100, grace: 1000) == .max)
        pace.wait(now: 3_605_400)
        // 50 bytes at 100 a second are 500 ms more; 400 of all are spent.
        #expect(pace.deadline(rate: 100, grace: 1000) == 3_605_400 + 1100)
        pace.wait(now: 3_605_800)
        #expect(pace.since == 3_605_400)
    }

    @Test func whatIsOverdueIsSoAtOnce() {
        var pace = BodyPace()
        pace.wait(now: 0)
        pace.came(1, now: 5000)
        pace.wait(now: 6000)
        #expect(pace.deadline(rate: 1000, grace: 1000) == 6000)
    }

    @Test func noRateIsNeverTooSlow() {
        var pace = BodyPace()
        pace.wait(now: 0)
        #expect(pace.deadline(rate: 0, grace: 0) == .max)
    }

    @Test func beyondAllNumbersIsFastEnough() {
        var pace = BodyPace()
        for _ in 0..<4 { pace.came(.max / 4, now: 1) }
        pace.wait(now: 1)
        #expect(pace.deadline(rate: 1, grace: 1) == .max)
    }
}
