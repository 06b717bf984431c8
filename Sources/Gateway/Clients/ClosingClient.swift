import Bytes
import Engine

/// **Phase: close.** A client's connection whose last answer has been given. Gets it from the codec that wants its end:
/// sends what waits and the gateway's own end behind it, and throws away what the client still sends until that ends too.
///
/// A socket that is closed while the client still speaks, be it a WINDOW_UPDATE for what it has taken, answers with a
/// reset, which takes along what the client has not read (RFC 9112 section 9.6).
internal final class ClosingClient: ClientCodec {
    /// Each keeps the other until the connection closes.
    private let connection: ClientConnection
    private let worker: Worker
    private let transport: Transport
    /// Whether the client may still send. Without it, the connection is closed with the last byte.
    private let expectsInput: Bool
    private var inputIsOver: Bool
    private var outputEnded = false
    /// The client's time to take some of what the socket does not take has begun.
    private var isBlocked = false
    private var uptake = Uptake()
    /// Bytes that were on their way to the client when its time was last set.
    private var underWay = 0

    /// Reads at most this often in one turn.
    private static let readsInTurn = 32

    /// - Parameters:
    ///   - expectsInput: whether the client may still send, though it sends no further request.
    ///   - inputIsOver: the client has ended its side.
    init(_ connection: ClientConnection, expectsInput: Bool, inputIsOver: Bool) {
        self.connection = connection
        self.expectsInput = expectsInput
        self.inputIsOver = inputIsOver
        worker = connection.worker
        transport = connection.transport
    }

    /// The codec before this one may be in the middle of its input: that is thrown away when the turn ends.
    func begin() {
        endOutput()
        if !transport.isClosed { worker.loop.atEndOfTurn(connection) }
    }

    func ready() {
        if !outputEnded && transport.isWritable { endOutput() }
        discard()
    }

    func turnEnds() { discard() }

    /// Reading and writing find out.
    func connectionLost() {}

    func drain() {}

    // MARK: The gateway's end

    private func endOutput() {
        let before = transport.bytesOut
        let closesAtOnce = inputIsOver || hasAllInput
        let ended = transport.endOutput(closing: closesAtOnce)
        worker.count(.bytesToClients, transport.bytesOut &- before)
        switch ended {
        case .done:
            if closesAtOnce { return connection.close() }
            outputEnded = true
            awaitEnd()
        case .blocked:
            if isBlocked && transport.bytesOut == before { return }
            isBlocked = true
            connection.setDeadline(uptake.begin(now: worker.loop.now, patience: clientTime))
        case .failed: connection.close()
        }
    }

    /// Milliseconds that the client may take nothing of what waits.
    private var clientTime: UInt64 { worker.runtime.plan.timeouts.client }

    /// The client sends nothing more, and all that it did send is read: a close that finds unread bytes would reset the
    /// connection.
    private var hasAllInput: Bool { !expectsInput && transport.pendingInput == 0 && !transport.mayReceive }

    // MARK: The client's end

    private func discard() {
        var reads = 0
        while !inputIsOver, !transport.isClosed {
            if let input = transport.input { input.consume(input.count) }
            guard transport.mayReceive else { break }
            if reads == Self.readsInTurn {
                worker.loop.atEndOfTurn(connection)
                break
            }
            reads += 1
            switch transport.receive() {
            case .data, .wouldBlock: continue
            case .endOfStream, .truncated: inputEnded()
            case .failed: return connection.close()
            }
        }
        transport.releaseInput()
    }

    private func inputEnded() {
        inputIsOver = true
        if outputEnded { connection.close() } else { endOutput() }
    }

    private func awaitEnd() {
        underWay = transport.untaken
        connection.setDeadline(worker.runtime.plan.timeouts.clientFin)
    }

    func timedOut() {
        if !outputEnded {
            if let next = uptake.look(at: transport, now: worker.loop.now, patience: clientTime) {
                return connection.setDeadline(next)
            }
            worker.count(.timeoutsClient)
            return connection.close(reset: true)
        }
        // A client that takes what is on its way has more time, as it had before that was the last of it.
        if transport.untaken < underWay { return awaitEnd() }
        worker.count(.timeoutsClientFin)
        connection.close()
    }
}
