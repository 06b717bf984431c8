import Bytes
import Engine
import HTTPWire
import Linux

/// One stream of an HTTP/2 connection, as its exchange sees it. Used again for later streams.
internal final class HTTP2Request {
    private var codec: HTTP2Client?
    private var session: HTTP2ServerSession?
    private var stream: HTTP2Stream?
    internal var exchange: Exchange?
    /// Body bytes that came before the exchange could take them, at most a stream's window.
    private var received: ByteBuffer?
    /// Body bytes of the answer that the stream's own buffer had no room for, at most one read.
    private var waiting: ByteBuffer?
    private var hasEnded = false
    private var answerEnds = false
    /// What comes behind the answer's body, while that has to wait.
    private var trailers: HTTP2HeadWriter?
    private var pace = BodyPace()
    /// When bytes of the answer began to wait for the client: the loop's milliseconds.
    private var sendingSince: UInt64 = 0
    /// Whether it stands in its connection's list of requests to be sent on.
    internal var isTouched = false

    func begin(_ codec: HTTP2Client, _ session: HTTP2ServerSession, _ stream: HTTP2Stream) {
        self.codec = codec
        self.session = session
        self.stream = stream
        hasEnded = stream.endsWithHead
        answerEnds = false
        trailers = nil
        pace = BodyPace()
        isTouched = false
    }

    /// Forgets everything: the stream is over.
    func end(_ buffers: BufferPool) {
        if let received { buffers.give(received) }
        if let waiting { buffers.give(waiting) }
        received = nil
        waiting = nil
        exchange = nil
        codec = nil
        session = nil
        stream = nil
    }

    // MARK: The request's body

    func receive(_ data: Span<UInt8>) {
        guard let codec, let exchange else {
            // Nobody wants it any more; the window must not stay shut for it.
            bodyTaken(data.count)
            return
        }
        let now = codec.worker.loop.now
        pace.came(data.count, now: now)
        if received == nil && exchange.wantsBody {
            pace.wait(now: now)
            exchange.requestBody(data)
            codec.touch(self)
        } else {
            let buffer = received ?? codec.worker.buffers.take()
            received = buffer
            buffer.append(data)
            codec.touch(self)
        }
    }

    func receiveEnd() {
        hasEnded = true
        if received == nil, let exchange, exchange.wantsBody { passEnd() }
    }

    private func passEnd() {
        guard let codec, let exchange else { return }
        if exchange.isTunnel {
            exchange.tunnelClientEnded()
        } else {
            exchange.requestBodyEnded(trailers: stream?.trailers)
            codec.touch(self)
            exchange.flushRequest()
        }
    }

    // MARK: The answer's body

    /// The stream's buffer has room again.
    func sendWaiting() {
        guard let session, let stream, let codec else { return }
        if let waiting {
            let taken = session.send(waiting.readable, on: stream)
            waiting.consume(taken)
            if !waiting.isEmpty { return }
            codec.worker.buffers.give(waiting)
            self.waiting = nil
            if answerEnds { finish(session, stream) }
        }
        codec.wantWrite()
        exchange?.clientTook()
    }

    private func finish(_ session: HTTP2ServerSession, _ stream: HTTP2Stream) {
        if let trailers { session.finish(stream, trailers: trailers) } else { session.finish(stream) }
    }

    // MARK: Deadlines

    /// Ends the stream if its client has taken too long with its body or with taking the answer.
    ///
    /// - Parameter isBlocked: the connection's socket takes nothing, which is not this stream's fault.
    /// - Returns: when to look again: the loop's milliseconds; `.max` while nothing is waited for.
    func checkDeadline(now: UInt64, isBlocked: Bool) -> UInt64 {
        guard let codec, let stream else { return .max }
        let worker = codec.worker
        let plan = worker.runtime.plan
        var next = UInt64.max
        if !isBlocked && (waiting != nil || stream.buffered > 0) {
            let due = max(sendingSince, stream.lastWritten) &+ plan.timeouts.client
            if due <= now {
                worker.count(.timeoutsClient)
                exchange?.clientGone(.clientTimeout)
                session?.reset(stream, code: HTTP2ErrorCode.cancel)
                return .max
            }
            next = due
        }
        guard let exchange, !hasEnded, received == nil, !exchange.isTunnel, exchange.wantsBody else { return next }
        pace.wait(now: now)
        let silence = pace.since &+ plan.timeouts.client
        let slowness = pace.deadline(rate: plan.limits.minimumBodyRate, grace: plan.timeouts.httpRequest)
        if min(silence, slowness) > now { return min(next, min(silence, slowness)) }
        if slowness < silence {
            exchange.bodyTooSlow()
        } else {
            worker.count(.timeoutsClient)
            exchange.bodyTimedOut()
        }
        return .max
    }
}

extension HTTP2Request: ClientStream {
    var isCongested: Bool { waiting != nil }

    var origin: ClientConnection {
        guard let codec else { preconditionFailure("a request is used while its stream is open") }
        return codec.connection
    }

    func sendInformational(_ head: MessageHead) {
        guard let session, let stream, let writer = write(head, status: head.status) else { return }
        session.inform(stream, writer)
        codec?.wantWrite()
    }

    func sendHead(_ head: MessageHead) {
        // A switch of protocols is a plain success here (RFC 8441 section 5).
        let status = head.status == 101 ? 200 : head.status
        guard let session, let stream, let writer = write(head, status: status) else { return }
        if case .length(let length) = head.framing { writer.add("content-length", decimal: length) }
        session.respond(stream, writer, endsStream: head.framing == .none && head.status != 101)
        codec?.wantWrite()
    }

    private func write(_ head: MessageHead, status: Int) -> HTTP2HeadWriter? {
        guard let writer = codec?.worker.headWriter else { return nil }
        writer.startResponse(status: status)
        let text = head.bytes
        for field in head.fields where !field.isHopByHop {
            switch field.known {
            case .contentLength where head.framing != .none: continue
            case .transferEncoding, .connection, .keepAlive, .proxyConnection, .upgrade: continue
            // HTTP/2 has no such handshake (RFC 8441 section 5).
            case .secWebSocketAccept: continue
            default: writer.add(text.span(field.name), text.span(field.value))
            }
        }
        return writer
    }

    func sendBody(_ bytes: Span<UInt8>) {
        guard let session, let stream, let codec else { return }
        if waiting == nil && stream.buffered == 0 { sendingSince = codec.worker.loop.now }
        var taken = 0
        if waiting == nil { taken = session.send(bytes, on: stream) }
        if taken < bytes.count {
            let buffer = waiting ?? codec.worker.buffers.take()
            waiting = buffer
            buffer.append(bytes.extracting(taken...))
        }
        codec.wantWrite()
    }

    func sendEnd(trailers: MessageHead?) {
        answerEnds = true
        guard let session, let stream else { return }
        if let trailers, !trailers.fields.isEmpty { keep(trailers) }
        if waiting == nil { finish(session, stream) }
        codec?.wantWrite()
    }

    private func keep(_ trailers: MessageHead) {
        let writer = HTTP2HeadWriter()
        let text = trailers.bytes
        for field in trailers.fields where !field.isHopByHop {
            writer.add(text.span(field.name), text.span(field.value))
        }
        self.trailers = writer
    }

    func flush() { codec?.wantWrite() }

    func cut() {
        guard let session, let stream else { return }
        session.reset(stream, code: HTTP2ErrorCode.internalError)
        codec?.wantWrite()
    }

    func bodyWanted() {
        guard let exchange, exchange.wantsBody else { return }
        if let received {
            self.received = nil
            exchange.requestBody(received.readable)
            received.clear()
            codec?.worker.buffers.give(received)
            exchange.flushRequest()
        }
        if hasEnded {
            if exchange.isTunnel ? !exchange.clientHasEnded : !exchange.requestEnded { passEnd() }
        } else if let codec, self.received == nil {
            pace.wait(now: codec.worker.loop.now)
        }
    }

    var isReading: Bool { false }

    func bodyTaken(_ count: Int) {
        guard let session, let stream else { return }
        session.consume(stream, count)
        codec?.wantWrite()
    }

    func becomeTunnel() {}

    func exchangeEnded() {
        // A tunnel that the client has not ended itself would stay open for as long as it likes.
        if let exchange, exchange.isTunnel, !hasEnded, let session, let stream {
            session.reset(stream, code: HTTP2ErrorCode.cancel)
            codec?.wantWrite()
        }
        exchange = nil
    }
}
