import Glibc
import Linux
import Testing

@Suite("Work in the background")
struct BackgroundTests {
    private struct Mark: Error, Equatable {}

    /// How the calling thread stands, and which one it is.
    private static var standing: (nice: Int32, thread: Int32) {
        (getpriority(PRIO_PROCESS, 0), Linux.Thread.currentIdentifier)
    }

    @Test("it yields on a thread of its own, and what must not yield is done by the one that waits")
    func yields() {
        let own = Self.standing
        let (back, fore, again) = Linux.Thread.inBackground {
            let back = Self.standing
            let fore = Linux.Thread.inForeground { Self.standing }
            return (back, fore, Linux.Thread.inForeground { Self.standing })
        }
        #expect(back.thread != own.thread)
        #expect(back.nice > own.nice || own.nice >= 10)
        #expect(fore == own)
        #expect(again == own)
        #expect(Linux.Thread.inForeground { Self.standing } == own, "nobody waits")
    }

    @Test("one within another is served by the one that waits for it")
    func nests() {
        let (outer, fore) = Linux.Thread.inBackground {
            (Self.standing, Linux.Thread.inBackground { Linux.Thread.inForeground { Self.standing } })
        }
        #expect(fore == outer)
    }

    @Test("errors come through")
    func fails() {
        #expect(throws: Mark()) { try Linux.Thread.inBackground { () throws(Mark) in throw Mark() } }
        #expect(throws: Mark()) {
            try Linux.Thread.inBackground { () throws(Mark) in
                try Linux.Thread.inForeground { () throws(Mark) in throw Mark() }
            }
        }
    }
}
