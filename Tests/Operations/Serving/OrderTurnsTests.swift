import Testing

@testable import Operations

@Suite("Turns of certificates of the same CAs")
struct OrderTurnsTests {
    private func items(_ names: String...) -> [(name: String, item: Int)] { names.map { ($0, $0.count) } }

    @Test("one that takes long keeps no other from its turn, also none that is wanted later")
    func later() {
        var turns = OrderTurns<Int>()
        let first = turns.want(items("slow"), atOnce: 2)
        #expect(first == 1)
        let slow = turns.take()
        #expect(slow?.name == "slow" && slow?.item == 4 && !turns.isIdle)
        // Another thread is there for it.
        let second = turns.want(items("other", "slow", "third"), atOnce: 2)
        #expect(second == 1)
        let taken = [turns.take()?.name, turns.take()?.name, turns.take()?.name]
        #expect(taken == ["other", "third", nil], "in their order, and the slow one not twice at a time")
        let isOtherMissed = turns.end("other")
        let isThirdMissed = turns.end("third")
        #expect(!isOtherMissed && !isThirdMissed)
        let isSlowMissed = turns.end("slow")
        #expect(isSlowMissed && turns.isIdle, "it is looked at once more")
        let isMissedStill = turns.end("slow")
        #expect(!isMissedStill)
    }

    @Test("no more threads than may be, and those that have ended are replaced")
    func hands() {
        var turns = OrderTurns<Int>()
        let names = items("a", "b", "c", "d")
        let first = turns.want(names, atOnce: 3)
        let again = turns.want(names, atOnce: 3)
        #expect(first == 3 && again == 0)
        for name in ["a", "b", "c"] {
            let turn = turns.take()
            #expect(turn?.name == name)
        }
        let none = turns.want(names, atOnce: 3)
        #expect(none == 0)
        for name in ["a", "b", "c"] {
            let isMissed = turns.end(name)
            #expect(isMissed)
        }
        // One takes what is left, and all three end.
        let ends = [turns.take()?.name, turns.take()?.name, turns.take()?.name, turns.take()?.name]
        #expect(ends == ["d", nil, nil, nil])
        let isMissed = turns.end("d")
        #expect(!isMissed)
        let fresh = turns.want(items("a"), atOnce: 3)
        #expect(fresh == 1)
    }

    @Test("what is wanted no more has no turn")
    func gone() {
        var turns = OrderTurns<Int>()
        _ = turns.want(items("a", "b"), atOnce: 1)
        _ = turns.want(items("b"), atOnce: 1)
        let turn = turns.take()
        #expect(turn?.name == "b")
        turns.clear()
        let last = turns.take()
        #expect(last?.name == nil)
    }
}
