import Foundation
import Linux
import Synchronization
import Testing

@Suite("Turns on a core")
struct TurnTests {
    private final class Notes: Sendable {
        private let turns = Mutex<[UInt64]>([])

        func add() { turns.withLock { $0.append(Linux.Thread.turn) } }
        var all: [UInt64] { turns.withLock { $0 } }
    }

    @Test("a thread that asks for short turns has them, and so have those that it starts; others have theirs")
    func inherited() throws {
        let notes = Notes()
        let thread = try Linux.Thread.start(name: "asks") {
            notes.add()
            Linux.Thread.takeShortTurns()
            notes.add()
            if let inner = try? Linux.Thread.start(name: "inherits", { notes.add() }) { inner.join() }
        }
        thread.join()
        let turns = notes.all
        #expect(turns.count == 3)
        let version = ProcessInfo.processInfo.operatingSystemVersion
        guard (version.majorVersion, version.minorVersion) >= (6, 12) else { return }
        #expect(turns[0] != 100_000, "\(turns)")
        #expect(turns.dropFirst() == [100_000, 100_000])
    }
}
