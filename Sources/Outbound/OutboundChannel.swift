import Glibc
package import Linux
import Snapshot

/// Why the other process cannot be talked to.
package enum OutboundError: Error, Equatable, Sendable, CustomStringConvertible {
    /// It has ended or closed its side.
    case closed
    /// It does not take what is sent.
    case full
    case system(SystemError)
    /// It sent what makes no sense.
    case malformed(String)

    package var description: String {
        switch self {
        case .closed: "the other process is gone"
        case .full: "the other process takes nothing from its channel"
        case .system(let error): "\(error)"
        case .malformed(let what): "unexpected message: \(what)"
        }
    }

    fileprivate init(_ error: SystemError) {
        self =
            switch error.code {
            case EPIPE, ECONNRESET: .closed
            case EAGAIN: .full
            default: .system(error)
            }
    }
}

/// Typed messages over the socket between control and the outbound helper. Never blocks. For one thread.
package final class OutboundChannel {
    /// The number of the helper's descriptor.
    package static let descriptor: Int32 = 3

    private let socket: MessageSocket

    package init(owning socket: consuming MessageSocket) {
        self.socket = socket
    }

    /// Readable when a message waits or the other side is gone.
    package var raw: Int32 { socket.raw }

    package func send(_ message: OutboundMessage) throws(OutboundError) {
        let bytes: [UInt8]
        do throws(SnapshotError) {
            bytes = try SnapshotCodec.encode(message)
        } catch {
            throw .malformed("\(error)")
        }
        guard bytes.count <= MessageSocket.longestMessage else { throw .malformed("\(bytes.count) bytes") }
        do throws(SystemError) {
            try socket.send(bytes.span, within: 0)
        } catch {
            throw OutboundError(error)
        }
    }

    /// - Returns: nil when no message waits.
    package func receive() throws(OutboundError) -> OutboundMessage? {
        let bytes: [UInt8]
        do throws(SystemError) {
            guard let received = try socket.receive(within: 0) else { return nil }
            bytes = received.bytes
        } catch {
            throw OutboundError(error)
        }
        do throws(SnapshotError) {
            return try SnapshotCodec.decode(OutboundMessage.self, from: bytes)
        } catch {
            throw .malformed("\(error)")
        }
    }
}
