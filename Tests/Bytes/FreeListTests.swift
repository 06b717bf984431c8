import Bytes
import Testing

@Suite("Free lists give back what nobody needs")
struct FreeListTests {
    private final class Thing {}

    private func filled(_ count: Int, most: Int = 1000, reserve: Int = 0) -> FreeList<Thing> {
        var list = FreeList<Thing>(most: most, reserve: reserve)
        for _ in 0..<count { list.give(Thing()) }
        return list
    }

    @Test("the last that came back is the first that goes")
    func order() throws {
        var list = filled(3)
        let last = Thing()
        list.give(last)
        #expect(list.take() === last)
        #expect(list.count == 3)
    }

    @Test("beyond its bound, nothing is kept")
    func bound() { #expect(filled(5, most: 3).count == 3) }

    @Test("what a burst left behind goes, down to the reserve")
    func burst() {
        var list = filled(200, reserve: 10)
        // The first call learns only what there is from now on.
        list.trim()
        #expect(list.count == 200)
        list.trim()
        #expect(list.count == 105)
        for _ in 0..<10 { list.trim() }
        #expect(list.count == 10)
    }

    @Test("without a reserve, all of it goes")
    func all() {
        var list = filled(7)
        for _ in 0..<5 { list.trim() }
        #expect(list.count == 0)
    }

    @Test("what is needed between two calls stays, however short the moment")
    func needed() {
        var list = filled(20)
        for _ in 0..<50 {
            let taken = (0..<20).map { _ in list.take() }
            for case let thing? in taken { list.give(thing) }
            list.trim()
            #expect(list.count == 20)
        }
    }

    @Test("the longest unused goes first")
    func longestUnused() {
        var list = FreeList<Thing>(most: 10, reserve: 0)
        let things = (0..<8).map { _ in Thing() }
        for thing in things { list.give(thing) }
        list.trim()
        list.trim()
        let left = (0..<4).compactMap { _ in list.take().map(ObjectIdentifier.init) }
        #expect(left == things[4...].reversed().map(ObjectIdentifier.init))
    }

    @Test("a pool of buffers forgets a burst of them and serves the next request without a new one")
    func buffers() {
        let pool = BufferPool(size: 64, keep: 256)
        func burst(_ count: Int) {
            let held = (0..<count).map { _ in pool.take() }
            for buffer in held { pool.give(buffer) }
        }
        burst(200)
        #expect(pool.kept == 200 && pool.made == 200 && pool.lent == 0)
        for _ in 0..<60 {
            burst(4)
            pool.trim()
        }
        #expect(pool.kept == 16)
        burst(4)
        #expect(pool.made == 200)
    }
}
