import Bytes
import Engine
import HTTPWire
import Linux

/// One client's connection: requests in turn, each read whole before it is answered.
///
/// It reads no further than what it works on needs, and makes no more of an answer than the client takes, so that
/// the bytes it holds are bounded: `bufferedBytes` never exceeds `Connection.mostBytes`.
internal final class Connection: EventHandler {
    /// Where in the life of a request the connection stands.
    enum Phase {
        case head
        case body
        case answer(Answer)
        case webSocket(WebSocketEcho)
        /// Nothing more is said. What still comes is dropped until the client closes too, lest a reset takes the
        /// answer's end from it (RFC 9112 section 9.6).
        case ending
    }

    /// The part of an answer that is not written yet.
    enum Answer {
        case nothing
        /// So many bytes of the filler.
        case filler(UInt64)
        /// The answer to `/slow`, once its time has come.
        case slow(UInt64)
        /// Lines, one at a time.
        case drip(Drip)
    }

    struct Drip {
        var left: UInt64
        let milliseconds: UInt64
        let isChunked: Bool
        /// Whether the time of the next line has come.
        var isDue = false
    }

    private enum Step {
        case goOn
        /// The next report, time or turn goes on.
        case wait
    }

    /// Output that waits for the client before more of it is made.
    private static let highWater = 65536
    /// Bytes of one body written in one turn of the loop, so that others have theirs.
    private static let turnBudget = 1 << 20
    /// Milliseconds for a whole head, idling before it included.
    private static let headTime: UInt64 = 75_000
    /// Milliseconds in which a client must take or send something.
    private static let stallTime: UInt64 = 60_000
    /// Milliseconds for the client's end after ours.
    private static let endingTime: UInt64 = 2_000
    /// What a connection may hold: a message of a WebSocket three times (read, made whole, on its way out).
    static let mostBytes = 4 << 20

    let registration = Registration()
    let server: AppServer
    let transport: Transport
    let head = MessageHead()
    var phase = Phase.head
    var endpoint = Endpoint.unknown
    var intake = Intake.none
    var keepsAlive = true
    private var parser = HTTP1RequestParser()
    private var decoder = HTTP1BodyDecoder()
    /// Whether the client has been told that nothing more comes.
    private var isEndSent = false

    static func start(_ socket: consuming FileDescriptor, on server: AppServer) throws(SystemError) {
        Socket.setNoDelay(socket.raw)
        let connection = Connection(socket, server)
        try server.loop.add(connection, descriptor: connection.transport.descriptor)
        server.loop.setDeadline(connection.registration, after: headTime)
    }

    private init(_ socket: consuming FileDescriptor, _ server: AppServer) {
        transport = Transport(socket, tls: nil, pool: server.pool)
        self.server = server
    }

    /// Bytes held for this client.
    var bufferedBytes: Int {
        var count = transport.pendingInput + transport.pendingOutput + intake.bufferedBytes
        if case .webSocket(let echo) = phase { count += echo.bufferedBytes }
        return count
    }

    /// Bytes of the body that came.
    var received: UInt64 { decoder.received }

    // MARK: The loop's calls

    func ready(_ events: Epoll.Events) {
        if transport.isClosed { return }
        // Both directions are shut, and not by us: the client has reset the connection (epoll_ctl(2)).
        if events.contains(.error) || events.contains(.hangUp) && !isEndSent { return close() }
        transport.note(events)
        advance()
    }

    func timedOut() {
        switch phase {
        case .answer(.slow(let milliseconds)):
            answerSlow(milliseconds)
            advance()
        case .answer(.drip(var drip)) where !drip.isDue:
            drip.isDue = true
            phase = .answer(.drip(drip))
            advance()
        default: close()
        }
    }

    func turnEnds() {
        if !transport.isClosed { advance() }
    }

    // MARK: Going on

    private func advance() {
        var budget = Self.turnBudget
        while !transport.isClosed {
            guard case .goOn = step(&budget) else { break }
        }
        if transport.isClosed { return }
        switch transport.flush() {
        case .failed: return close()
        case .done, .blocked: break
        }
        transport.releaseInput()
        setStallDeadline()
    }

    private func step(_ budget: inout Int) -> Step {
        if transport.pendingOutput >= Self.highWater {
            switch transport.flush() {
            case .done: break
            case .blocked: return .wait
            case .failed:
                close()
                return .wait
            }
        }
        switch phase {
        case .head: return readHead()
        case .body: return readBody()
        case .answer(let answer): return write(answer, &budget)
        case .webSocket(let echo): return converse(echo)
        case .ending: return drop()
        }
    }

    /// A client that neither sends nor takes anything is let go of. Heads have one time for the whole; slow answers
    /// use the deadline for themselves.
    private func setStallDeadline() {
        switch phase {
        case .head, .answer(.slow): break
        case .ending where isEndSent: break
        case .answer(.drip(let drip)) where !drip.isDue: break
        case .body, .answer, .webSocket, .ending: server.loop.setDeadline(registration, after: Self.stallTime)
        }
    }

    private func readHead() -> Step {
        guard let input = transport.input, !input.isEmpty else { return receive() }
        switch parser.parse(input.readable, into: head) {
        case .incomplete: return receive()
        case .complete(let consumed):
            input.consume(consumed)
            begin()
        case .refused(let refusal):
            refuse(refusal)
        }
        return .goOn
    }

    private func begin() {
        let bytes = head.bytes
        keepsAlive = head.keepAlive
        endpoint = Endpoint(bytes.span(head.target))
        intake = makeIntake()
        decoder.start(head.framing)
        phase = .body
        if head.expectsContinue && !decoder.isEnded {
            transport.write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8).span)
        }
        if decoder.isEnded { answer() }
    }

    private func readBody() -> Step {
        guard let input = transport.input, !input.isEmpty else { return receive() }
        var from = 0
        while true {
            switch decoder.next(input.readable, from: from) {
            case .data(let run):
                intake.take(input.readable.extracting(run))
                from = run.upperBound
            case .needMore(let consumed):
                input.consume(consumed)
                return receive()
            case .end(let consumed):
                input.consume(consumed)
                answer()
                return .goOn
            case .refused(let refusal):
                refuse(refusal)
                return .goOn
            }
        }
    }

    private func write(_ answer: Answer, _ budget: inout Int) -> Step {
        switch answer {
        case .nothing:
            finish()
            return .goOn
        case .filler(let left):
            guard budget > 0 else {
                server.loop.atEndOfTurn(self)
                return .wait
            }
            let count = Int(min(left, UInt64(Filler.size)))
            server.filler.with(count) { transport.write($0) }
            budget -= count
            let rest = left - UInt64(count)
            phase = .answer(rest == 0 ? .nothing : .filler(rest))
            return .goOn
        case .slow: return .wait
        case .drip(let drip):
            guard drip.isDue else { return .wait }
            writeLine(drip)
            return .goOn
        }
    }

    private func finish() {
        intake = .none
        if keepsAlive {
            phase = .head
            server.loop.setDeadline(registration, after: Self.headTime)
        } else {
            end()
        }
    }

    private func converse(_ echo: WebSocketEcho) -> Step {
        guard let input = transport.input, !input.isEmpty else { return receive() }
        switch echo.step(input, write: { transport.write($0) }) {
        case .needMore: return receive()
        case .wrote: return .goOn
        case .closed:
            end()
            return .goOn
        }
    }

    // MARK: Input and its end

    private func receive() -> Step {
        switch transport.receive() {
        case .data: return .goOn
        case .wouldBlock: return .wait
        case .endOfStream:
            // Everything that came whole has been answered: what is left of it is sent.
            if case .head = phase, transport.pendingInput == 0 { end() } else { close() }
            return .goOn
        case .truncated, .failed:
            close()
            return .wait
        }
    }

    /// Ends this side once all is sent; then waits for the client's end.
    private func end() {
        phase = .ending
    }

    private func drop() -> Step {
        switch transport.endOutput() {
        case .blocked: return .wait
        case .failed:
            close()
            return .wait
        case .done where !isEndSent:
            isEndSent = true
            server.loop.setDeadline(registration, after: Self.endingTime)
        case .done: break
        }
        if let input = transport.input { input.consume(input.count) }
        switch transport.receive() {
        case .data: return .goOn
        case .wouldBlock: return .wait
        case .endOfStream, .truncated, .failed:
            close()
            return .wait
        }
    }

    private func close() {
        server.loop.remove(self)
        transport.close()
    }
}
