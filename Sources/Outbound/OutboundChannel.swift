package import Linux
import Snapshot

/// Typed messages over the socket between control and the outbound helper. Never blocks. For one thread.
package final class OutboundChannel {
    /// The number of the helper's descriptor.
    package static let descriptor: Int32 = 3
    /// The number of the descriptor of a PEM file of authorities, for a helper that makes HTTPS requests, and the
    /// argument that says that it is there.
    package static let authoritiesDescriptor: Int32 = 4
    package static let authoritiesWord = "https"

    private let socket: MessageSocket

    package init(owning socket: consuming MessageSocket) {
        self.socket = socket
    }

    /// Readable when a message waits or the other side is gone.
    package var raw: Int32 { socket.raw }

    package func send(_ message: OutboundMessage) throws(ChannelError) {
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
            throw ChannelError(error)
        }
    }

    /// - Returns: nil when no message waits.
    package func receive() throws(ChannelError) -> OutboundMessage? {
        let bytes: [UInt8]
        do throws(SystemError) {
            guard let received = try socket.receive(within: 0) else { return nil }
            bytes = received.bytes
        } catch {
            throw ChannelError(error)
        }
        do throws(SnapshotError) {
            return try SnapshotCodec.decode(OutboundMessage.self, from: bytes)
        } catch {
            throw .malformed("\(error)")
        }
    }
}
