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
    private var deadlines: HTTP2Deadlines
    private var uptake = Uptake()
    /// The deadline that the loop knows of.
    private var armed = UInt64.max

    /// Bytes of frames made at a time.
    private static let frameBatch = 65536

    init(connection: ClientConnection) {
        self.connection = connection
        worker = connection.worker
        deadlines = HTTP2Deadlines(idle: worker.loop.now &+ worker.runtime.plan.timeouts.httpRequest)
        session = HTTP2ServerSession(
            settings: worker.runtime.http2Settings,
            budgets: HTTP2Budgets(),
            pool: worker.streams,
            counters: worker.glitches,
            delegate: self,
            now: worker.loop.now
        )
        worker.loop.atEndOfTurn(connection)
    }

    private var transport: Transport { connection.transport }

    // MARK: Events

    func begin() { read() }

    func ready() {
        if transport.isWritable { writeOut() }
        read()
        arm()
    }

    func turnEnds() {
        read()
        writeOut()
        arm()
    }

    /// Reading, which goes on at all times here, finds out.
    func connectionLost() {}

    func drain() {
        session?.drain()
        deadlines.noticed(now: worker.loop.now)
        worker.loop.atEndOfTurn(connection)
    }

    // MARK: Reading

    private func read() {
        var turns = 0
        while let session, transport.mayReceive, session.wantsRead {
            if turns == 16 {
                worker.loop.atEndOfTurn(connection)
                break
            }
            turns += 1
            switch transport.receive() {
            case .data:
                guard let input = transport.input else { continue }
                worker.count(.bytesFromClients, UInt64(input.count))
                if case .closing = session.receive(input.readable, now: worker.loop.now) {
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

    // MARK: Writing

    internal func wantWrite() { worker.loop.atEndOfTurn(connection) }

    private func writeOut() {
        guard let session else { return }
        let before = transport.bytesOut
        defer { worker.count(.bytesToClients, transport.bytesOut &- before) }
        while true {
            switch transport.flush() {
            case .done: deadlines.taken()
            case .blocked:
                if deadlines.output != .max && transport.bytesOut == before { return }
                let now = worker.loop.now
                return deadlines.blocked(until: now &+ uptake.begin(now: now, patience: clientTime))
            case .failed: return end(.clientGone)
            }
            guard session.wantsWrite else { break }
            let frames = worker.buffers.take()
            let made = session.produce(into: frames, limit: Self.frameBatch, now: worker.loop.now)
            transport.write(frames.readable)
            worker.buffers.give(frames)
            if made == 0 { break }
        }
        if self.session != nil && (isEnding || !session.wantsRead) && !session.wantsWrite { close() }
    }

    // MARK: Deadlines

    /// Has the loop tell when the next deadline passes.
    private func arm() {
        guard let session else { return }
        let now = worker.loop.now
        deadlines.update(
            headUnderWay: session.headUnderWay,
            openStreams: session.openStreams,
            now: now,
            timeouts: worker.runtime.plan.timeouts,
            patience: patience
        )
        let next = deadlines.next
        if next == armed { return }
        armed = next
        connection.setDeadline(next == .max ? nil : next > now ? next - now : 0)
    }

    /// Milliseconds that the client may take nothing of what it is sent.
    private var clientTime: UInt64 { worker.runtime.plan.timeouts.client }

    /// Milliseconds that a stream has in any case.
    private var patience: UInt64 {
        let plan = worker.runtime.plan
        return plan.limits.minimumBodyRate > 0
            ? min(plan.timeouts.client, plan.timeouts.httpRequest) : plan.timeouts.client
    }

    func timedOut() {
        armed = .max
        let now = worker.loop.now
        if deadlines.output <= now {
            guard let next = uptake.look(at: transport, now: now, patience: clientTime) else {
                worker.count(.timeoutsClient)
                return end(.clientTimeout)
            }
            deadlines.blocked(until: now &+ next)
        }
        if deadlines.head <= now { return headTimedOut() }
        if deadlines.idle <= now {
            worker.count(deadlines.hasServed ? .timeoutsHTTPKeepAlive : .timeoutsHTTPRequest)
            return endOrderly(.clientTimeout)
        }
        if deadlines.look <= now { look(now: now) }
        if deadlines.notice <= now {
            deadlines.noticeIsOver()
            session?.drain()
        }
        writeOut()
        arm()
    }

    /// A head that is not whole holds up all else that the client could send: the connection ends.
    private func headTimedOut() {
        worker.count(.timeoutsHTTPRequest)
        session?.forEachStream { stream in
            guard stream.id == deadlines.headStream, stream.context == nil, let session else { return }
            let request = worker.takeRequest(self, session, stream)
            worker.takeExchange(request, head: stream.head).clientGone(.requestTimeout)
            worker.giveRequest(request)
        }
        endOrderly(.clientTimeout)
    }

    /// Ends the streams whose clients have taken too long, and no others.
    private func look(now: UInt64) {
        var next = now &+ patience
        session?.forEachStream { stream in
            guard let request = stream.context as? HTTP2Request else { return }
            next = min(next, request.checkDeadline(now: now, isBlocked: transport.pendingOutput > 0))
        }
        deadlines.looked(next: next)
    }

    // MARK: Ending

    /// Ends the connection, with GOAWAY that says which streams were served (RFC 9113 section 6.8).
    private func endOrderly(_ outcome: Outcome) {
        endings = outcome
        session?.close(code: HTTP2ErrorCode.noError)
        writeOut()
        close()
    }

    /// The connection is lost, or its client takes nothing.
    private func end(_ outcome: Outcome) {
        if session == nil { return }
        endings = outcome
        endSession()
        connection.close()
    }

    private var endings = Outcome.clientGone

    /// All is said. The client has yet to take it, and speaks while it does; one that abuses the connection is not
    /// listened to any longer.
    private func close() {
        guard let session else { return }
        endSession()
        if case .abuse = session.closing { connection.close() } else { connection.finish() }
    }

    private func endSession() {
        guard let session else { return }
        self.session = nil
        switch session.closing {
        case .protocolError:
            worker.count(.http2ProtocolErrors)
            endings = .refused
        case .abuse: endings = .refused
        case .internalError, .requested, nil: break
        }
        session.end()
    }
}

extension HTTP2Client: HTTP2ServerDelegate {
    func http2(_ session: HTTP2ServerSession, opened stream: HTTP2Stream) {
        if !stream.head.upgrade.isEmpty { stream.head.framing = .none }
        begin(session, stream).routeRequest()
    }

    private func begin(_ session: HTTP2ServerSession, _ stream: HTTP2Stream) -> Exchange {
        let request = worker.takeRequest(self, session, stream)
        stream.context = request
        let exchange = worker.takeExchange(request, head: stream.head)
        request.exchange = exchange
        return exchange
    }

    func http2(_ session: HTTP2ServerSession, declined stream: HTTP2Stream, reason: RefusalReason) {
        let exchange = begin(session, stream)
        exchange.refusal = reason
        exchange.answer(reason.status, .refused)
    }

    func http2(_ session: HTTP2ServerSession, refused stream: HTTP2Stream, reason: RefusalReason) {
        if let request = stream.context as? HTTP2Request {
            request.exchange?.refusal = reason
            request.exchange?.clientGone(.refused)
        } else {
            let request = worker.takeRequest(self, session, stream)
            let exchange = worker.takeExchange(request, head: stream.head)
            exchange.refusal = reason
            exchange.clientGone(.refused)
            worker.giveRequest(request)
        }
    }

    func http2(_ session: HTTP2ServerSession, data: Span<UInt8>, on stream: HTTP2Stream) {
        (stream.context as? HTTP2Request)?.receive(data)
    }

    func http2(_ session: HTTP2ServerSession, ended stream: HTTP2Stream) {
        (stream.context as? HTTP2Request)?.receiveEnd()
    }

    func http2(_ session: HTTP2ServerSession, closed stream: HTTP2Stream, code: UInt32) {
        guard let request = stream.context as? HTTP2Request else { return }
        if endings == .refused { request.exchange?.refusal = .malformedStream }
        request.exchange?.clientGone(endings)
        request.exchange = nil
        worker.giveRequest(request)
    }

    func http2(_ session: HTTP2ServerSession, writable stream: HTTP2Stream) {
        (stream.context as? HTTP2Request)?.sendWaiting()
    }
}
