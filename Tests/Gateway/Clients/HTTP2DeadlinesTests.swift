import Testing

@testable import Gateway

@Suite("Deadlines of an HTTP/2 connection")
struct HTTP2DeadlinesTests {
    private let timeouts: TimeoutPlan = {
        var plan = TimeoutPlan()
        plan.httpRequest = 100
        plan.httpKeepAlive = 1000
        return plan
    }()

    private func update(_ deadlines: inout HTTP2Deadlines, head: Int32 = 0, streams: Int = 0, now: UInt64) {
        deadlines.update(headUnderWay: head, openStreams: streams, now: now, timeouts: timeouts, patience: 50)
    }

    @Test func theFirstRequestHasTheTimeThatWasSet() {
        var deadlines = HTTP2Deadlines(idle: 100)
        update(&deadlines, now: 60)
        #expect(deadlines.next == 100)
        #expect(!deadlines.hasServed)
    }

    @Test func idlenessBeginsWithTheLastStreamsEndAndNothingPutsItOff() {
        var deadlines = HTTP2Deadlines(idle: 100)
        update(&deadlines, streams: 2, now: 10)
        #expect(deadlines.next == 60)
        update(&deadlines, now: 30)
        #expect(deadlines.next == 1030)
        update(&deadlines, now: 500)
        #expect(deadlines.next == 1030)
        #expect(deadlines.hasServed)
    }

    @Test func theAnswerToTheNoticeOfTheEndIsWaitedForOnce() {
        var deadlines = HTTP2Deadlines(idle: 60_000)
        deadlines.noticed(now: 500)
        update(&deadlines, now: 600)
        #expect(deadlines.next == 1500)
        deadlines.noticeIsOver()
        #expect(deadlines.next == 60_000)
    }

    @Test func eachHeadHasItsOwnTime() {
        var deadlines = HTTP2Deadlines(idle: 1000)
        update(&deadlines, head: 1, streams: 1, now: 0)
        update(&deadlines, head: 1, streams: 1, now: 40)
        #expect(deadlines.head == 100)
        update(&deadlines, head: 3, streams: 2, now: 90)
        #expect(deadlines.head == 190)
        update(&deadlines, streams: 2, now: 95)
        #expect(deadlines.head == .max)
    }

    @Test func streamsAreLookedAtAgainWhenOneMayBeDue() {
        var deadlines = HTTP2Deadlines(idle: 1000)
        update(&deadlines, streams: 1, now: 0)
        update(&deadlines, streams: 1, now: 40)
        #expect(deadlines.look == 50)
        deadlines.looked(next: 70)
        update(&deadlines, streams: 5, now: 60)
        #expect(deadlines.next == 70)
    }

    @Test func aSocketThatTakesAllIsWaitedForNoMore() {
        var deadlines = HTTP2Deadlines(idle: .max)
        deadlines.blocked(until: 10)
        #expect(deadlines.next == 10)
        deadlines.blocked(until: 30)
        #expect(deadlines.next == 30)
        deadlines.taken()
        #expect(deadlines.next == .max)
    }
}
