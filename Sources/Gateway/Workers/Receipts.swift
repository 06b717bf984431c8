package import Linux
import Synchronization

/// Where the sender of a message to all workers sees when the last of them has taken it over.
package final class Receipts: Sendable {
    /// Wakes the sender. One serves for all messages of a sender.
    package final class Bell: Sendable {
        fileprivate let event: EventFD

        package init() throws(SystemError) { event = try EventFD() }
    }

    private let bell: Bell
    private let missing: Atomic<Int>
    private let moment = Atomic<UInt64>(0)

    /// - Parameter workers: how many sign.
    package init(from workers: Int, _ bell: Bell) {
        self.bell = bell
        missing = Atomic(workers)
    }

    internal func sign() {
        let now = Clock.monotonicNanoseconds
        _ = moment.max(now, ordering: .relaxed)
        if missing.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue <= 0 { bell.event.signal() }
    }

    internal var isComplete: Bool { missing.load(ordering: .acquiring) <= 0 }

    /// Waits until all have signed, or the time is over.
    ///
    /// - Returns: when the last one signed, in monotonic nanoseconds.
    internal func wait(milliseconds: Int) -> UInt64 {
        let end = Clock.monotonicNanoseconds + UInt64(milliseconds) * 1_000_000
        while !isComplete {
            let now = Clock.monotonicNanoseconds
            guard now < end else { return now }
            _ = Readiness.wait([bell.event.raw], milliseconds: Int32(clamping: (end - now) / 1_000_000 + 1))
            // It may have rung for a message before, of which a worker has only now come to know.
            bell.event.clear()
        }
        return moment.load(ordering: .acquiring)
    }
}
