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
        turns.end("other")
        turns.end("third")
        let none = turns.take()
        #expect(none?.name == nil, "they were wanted once")
        turns.end("slow")
        #expect(turns.isIdle)
        _ = turns.want(items("slow"), only: [], atOnce: 2)
        let again = turns.take()
        #expect(again?.name == "slow", "it is looked at once more")
        turns.end("slow")
        let last = turns.take()
        #expect(last?.name == nil)
    }

    @Test("all have their turns, however often all are wanted, and none but those that are meant a second one")
    func places() {
        var turns = OrderTurns<Int>()
        let names = (0..<50).map { (name: "\($0)", item: $0) }
        _ = turns.want(names, atOnce: 2)
        var looked: [String] = []
        while looked.count < 50, let turn = turns.take() {
            looked.append(turn.name)
            // Each that ends has all looked at once more.
            _ = turns.want(names, atOnce: 2)
            turns.end(turn.name)
        }
        #expect(looked == names.map(\.name))
        _ = turns.want([], atOnce: 0)
        _ = turns.want(names, only: ["7"], atOnce: 2)
        let (only, none) = (turns.take(), turns.take())
        #expect(only?.name == "7" && none?.name == nil)
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
        for name in ["a", "b", "c"] { turns.end(name) }
        // They take what is left, and themselves once more, and all three end.
        let ends = (0..<7).map { _ in turns.take()?.name }
        #expect(ends == ["d", "a", "b", "c", nil, nil, nil])
        for name in ["a", "b", "c", "d"] { turns.end(name) }
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
