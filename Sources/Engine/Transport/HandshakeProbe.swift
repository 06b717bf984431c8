import Bytes
package import Linux
package import OpenSSL

/// One TLS handshake with a server, made and thrown away to see which certificate it shows and that it has the key: no
/// resumption, no verification of the chain, no request. Blocks its thread.
package enum HandshakeProbe {
    package enum Outcome: Sendable {
        /// The handshake came to its end: the server has signed it with the certificate's key.
        case served(Certificate)
        /// The server, or the bytes it sent, ended the handshake that it had begun.
        case failed(String)
        /// There was no handshake: no connection, or no answer in time.
        case unreachable(String)
    }

    /// - Parameters:
    ///   - name: what is asked for in SNI; empty to ask for nothing.
    ///   - key: the kind of key that the client takes.
    ///   - milliseconds: for connection and handshake together.
    package static func run(
        _ address: SocketAddress,
        name: String,
        _ key: PrivateKey.Algorithm,
        within milliseconds: Int
    ) -> Outcome {
        let socket: FileDescriptor
        let session: TLSSession
        do throws(SystemError) {
            socket = try Socket.connect(to: address)
        } catch {
            return .unreachable("\(error)")
        }
        do throws(OpenSSLError) {
            var settings = TLSContext.ClientSettings()
            settings.signatures = key
            session = try TLSSession(client: try TLSContext(client: settings), serverName: name)
        } catch {
            return .unreachable("\(error)")
        }
        return talk(session, socket.raw, until: Clock.monotonicNanoseconds + UInt64(milliseconds) * 1_000_000)
    }

    private static func talk(_ session: TLSSession, _ socket: Int32, until end: UInt64) -> Outcome {
        let (incoming, outgoing) = (ByteBuffer(capacity: 16_384), ByteBuffer(capacity: 4_096))
        var hasBegun = false
        while true {
            switch session.handshake(incoming: incoming, outgoing: outgoing) {
            case .failed(let failure): return .failed("\(failure)")
            // In TLS 1.3, which all listeners speak, a client is done before the server asks where its certificate is.
            case .done: return session.peerCertificate.map { .served($0) } ?? .failed("it brings no certificate")
            case .needsInput: break
            }
            guard let end = exchange(incoming, outgoing, socket, until: end) else {
                hasBegun = true
                continue
            }
            switch end {
            case .closed where hasBegun: return .failed("the connection was closed in its middle")
            case .closed: return .unreachable("the connection was closed")
            case .late: return .unreachable("no answer in time")
            case .broken(let error) where hasBegun: return .failed("\(error)")
            case .broken(let error): return .unreachable("\(error)")
            }
        }
    }

    /// Why no more bytes come.
    private enum End {
        case closed
        case late
        case broken(SystemError)
    }

    /// Sends what waits and takes what comes; why not when nothing can.
    private static func exchange(
        _ incoming: ByteBuffer,
        _ outgoing: ByteBuffer,
        _ socket: Int32,
        until end: UInt64
    ) -> End? {
        while true {
            let now = Clock.monotonicNanoseconds
            guard now < end else { return .late }
            let interest = Readiness.Interest(socket, reads: true, writes: !outgoing.isEmpty)
            let pause = Int32(clamping: (end - now) / 1_000_000 + 1)
            guard let ready = Readiness.wait(for: [interest], milliseconds: pause).first else { continue }
            if ready.writes, !outgoing.isEmpty {
                // Sound: the kernel reads the bytes during the call.
                switch unsafe outgoing.withUnsafeReadable({ unsafe Socket.send(socket, $0, more: false) }) {
                case .bytes(let count): outgoing.consume(count)
                case .wouldBlock: continue
                case .endOfStream: return .closed
                case .failed(let code): return .broken(SystemError("connect", code))
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
            case .endOfStream: return .closed
            case .failed(let code): return .broken(SystemError("recv", code))
            }
        }
    }
}
