package import Engine
import HTTPWire
package import Linux
import OpenSSL

/// **Phase: handshake.** A client's connection. Gets it from `accept`; carries TLS through its handshake
/// where the listener speaks it, and leaves the bytes to the codec that ALPN settled on.
package final class ClientConnection: EventHandler {
    package let registration = Registration()
    internal let worker: Worker
    internal let transport: Transport
    internal let peer: SocketAddress
    internal let listener: ListenerPlan
    /// Whether TLS is spoken on it.
    internal let isSealed: Bool
    internal private(set) var security: ClientSecurity?
    /// Which certificate of the listener covers a name, as of the handshake; nil without TLS. A later plan may have
    /// given the listener's id to another one, and changes nothing about the certificate that this client was shown.
    internal let certificates: HostTable<Int>?
    private var isShakingHands: Bool
    private var codec: (any ClientCodec)?

    /// Takes over a connection that has been let in. Failures close it.
    internal static func start(
        _ socket: consuming FileDescriptor,
        peer: SocketAddress,
        listener: ListenerPlan,
        worker: Worker
    ) {
        var session: TLSSession?
        if listener.tls != nil {
            guard let context = worker.runtime.contexts[listener.id],
                let made = try? TLSSession(server: context)
            else {
                worker.addresses.remove(peer)
                return worker.count(.connectionsWithoutTLS)
            }
            made.client = AddressCounts.number(of: peer)
            session = made
        }
        let transport = Transport(socket, tls: session, pool: worker.buffers)
        let connection = ClientConnection(worker: worker, transport: transport, peer: peer, listener: listener)
        worker.connections += 1
        do {
            try worker.loop.add(
                connection,
                descriptor: transport.descriptor,
                activity: session == nil ? .request : .handshake
            )
        } catch {
            return connection.close()
        }
        let timeouts = worker.runtime.plan.timeouts
        if session == nil {
            connection.codec = HTTP1Client(connection: connection)
        }
        connection.setDeadline(session == nil ? timeouts.httpRequest : timeouts.clientHandshake)
    }

    private init(worker: Worker, transport: Transport, peer: SocketAddress, listener: ListenerPlan) {
        self.worker = worker
        self.transport = transport
        self.peer = peer
        self.listener = listener
        isSealed = transport.tls != nil
        isShakingHands = transport.tls != nil
        certificates = worker.runtime.certificates[listener.id]
    }

    package func ready(_ events: Epoll.Events) {
        transport.note(events)
        if isShakingHands { return shakeHands() }
        codec?.ready()
        // Last, for the request may have come with the reset that makes it pointless: no report follows this one.
        if events.contains(.error) { codec?.connectionLost() }
    }

    package func timedOut() {
        if isShakingHands {
            worker.count(.timeoutsClientHandshake)
            failHandshake(nil)
        } else if let codec {
            codec.timedOut()
        } else {
            close()
        }
    }

    package func turnEnds() { codec?.turnEnds() }

    private func shakeHands() {
        let progress = transport.handshake()
        // A request that came along with the end of a TLS 1.3 handshake, which nothing of ours completes:
        // the ticket goes with its answer.
        let isHeld = progress == .done && transport.hasUndecrypted && transport.tls?.version == .tls13
        let flushed = isHeld ? .done : transport.flush()
        switch (progress, flushed) {
        case (.failed(let failure), _): failHandshake(failure.reason)
        case (_, .failed): failHandshake(.clientClosed)
        case (.needsInput, _): return
        case (.done, _): handshakeDone()
        }
    }

    /// - Parameter reason: nil when the client took too long.
    private func failHandshake(_ reason: TLSFailure.Reason?) {
        worker.countFailedHandshake(reason)
        close()
    }

    private func handshakeDone() {
        guard let tls = transport.tls else { return }
        isShakingHands = false
        worker.loop.setActivity(self, .request)
        worker.count(.handshakes)
        // RFC 8737, section 3: nothing is said after the handshake.
        if tls.isChallenge { return finish(expectsInput: false) }
        if tls.isResumed { worker.count(.handshakesResumed) }
        security = ClientSecurity(
            version: tls.version == .tls13 ? "TLSv1.3" : "TLSv1.2",
            isResumed: tls.isResumed,
            serverName: tls.serverName,
            subject: tls.peerSubject.map { Array($0.utf8) } ?? []
        )
        // Where HTTP/2 is spoken, it is the first that is offered.
        if listener.http2 && tls.applicationProtocol == 0 {
            codec = HTTP2Client(connection: self)
        } else {
            codec = HTTP1Client(connection: self)
        }
        setDeadline(worker.runtime.plan.timeouts.httpRequest)
        codec?.begin()
    }

    /// The worker drains: ends as soon as nothing is under way.
    internal func drain() {
        if isShakingHands { return }
        codec?.drain()
    }

    internal func setDeadline(_ milliseconds: UInt64?) {
        worker.loop.setDeadline(registration, after: milliseconds)
    }

    /// The codec has given its last answer: what waits is sent, and the client's own end waited for.
    /// - Parameters:
    ///   - expectsInput: whether the client may still send, though it sends no further request.
    ///   - inputIsOver: the client has ended its side.
    internal func finish(expectsInput: Bool = true, inputIsOver: Bool = false) {
        if transport.isClosed { return }
        let closing = ClosingClient(self, expectsInput: expectsInput, inputIsOver: inputIsOver)
        codec = closing
        closing.begin()
    }

    /// Closes the connection. With `reset`, the client sees that an answer was cut.
    internal func close(reset: Bool = false) {
        guard registration.isRegistered || !transport.isClosed else { return }
        codec = nil
        worker.loop.remove(self)
        transport.close(reset: reset)
        worker.connections -= 1
        worker.addresses.remove(peer)
    }
}

/// A protocol spoken on a client's connection.
internal protocol ClientCodec: AnyObject {
    /// The handshake is done, or the codec before this one: bytes may have come already.
    func begin()
    /// The kernel says that the connection is broken: nothing that is still to be sent will arrive.
    func connectionLost()
    /// The transport changed: bytes may have come, or room for more.
    func ready()
    /// The deadline that the codec set has passed.
    func timedOut()
    func turnEnds()
    /// The worker drains: end when the requests under way are done.
    func drain()
}
