package import Linux
import Snapshot

/// Typed messages over the socket between control and data plane. For one thread.
///
/// Keys do not pass through the codec: they go in pieces of their own kind, and every buffer on the way
/// is wiped once it has been sent or copied out.
package final class ControlChannel {
    /// What came.
    package struct Incoming: ~Copyable {
        package let message: ControlMessage
        package let descriptors: DescriptorList

        package consuming func takeDescriptors() -> DescriptorList { descriptors }
    }

    private static let messageKind: UInt8 = 1
    private static let keyKind: UInt8 = 2
    private static let keyPiece = 32 << 10
    private static let keyHeader = 5

    private let socket: MessageSocket
    /// How long a message may wait for room, in milliseconds.
    private let patience: Int32

    package init(owning socket: consuming MessageSocket, patience: Int32 = 5_000) {
        self.socket = socket
        self.patience = patience
    }

    package var raw: Int32 { socket.raw }

    /// Another descriptor for the same end, to hand on.
    package func duplicateDescriptor() throws(SystemError) -> FileDescriptor { try socket.duplicate() }

    package func send(_ message: ControlMessage, descriptors: [Int32] = []) throws(ChannelError) {
        do {
            let bytes = [Self.messageKind] + (try SnapshotCodec.encode(message))
            guard bytes.count <= MessageSocket.longestMessage else {
                throw SnapshotError.oversized(limit: MessageSocket.longestMessage)
            }
            try socket.send(bytes.span, descriptors: descriptors, within: patience)
        } catch let error as SystemError {
            throw ChannelError(error)
        } catch {
            throw .malformed("\(error)")
        }
    }

    /// Sends keys, of which a `begin` has told the size.
    package func send(keys: SecretBytes) throws(ChannelError) {
        var offset = 0
        while offset < keys.count {
            let end = min(offset + Self.keyPiece, keys.count)
            // Room for all of it from the start: an array that grew would leave a copy behind.
            var piece: [UInt8] = []
            piece.reserveCapacity(Self.keyHeader + end - offset)
            defer { piece.wipe() }
            piece.append(Self.keyKind)
            for shift in [0, 8, 16, 24] { piece.append(UInt8(truncatingIfNeeded: offset >> shift)) }
            keys.append(offset..<end, to: &piece)
            do throws(SystemError) {
                try socket.send(piece.span, within: patience)
            } catch {
                throw ChannelError(error)
            }
            offset = end
        }
    }

    /// Receives the next message, and writes key pieces that come before it into `keys`.
    ///
    /// - Parameters:
    ///   - milliseconds: 0 takes only what is there.
    ///   - keys: where keys go; when there is none, keys are malformed.
    /// - Returns: nil when no message came in time.
    package func receive(within milliseconds: Int32, keys: SecretBytes? = nil) throws(ChannelError) -> Incoming? {
        while true {
            var received: ReceivedMessage
            do throws(SystemError) {
                guard let next = try socket.receive(within: milliseconds) else { return nil }
                received = next
            } catch {
                throw ChannelError(error)
            }
            switch received.bytes.first {
            case Self.messageKind:
                do throws(SnapshotError) {
                    let message = try SnapshotCodec.decode(ControlMessage.self, from: Array(received.bytes.dropFirst()))
                    return Incoming(message: message, descriptors: received.takeDescriptors())
                } catch {
                    throw .malformed("\(error)")
                }
            case Self.keyKind:
                let fits = Self.store(received.bytes, into: keys)
                received.wipe()
                guard fits else { throw .malformed("keys that were not announced") }
            default: throw .malformed("an unknown kind")
            }
        }
    }

    private static func store(_ piece: [UInt8], into keys: SecretBytes?) -> Bool {
        guard let keys, piece.count > keyHeader else { return false }
        let offset = (0..<4).reduce(0) { $0 | Int(piece[1 + $1]) << (8 * $1) }
        guard offset <= keys.count, piece.count - keyHeader <= keys.count - offset else { return false }
        keys.replace(at: offset, with: piece.span.extracting(keyHeader...))
        return true
    }
}
