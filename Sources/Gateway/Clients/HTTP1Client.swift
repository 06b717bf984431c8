import Bytes
import Engine
import HTTPWire
import Linux

/// HTTP/1.0 and 1.1 on a client's connection: one request after the other, pipelined or not.
internal final class HTTP1Client: ClientCodec {
    internal enum State {
        /// Between requests, or in the middle of a head.
        case head
        /// The body of a request is to come.
        case body
        /// The request is complete, its answer is not.
        case waiting
        case tunnel
        /// The last answer has been given, or the connection is gone.
        case closed
    }

    /// Each keeps the other until the connection closes, so that a log line can still name the peer.
    internal let connection: ClientConnection
    internal let worker: Worker
    internal let transport: Transport
    internal var state = State.head
    private var parser: HTTP1RequestParser
    private var decoder = HTTP1BodyDecoder()
    internal var exchange: Exchange?
    internal var isPumping = false
    /// The answer under way is the last one.
    internal var isLast = false
    internal var answerIsChunked = false
    /// The client said that it sends no further request (RFC 9112 section 9.6).
    internal var clientIsThrough = false
    /// The end of the connection ends the answer under way.
    internal var endsByClose = false
    /// The client has ended its side.
    internal var inputIsOver = false
    internal var answerEnded = false
    internal private(set) var served = 0
    internal var pace = BodyPace()
    /// When what the client is to send, and to take, is overdue: the loop's milliseconds, `.max` for never.
    internal var inputDue = UInt64.max
    internal var outputDue = UInt64.max
    internal var uptake = Uptake()

    init(connection: ClientConnection) {
        self.connection = connection
        worker = connection.worker
        transport = connection.transport
        parser = HTTP1RequestParser(limits: worker.runtime.headLimits)
    }

    internal var timeouts: TimeoutPlan { worker.runtime.plan.timeouts }

    // MARK: Events

    func begin() {
        pump()
        // The handshake's ticket was held back for an answer, and no whole request is there to be answered.
        if state == .head || state == .body, transport.pendingOutput > 0 { _ = sendWaiting() }
    }

    func ready() {
        if transport.isWritable && transport.pendingOutput > 0 {
            guard sendWaiting() else { return }
            exchange?.clientTook()
        }
        if state == .closed { return }
        pump()
    }

    /// Ends a request whose answer is waited for, or whose body: no one reads on while no server takes more of it. In
    /// other states reading or writing finds out.
    func connectionLost() {
        if state == .waiting || state == .body { lost() }
    }

    func turnEnds() { pump() }

    func drain() {
        isLast = true
        // A client cannot tell a close from a loss when its next request is on the way already. It is given time to
        // ask once more and to be told of the end in the answer (RFC 9112 section 9.6).
        if state == .head && exchange == nil { awaitInput(min(Self.drainGrace, timeouts.httpKeepAlive)) }
    }

    // MARK: Reading

    /// Takes what has come and reads on, until it would block or the exchange is full.
    internal func pump() {
        if isPumping { return }
        isPumping = true
        var turns = 0
        while state != .closed {
            if let input = transport.input, !input.isEmpty {
                let taken = take(input)
                if taken == .again { continue }
                if taken == .full {
                    // What is here already is looked at again: nobody else will tell of it.
                    if hasRoomAfterFlush { continue }
                    break
                }
            } else if !wantsInput && !hasRoomAfterFlush {
                break
            }
            guard transport.mayReceive else { break }
            if turns == 32 {
                worker.loop.atEndOfTurn(connection)
                break
            }
            turns += 1
            switch transport.receive() {
            case .data, .wouldBlock: continue
            case .endOfStream, .truncated: inputEnded()
            case .failed: lost()
            }
        }
        isPumping = false
        if state == .closed { return }
        transport.releaseInput()
        exchange?.flushRequest()
        if state == .body { awaitBody() }
    }

    private var wantsInput: Bool {
        switch state {
        case .head: true
        case .body, .tunnel: exchange?.wantsBody ?? false
        case .waiting, .closed: false
        }
    }

    /// What the exchange holds goes out, which may make room for more.
    private var hasRoomAfterFlush: Bool {
        exchange?.flushRequest()
        return wantsInput
    }

    /// What became of bytes that were looked at.
    private enum Taken {
        /// They are taken as far as they go; more must be read.
        case needsMore
        /// Something was completed: what is left is to be looked at anew.
        case again
        /// The exchange takes no more until it has passed some on.
        case full
    }

    private func take(_ input: ByteBuffer) -> Taken {
        switch state {
        case .head: return takeHead(input)
        case .body: return takeBody(input)
        case .tunnel:
            guard let exchange, exchange.wantsBody else { return .full }
            exchange.requestBody(input.readable)
            input.consume(input.count)
            return .again
        case .waiting, .closed: return .full
        }
    }

    /// **Phase: head.** Gets bytes from the first of a request on; leaves a complete and well-formed head to
    /// `route`, or refuses it and ends the connection: what follows a head that cannot be read is noise.
    private func takeHead(_ input: ByteBuffer) -> Taken {
        let exchange = self.exchange ?? beginExchange()
        switch parser.parse(input.readable, into: exchange.head) {
        case .incomplete:
            return .needsMore
        case .refused(let refusal):
            exchange.refusal = refusal.reason
            refuse(refusal.status, .refused)
            return .again
        case .complete(let consumed):
            input.consume(consumed)
            worker.count(.bytesFromClients, UInt64(consumed))
            parser.reset()
            served += 1
            clientIsThrough = !exchange.head.keepAlive
            if clientIsThrough || worker.isDraining { isLast = true }
            if !exchange.hasRequestBody {
                state = .waiting
            } else {
                state = .body
                decoder = HTTP1BodyDecoder(limits: worker.runtime.headLimits)
                decoder.start(
                    exchange.head.framing,
                    trailers: exchange.head.framing == .chunked ? exchange.requestTrailers : nil
                )
                pace = BodyPace()
            }
            awaitInput(nil)
            exchange.routeRequest()
            return .again
        }
    }

    private func beginExchange() -> Exchange {
        let exchange = worker.takeExchange(self)
        self.exchange = exchange
        answerEnded = false
        answerIsChunked = false
        awaitInput(timeouts.httpRequest)
        return exchange
    }

    private func takeBody(_ input: ByteBuffer) -> Taken {
        var position = 0
        while let exchange, exchange.wantsBody {
            switch decoder.next(input.readable, from: position) {
            case .data(let range):
                pace.came(range.count, now: worker.loop.now)
                exchange.requestBody(input.readable.extracting(range))
                position = range.upperBound
                if state != .body { return .again }
            case .needMore(let consumed):
                input.consume(consumed)
                worker.count(.bytesFromClients, UInt64(consumed))
                return .needsMore
            case .end(let consumed):
                input.consume(consumed)
                worker.count(.bytesFromClients, UInt64(consumed))
                state = .waiting
                awaitInput(nil)
                exchange.requestBodyEnded(
                    trailers: exchange.head.framing == .chunked ? exchange.requestTrailers : nil
                )
                return .again
            case .refused(let refusal):
                exchange.refusal = refusal.reason
                isLast = true
                exchange.dropServer(reusable: false)
                exchange.answerOrCut(refusal.status, .refused)
                return .again
            }
        }
        input.consume(position)
        return .full
    }

    internal func refuse(_ status: Int, _ outcome: Outcome) {
        let exchange = self.exchange ?? beginExchange()
        isLast = true
        exchange.answer(status, outcome)
    }

    /// The client ended its side. It may still read: an answer under way goes on.
    private func inputEnded() {
        switch state {
        case .head, .body:
            // Answers before this one may wait to be taken: the connection ends behind them.
            inputIsOver = true
            isLast = true
            if let exchange { return exchange.clientGone(.clientGone) }
            finish()
        case .tunnel:
            exchange?.tunnelClientEnded()
        case .waiting, .closed:
            return
        }
    }

    internal func lost() { abandon(.clientGone) }

    // MARK: Ending

    /// Sends what waits. - Returns: false when the connection is gone.
    internal func sendWaiting() -> Bool {
        let before = transport.bytesOut
        let flushed = transport.flush()
        worker.count(.bytesToClients, transport.bytesOut &- before)
        switch flushed {
        case .done:
            outputTaken()
            if state == .tunnel && answerEnded { endOutput() }
            return state != .closed
        case .blocked:
            awaitOutput(progressed: transport.bytesOut != before)
            return true
        case .failed:
            lost()
            return false
        }
    }

    /// Sends what waits, and with it that nothing will follow in this tunnel.
    internal func endOutput() {
        let before = transport.bytesOut
        let ended = transport.endOutput()
        worker.count(.bytesToClients, transport.bytesOut &- before)
        switch ended {
        case .done: outputTaken()
        case .blocked: awaitOutput(progressed: transport.bytesOut != before)
        case .failed: lost()
        }
    }

    /// The last answer has been given.
    internal func finish() {
        state = .closed
        connection.finish(expectsInput: !clientIsThrough, inputIsOver: inputIsOver)
    }

    /// Ends the request under way, if there is one, and with it the connection. Requests that came behind it do not begin:
    /// nobody is there to take their answers.
    internal func abandon(_ outcome: Outcome, reset: Bool = false) {
        if state == .closed { return }
        state = .closed
        exchange?.clientGone(outcome)
        exchange = nil
        connection.close(reset: reset)
    }

    internal func close(reset: Bool = false) {
        if state == .closed { return }
        state = .closed
        exchange = nil
        connection.close(reset: reset)
    }
}
