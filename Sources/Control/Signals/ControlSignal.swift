import Glibc
package import Linux

/// What signals mean to the control plane.
package enum ControlSignal: Equatable, Sendable {
    /// SIGHUP
    case reload
    /// SIGTERM, SIGINT
    case stop
    /// SIGUSR2
    case upgrade

    /// Those to take, in the order of `init(number:)`.
    private static let numbers = [SIGHUP, SIGTERM, SIGINT, SIGUSR2]

    private init?(number: Int32) {
        switch number {
        case SIGHUP: self = .reload
        case SIGTERM, SIGINT: self = .stop
        case SIGUSR2: self = .upgrade
        default: return nil
        }
    }

    /// Takes these signals as events from now on. Call it on the main thread before any other exists.
    package static func take() throws(SystemError) -> Signals {
        try Signals(numbers)
    }

    /// Waits for the next one.
    ///
    /// - Parameter milliseconds: -1 waits without bound.
    /// - Returns: nil when none came in time.
    package static func next(_ signals: borrowing Signals, milliseconds: Int32 = -1) -> ControlSignal? {
        guard Readiness.wait([signals.raw], milliseconds: milliseconds)[0] else { return nil }
        return signals.next().flatMap(ControlSignal.init(number:))
    }
}
