import CLinux
import Glibc

/// Why the process at the other end of a `MessageSocket` cannot be talked to.
package enum ChannelError: Error, Equatable, Sendable, CustomStringConvertible {
    /// It has ended or closed its side.
    case closed
    /// It did not take what was sent in time.
    case stalled
    case system(SystemError)
    /// It sent what makes no sense.
    case malformed(String)

    package var description: String {
        switch self {
        case .closed: "the other process is gone"
        case .stalled: "the other process takes nothing from its channel"
        case .system(let error): "\(error)"
        case .malformed(let what): "unexpected message: \(what)"
        }
    }

    package init(_ error: SystemError) {
        self =
            switch error.code {
            case EPIPE, ECONNRESET: .closed
            case EAGAIN: .stalled
            default: .system(error)
            }
    }
}
