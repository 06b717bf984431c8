import Glibc
import Linux

/// A connection to the admin socket, until its line has come.
internal final class AdminConnection {
    private let descriptor: FileDescriptor
    private var line = LineReader(limit: AdminRequest.longestLine)
    private var isOver = false
    /// Monotonic nanoseconds.
    private let end: UInt64

    private init(_ descriptor: consuming FileDescriptor, within milliseconds: Int32) {
        self.descriptor = descriptor
        end = Clock.monotonicNanoseconds + UInt64(milliseconds) * 1_000_000
    }

    /// - Parameter milliseconds: what it may take for its line.
    /// - Returns: nil when nobody waits, or somebody who may not ask.
    static func accept(_ listener: Int32, within milliseconds: Int32) -> AdminConnection? {
        guard let accepted = try? UnixSocket.accept(listener),
            let peer = try? UnixSocket.peer(of: accepted.raw), peer.user == geteuid() || peer.user == 0
        else { return nil }
        return AdminConnection(accepted, within: milliseconds)
    }

    var raw: Int32 { descriptor.raw }

    /// What is left of its time, rounded up.
    var milliseconds: Int32 {
        let now = Clock.monotonicNanoseconds
        return now < end ? Int32(clamping: (end - now) / 1_000_000 + 1) : 0
    }

    /// Whether no line will come any more.
    var hasEnded: Bool { isOver || milliseconds == 0 }

    /// Takes what is there. - Returns: the line, once it is whole.
    func read() -> String? {
        switch line.read(raw) {
        case .line(let text): return text
        case .incomplete: return nil
        case .ended:
            isOver = true
            return nil
        }
    }
}
