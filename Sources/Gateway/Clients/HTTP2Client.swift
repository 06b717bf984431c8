import Bytes
import Engine
import HTTPWire
import Linux

/// HTTP/2 on a client's connection: many requests at a time, each an exchange of its own.
///
/// What streams send is gathered until the turn ends, so that answers which come in one turn leave in
/// one write. Frames are made only when the socket takes them: what waits lies in the streams' own
/// bounded buffers, and a slow stream holds back nobody but itself.
internal final class HTTP2Client: ClientCodec {
    /// Each keeps the other until the connection closes, so that a log line can still name the peer.
    internal let connection: ClientConnection
    internal let worker: Worker
    private var session: HTTP2ServerSession?
    /// Requests that were given body bytes in this read, to be sent on together.
    private var touched: [HTTP2Request] = []
    private var isEnding = false

    /// Bytes of frames made at a time.
    private static let frameBatch = 65536

    init(connection: ClientConnection) {
        self.connection = connection
        worker = connection.worker
        let plan = worker.runtime.plan
        session = HTTP2ServerSession(
            settings: worker.runtime.http2Settings,
            budgets: HTTP2Budgets(),
            pool: worker.streams,
            counters: worker.glitches,
            delegate: self,
            now: worker.loop.now
        )
        connection.setDeadline(plan.timeouts.httpRequest)
        worker.loop.atEndOfTurn(connection)
    }

    private var transport: Transport { connection.transport }

    // MARK: Events

    func ready() {
        if transport.isWritable { writeOut() }
        read()
    }

    func turnEnds() {
        read()
        writeOut()
    }

    func timedOut() {
        guard let session else { return }
        if session.openStreams > 0 {
            worker.count(.timeoutsClient)
            end(.clientTimeout)
        } else {
            drain()
            writeOut()
            close()
        }
    }

    func drain() {
        session?.drain()
        worker.loop.atEndOfTurn(connection)
    }

    // MARK: Reading

    private func read() {
        var turns = 0
        var hasReceived = false
        while let session, transport.mayReceive, session.wantsRead {
            if turns == 16 {
                worker.loop.atEndOfTurn(connection)
                break
            }
            turns += 1
            switch transport.receive() {
            case .data:
                guard let input = transport.input else { continue }
                hasReceived = true
                worker.count(.bytesFromClients, UInt64(input.count))
                if case .closing(let reason) = session.receive(input.readable, now: worker.loop.now) {
                    if case .abuse = reason { worker.count(.http2GlitchCloses) }
                    isEnding = true
                }
                input.consume(input.count)
                passOn()
            case .wouldBlock: break
            case .endOfStream, .truncated, .failed: return end(.clientGone)
            }
            if isEnding { break }
        }
        if self.session == nil { return }
        transport.releaseInput()
        if let session, session.wantsWrite || isEnding || !session.wantsRead { worker.loop.atEndOfTurn(connection) }
        if hasReceived { arm() }
    }

    /// Sends on what one read gave, with one write for each server.
    private func passOn() {
        if touched.isEmpty { return }
        for request in touched {
            request.isTouched = false
            request.exchange?.flushRequest()
            // What went out may have made room for what had to wait.
            request.bodyWanted()
        }
        touched.removeAll(keepingCapacity: true)
    }

    internal func touch(_ request: HTTP2Request) {
        if request.isTouched { return }
        request.isTouched = true
        touched.append(request)
    }

    /// Sets the deadline for what is waited for: the client's next request or bytes, or nothing of it.
    private func arm() {
        guard let session else { return }
        let timeouts = worker.runtime.plan.timeouts
        connection.setDeadline(session.openStreams == 0 ? timeouts.httpKeepAlive : timeouts.client)
    }

    // MARK: Writing

    internal func wantWrite() { worker.loop.atEndOfTurn(connection) }

    private func writeOut() {
        guard let session else { return }
        let before = transport.bytesOut
        defer { worker.count(.bytesToClients, transport.bytesOut &- before) }
        while true {
            switch transport.flush() {
            case .done: break
            case .blocked: return
            case .failed: return end(.clientGone)
            }
            guard session.wantsWrite else { break }
            let frames = worker.buffers.take()
            let made = session.produce(into: frames, limit: Self.frameBatch)
            transport.write(frames.readable)
            worker.buffers.give(frames)
            if made == 0 { break }
        }
        if self.session != nil && (isEnding || !session.wantsRead) && !session.wantsWrite { close() }
    }

    // MARK: Ending

    private func end(_ outcome: Outcome) {
        endings = outcome
        close()
    }

    private var endings = Outcome.clientGone

    private func close() {
        guard let session else { return }
        self.session = nil
        session.end()
        connection.close()
    }
}

extension HTTP2Client: HTTP2ServerDelegate {
    func http2(_ session: HTTP2ServerSession, opened stream: HTTP2Stream) {
        let request = worker.takeRequest(self, session, stream)
        stream.context = request
        let exchange = worker.takeExchange(request, head: stream.head)
        request.exchange = exchange
        if !stream.head.upgrade.isEmpty { stream.head.framing = .none }
        exchange.routeRequest()
    }

    func http2(_ session: HTTP2ServerSession, refused stream: HTTP2Stream, reason: RefusalReason) {
        worker.count(.requestsHTTP2)
        worker.count(.requestsRefused)
    }

    func http2(_ session: HTTP2ServerSession, data: Span<UInt8>, on stream: HTTP2Stream) {
        (stream.context as? HTTP2Request)?.receive(data)
    }

    func http2(_ session: HTTP2ServerSession, ended stream: HTTP2Stream) {
        (stream.context as? HTTP2Request)?.receiveEnd()
    }

    func http2(_ session: HTTP2ServerSession, closed stream: HTTP2Stream, code: UInt32) {
        guard let request = stream.context as? HTTP2Request else { return }
        request.exchange?.clientGone(endings)
        request.exchange = nil
        worker.giveRequest(request)
    }

    func http2(_ session: HTTP2ServerSession, writable stream: HTTP2Stream) {
        (stream.context as? HTTP2Request)?.sendWaiting()
    }
}
