import Linux
import Synchronization

/// A wait for the store's lock that was in vain, as those know it who want it right after: hundreds of certificates that have to
/// be made would else wait for the same process one after another.
internal final class SharedWait: Sendable {
    /// Until when it counts: monotonic nanoseconds.
    private let end = Mutex<UInt64>(0)

    internal var wasInVain: Bool { end.withLock { $0 > Clock.monotonicNanoseconds } }

    /// - Parameter milliseconds: how long it was; for as long nobody waits again.
    internal func note(milliseconds: Int) {
        end.withLock { $0 = Clock.monotonicNanoseconds + UInt64(milliseconds) * 1_000_000 }
    }
}
