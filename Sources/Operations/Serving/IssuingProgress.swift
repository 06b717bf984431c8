import Control
import Linux
import Synchronization

/// Says how far the making of many certificates is, to the log and to the service manager, which is asked for patience.
/// Any thread may call.
internal final class IssuingProgress: Sendable {
    /// Nanoseconds between two lines of the log.
    private static let pause: UInt64 = 3_000_000_000
    /// What the next step may take at most, in milliseconds.
    private static let patience = 120_000

    private let services: ServiceManager
    private let told = Mutex(Clock.monotonicNanoseconds)

    init(_ services: ServiceManager) {
        self.services = services
    }

    /// - Returns: what `SiteConfiguration` calls.
    var report: SiteConfiguration.Progress {
        { [self] done, all in
            let isTime = told.withLock { told in
                // Within the lock: another thread's moment is never later than this one.
                let now = Clock.monotonicNanoseconds
                guard now - told >= Self.pause else { return false }
                told = now
                return true
            }
            let line = "\(done) of \(all) certificates of the internal CA are made"
            if isTime { GatewayProcess.log(line) }
            try? services.notify([.status(line), .busy(within: Self.patience)])
        }
    }
}
