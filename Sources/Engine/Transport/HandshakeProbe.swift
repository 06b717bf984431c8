import Bytes
package import Linux
package import OpenSSL

/// One TLS handshake with a server, made and thrown away to see which certificate it shows: no resumption, no
/// verification, no request. Blocks its thread.
package enum HandshakeProbe {
    package enum Outcome: Sendable {
        case served(Certificate)
        /// The server, or the bytes it sent, ended the handshake.
        case failed(TLSFailure)
        /// There was no handshake: no connection, or no answer in time.
        case unreachable(String)
    }

    /// - Parameters:
    ///   - name: what is asked for in SNI.
    ///   - milliseconds: for connection and handshake together.
    package static func run(_ address: SocketAddress, name: String, within milliseconds: Int) -> Outcome {
        let socket: FileDescriptor
        let session: TLSSession
        do throws(SystemError) {
            socket = try Socket.connect(to: address)
        } catch {
            return .unreachable("\(error)")
        }
        do throws(OpenSSLError) {
            session = try TLSSession(
                client: try TLSContext(client: TLSContext.ClientSettings()),
                serverName: name
            )
        } catch {
            return .unreachable("\(error)")
        }
        return talk(session, socket.raw, until: Clock.monotonicNanoseconds + UInt64(milliseconds) * 1_000_000)
    }

    private static func talk(_ session: TLSSession, _ socket: Int32, until end: UInt64) -> Outcome {
        let (incoming, outgoing) = (ByteBuffer(capacity: 16_384), ByteBuffer(capacity: 4_096))
        while true {
            let progress = session.handshake(incoming: incoming, outgoing: outgoing)
            // The certificate comes before the server has said its last word, which it may never do to a client
            // without a certificate of its own.
            if let certificate = session.peerCertificate { return .served(certificate) }
            switch progress {
            case .failed(let failure): return .failed(failure)
            case .done: return .failed(TLSFailure(.noCertificate))
            case .needsInput: break
            }
            if let outcome = exchange(incoming, outgoing, socket, until: end) { return outcome }
        }
    }

    /// Sends what waits and takes what comes; an outcome when nothing can.
    private static func exchange(
        _ incoming: ByteBuffer,
        _ outgoing: ByteBuffer,
        _ socket: Int32,
        until end: UInt64
    ) -> Outcome? {
        while true {
            let now = Clock.monotonicNanoseconds
            guard now < end else { return .unreachable("no answer in time") }
            let interest = Readiness.Interest(socket, reads: true, writes: !outgoing.isEmpty)
            let pause = Int32(clamping: (end - now) / 1_000_000 + 1)
            guard let ready = Readiness.wait(for: [interest], milliseconds: pause).first else { continue }
            if ready.writes, !outgoing.isEmpty {
                // Sound: the kernel reads the bytes during the call.
                switch unsafe outgoing.withUnsafeReadable({ unsafe Socket.send(socket, $0, more: false) }) {
                case .bytes(let count): outgoing.consume(count)
                case .wouldBlock: continue
                case .endOfStream: return .unreachable("the connection was closed")
                case .failed(let code): return .unreachable("\(SystemError("connect", code))")
                }
            }
            guard ready.reads else { continue }
            var taken = Transfer.wouldBlock
            // Sound: the kernel writes into the room it is given, and says how much.
            unsafe incoming.appendUninitialized(minimum: 4_096) { room in
                taken = unsafe Socket.receive(socket, into: UnsafeMutableRawBufferPointer(room))
                return if case .bytes(let count) = taken { count } else { 0 }
            }
            switch taken {
            case .bytes: return nil
            case .wouldBlock: continue
            case .endOfStream: return .unreachable("the connection was closed")
            case .failed(let code): return .unreachable("\(SystemError("recv", code))")
            }
        }
    }
}
