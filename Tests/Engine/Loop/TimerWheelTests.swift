import Testing

@testable import Engine

@Suite("Timer wheel")
struct TimerWheelTests {
    private static let horizon = UInt64(TimerWheel.slots) * TimerWheel.tick

    /// Tokens that come up when the clock goes to `now`, with the moments that `insert` had named.
    private func advance(_ wheel: inout TimerWheel, to now: UInt64) -> [UInt64: UInt64] {
        var due: [TimerWheel.Entry] = []
        wheel.advance(to: now, due: &due)
        return Dictionary(due.map { ($0.token, $0.moment) }, uniquingKeysWith: { first, _ in first })
    }

    @Test("an entry comes up at its moment, never before its deadline", arguments: [0, 1, 7, 8, 9, 1000, 32_000])
    func moment(after: UInt64) {
        let start: UInt64 = 1_000_003
        var wheel = TimerWheel(now: start)
        let moment = wheel.insert(7, deadline: start + after)
        #expect((start + after..<start + after + TimerWheel.tick).contains(moment))
        #expect(advance(&wheel, to: moment - 1).isEmpty)
        #expect(advance(&wheel, to: moment) == [7: moment])
        #expect(wheel.timeUntilNext(from: start) == nil)
    }

    @Test("a deadline beyond the wheel comes up earlier, to be entered anew")
    func beyond() {
        var wheel = TimerWheel(now: 0)
        let moment = wheel.insert(1, deadline: 10 * Self.horizon)
        #expect(moment < Self.horizon)
        #expect(advance(&wheel, to: moment) == [1: moment])
    }

    @Test("all entries of any times come up once, each in its turn")
    func random() {
        let seed = UInt64.random(in: 0 ... .max)
        print("timer wheel: seed \(seed)")
        var dice = SplitMix(state: seed)
        var now = dice.next() % 1_000_000
        var wheel = TimerWheel(now: now)
        var expected: [UInt64: UInt64] = [:]
        var most = 0
        for token in 1...UInt64(20_000) {
            expected[token] = wheel.insert(token, deadline: now + dice.next() % 40_000)
            most = max(most, expected.count)
            guard dice.next() % 4 == 0 else { continue }
            now += dice.next() % (dice.next() % 50 == 0 ? 2 * Self.horizon : 100)
            let due = advance(&wheel, to: now)
            #expect(due == expected.filter { $0.value <= now }, "seed \(seed)")
            for token in due.keys { expected[token] = nil }
            #expect((wheel.timeUntilNext(from: now) == nil) == expected.isEmpty, "seed \(seed)")
        }
        #expect(wheel.capacity == most, "seed \(seed)")
    }

    @Test("its memory is that of the most entries at a time, not of each slot's most")
    func memory() {
        var wheel = TimerWheel(now: 0)
        // A burst of fifty in every slot, one slot after the other, as a long run brings about.
        for slot in 0..<UInt64(2 * TimerWheel.slots) {
            let now = slot * TimerWheel.tick
            for token in 0..<UInt64(50) { _ = wheel.insert(token, deadline: now + 2 * TimerWheel.tick) }
            _ = advance(&wheel, to: now)
        }
        #expect(wheel.capacity <= 200)
    }

    private struct SplitMix: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
            return z ^ z >> 31
        }
    }
}
