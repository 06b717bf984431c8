import Bytes
package import Engine
import HTTPWire
package import Linux

/// A connection to an app server, and HTTP/1.1 spoken on it from this side.
///
/// It serves one exchange at a time and lies idle in its pool between them. What comes from the
/// server while it is idle, or after the end of an answer, ends it: such bytes are nobody's.
package final class ServerConnection: EventHandler {
    package let registration = Registration()
    internal enum State {
        case connecting, idle, busy, closed
    }

    internal let worker: Worker
    internal let pool: Pool
    internal let server: Int
    internal let transport: Transport
    internal private(set) var state: State
    /// Whether it had served an exchange before this one: a server may have closed it as the request went out.
    internal private(set) var isReused = false
    internal private(set) var exchange: Exchange?
    /// The turn of the loop in which it became idle, by the time that is read once a turn.
    private var keptAt: UInt64 = 0

    private var parser: HTTP1ResponseParser
    private var decoder = HTTP1BodyDecoder(.response)
    private var isReadingHead = true
    private var isPumping = false
    /// The socket took less than it was given.
    private var isBlocked = false
    /// The server reset the connection: what it had sent may be lost, and an end that follows is not its word.
    private var wasReset = false
    /// Bytes of the transport that are counted.
    private var counted: (in: UInt64, out: UInt64) = (0, 0)
    /// Whether the server takes the request's body, while `patience` is above 0: milliseconds that it may take and say
    /// nothing.
    private var uptake = Uptake()
    private var patience: UInt64 = 0
    /// Nothing follows what waits to be sent: the server is to read the end behind it.
    private var endsOutput = false

    /// Begins a connection to `server` of `pool` for `exchange`.
    internal init(worker: Worker, pool: Pool, server: Int, exchange: Exchange) throws(SystemError) {
        guard let address = pool.plan.servers[server].socketAddress else {
            throw SystemError("resolve \(pool.plan.servers[server].name)", 113)
        }
        self.worker = worker
        self.pool = pool
        self.server = server
        self.exchange = exchange
        state = .connecting
        transport = Transport(try Socket.connect(to: address), tls: nil, pool: worker.buffers)
        parser = HTTP1ResponseParser(limits: HeadLimits())
        do {
            try worker.loop.add(self, descriptor: transport.descriptor, activity: .forwarding)
        } catch {
            transport.close()
            throw error
        }
        worker.loop.setDeadline(registration, after: exchange.runtime.plan.timeouts.connect)
    }

    /// Whether the server is known to have said nothing since its last answer. Where that ended in this very turn, the
    /// loop has not looked since, and the kernel is asked: the surplus of one client's answer would become the next
    /// one's (docs/threat-model.md).
    internal var isSilent: Bool { keptAt != worker.loop.nowMicroseconds || transport.isSilent }

    /// Whether the server took the whole request in, as far as a connection that ended without an answer tells. Its
    /// machine acknowledges what it takes, and resets a connection that is closed with something unread in it.
    internal var hasTakenRequest: Bool { !wasReset && transport.pendingOutput == 0 && transport.untaken == 0 }

    /// Takes an idle connection for `exchange`.
    internal func reuse(for exchange: Exchange) {
        state = .busy
        isReused = true
        isBlocked = false
        self.exchange = exchange
    }

    // MARK: Events

    package func ready(_ events: Epoll.Events) {
        transport.note(events)
        switch state {
        case .connecting:
            guard transport.isWritable else { return }
            let code = Socket.pendingError(transport.descriptor)
            if code == 0 {
                state = .busy
                exchange?.connected(by: self)
                // A server that says something, or ends, at once is told of in this same report.
                if transport.isReadable { pump() }
            } else {
                exchange?.connectFailed(timedOut: false)
            }
        case .idle:
            guard transport.isReadable else { return }
            pool.forget(self, of: server)
            close()
        case .busy:
            if transport.isWritable && transport.pendingOutput > 0 { flush() }
            if transport.isReadable { pump() }
        case .closed:
            return
        }
    }

    package func timedOut() {
        switch state {
        case .connecting:
            exchange?.connectFailed(timedOut: true)
        case .idle:
            pool.forget(self, of: server)
            close()
        case .busy:
            if patience > 0, let next = uptake.look(at: transport, now: worker.loop.now, patience: patience) {
                return worker.loop.setDeadline(registration, after: next)
            }
            exchange?.serverTimedOut()
        case .closed:
            return
        }
    }

    // MARK: Sending

    /// Prepares for the answer to a request of `method`, whose head is about to be written.
    internal func expectAnswer(to method: Method) {
        parser.reset(forMethod: method)
        isReadingHead = true
    }

    /// Sends what was written, as far as the socket takes it.
    internal func flush() {
        let outcome = transport.flush()
        countBytes()
        switch outcome {
        case .done:
            // Told once, after it had to wait: whoever writes and flushes is not called back into.
            if isBlocked {
                isBlocked = false
                if endsOutput { _ = transport.endOutput() }
                exchange?.serverTook()
            }
        case .blocked:
            isBlocked = true
        case .failed(let failure):
            if !failure.followsEnd { wasReset = true }
            // An answer may have come before the server closed: it is read first, and its end tells.
            transport.note(.readHangUp)
            pump()
        }
    }

    /// Lets the server read the end of what is sent to it, after all that waits.
    internal func endOutput() {
        endsOutput = true
        let outcome = transport.endOutput()
        countBytes()
        switch outcome {
        case .done: return
        case .blocked: isBlocked = true
        case .failed: exchange?.serverClosed(afterPart: true)
        }
    }

    /// Sets how long the server may say nothing; nil while it is the client that is waited for.
    internal func setDeadline(_ milliseconds: UInt64?) {
        patience = 0
        worker.loop.setDeadline(registration, after: milliseconds)
    }

    /// Sets how long the server may say nothing, and take nothing of a body.
    internal func setUploadDeadline(_ milliseconds: UInt64) {
        patience = milliseconds
        let first = uptake.begin(now: worker.loop.now, patience: milliseconds)
        worker.loop.setDeadline(registration, after: first)
    }

    // MARK: Receiving

    /// Reads and passes on what the server sends, until it would block or the client is full.
    internal func pump() {
        if isPumping { return }
        isPumping = true
        defer {
            isPumping = false
            countBytes()
        }
        var turns = 0
        while state == .busy, let exchange, exchange.wantsAnswer {
            if let input = transport.input, !input.isEmpty {
                guard process(input, exchange) else { continue }
            }
            // A pipelined request may have taken the connection over in the middle of this, and found it broken.
            guard state == .busy, self.exchange === exchange else { continue }
            guard exchange.wantsAnswer else { break }
            guard transport.isReadable else { break }
            if turns == 32 {
                worker.loop.atEndOfTurn(self)
                break
            }
            turns += 1
            switch transport.receive() {
            case .data, .wouldBlock: continue
            case .endOfStream, .truncated: end(exchange)
            case .failed:
                wasReset = true
                exchange.serverClosed(afterPart: transport.pendingInput > 0)
            }
        }
        if !transport.isClosed { transport.releaseInput() }
    }

    package func turnEnds() { pump() }

    /// Counts what went to the server and came from it since the last time: all bytes, heads and framing included.
    private func countBytes() {
        worker.count(.bytesFromServers, transport.bytesIn &- counted.in)
        worker.count(.bytesToServers, transport.bytesOut &- counted.out)
        counted = (transport.bytesIn, transport.bytesOut)
    }

    /// - Returns: whether all that could be was taken, and more must be read to go on.
    private func process(_ input: ByteBuffer, _ exchange: Exchange) -> Bool {
        if isReadingHead { return readHead(input, exchange) }
        return readBody(input, exchange)
    }

    private func readHead(_ input: ByteBuffer, _ exchange: Exchange) -> Bool {
        // The parser clears the head itself when it begins one, and goes on with it when more has come.
        switch parser.parse(input.readable, into: exchange.response) {
        case .incomplete:
            return true
        case .refused(let refusal):
            exchange.serverRefused(refusal.reason)
            return true
        case .complete(let consumed):
            input.consume(consumed)
            let status = exchange.response.status
            if status < 200 && status != 101 {
                parser.reset(forMethod: exchange.head.method)
                exchange.informed()
                return false
            }
            isReadingHead = false
            decoder = HTTP1BodyDecoder(.response)
            let framing = exchange.response.framing
            decoder.start(
                status == 101 ? .untilClose : framing,
                trailers: framing == .chunked ? exchange.responseTrailers : nil
            )
            exchange.answered()
            if state == .busy, status != 101, decoder.isEnded { finish(exchange) }
            return false
        }
    }

    private func readBody(_ input: ByteBuffer, _ exchange: Exchange) -> Bool {
        var position = 0
        while true {
            switch decoder.next(input.readable, from: position) {
            case .data(let range):
                exchange.answerBody(input.readable.extracting(range))
                position = range.upperBound
                if state != .busy { return true }
            case .needMore(let consumed):
                input.consume(consumed)
                exchange.flushAnswer()
                return true
            case .end(let consumed):
                input.consume(consumed)
                finish(exchange)
                return true
            case .refused(let refusal):
                exchange.serverRefused(refusal.reason)
                return true
            }
        }
    }

    /// The server ended its side.
    private func end(_ exchange: Exchange) {
        if !isReadingHead && exchange.isTunnel {
            exchange.tunnelServerEnded()
        } else if !isReadingHead && !wasReset && decoder.endOfInput() == .complete {
            finish(exchange)
        } else {
            exchange.serverClosed(afterPart: !isReadingHead || transport.pendingInput > 0)
        }
    }

    /// The answer is whole.
    private func finish(_ exchange: Exchange) {
        // What is still to be read, the server's end perhaps, is nothing to go on with.
        let isClean = transport.pendingInput == 0 && transport.pendingOutput == 0 && !transport.isReadable
        exchange.answerEnded(canReuse: isClean && exchange.response.keepAlive)
    }

    // MARK: Ending

    /// Ends the exchange's use of it: kept for the next one, or closed.
    internal func release(reusable: Bool) {
        exchange = nil
        guard reusable, state == .busy, !transport.isClosed, pool.keep(self, of: server) else { return close() }
        state = .idle
        keptAt = worker.loop.nowMicroseconds
        transport.releaseInput()
        worker.loop.setDeadline(registration, after: pool.plan.keepAliveIdle)
    }

    internal func close() {
        guard state != .closed else { return }
        state = .closed
        countBytes()
        exchange = nil
        worker.loop.remove(self)
        transport.close()
    }
}
