import Bytes
import Engine
import HTTPWire

/// **Phase: respond.** Gets the server's answer as it comes. Leaves it with the client, head re-written from
/// its fields and body re-framed, never more of it held than the bound; or tries another server, or
/// answers 502 or 504; or, where the answer has begun already, cuts it so that it does not look whole.
extension Exchange {
    /// A 1xx answer came.
    internal func informed() {
        guard let client else { return }
        guard interim.admit(response) else { return serverRefused(.tooManyInterimAnswers) }
        if head.version == .http10 { return }
        client.sendInformational(response)
        client.flush()
    }

    /// The head of the answer came.
    internal func answered() {
        guard let client, let pool else { return }
        times.answered = worker.loop.nowMicroseconds
        pool.failures.succeeded(slot: pool.plan.servers[server].slot)
        if response.status == 101 {
            guard isUpgrade else { return serverRefused(.switchWithoutUpgrade) }
            isTunnel = true
            stage = .tunnel
            worker.count(.tunnelsOpened)
            worker.count(.tunnelsOpen)
        } else if isExtendedConnect && response.status < 300 {
            // To its client this would be the tunnel. The server is not at fault: it may ignore an Upgrade.
            refusal = .upgradeIgnored
            dropServer(reusable: false)
            return answer(502, .serverRefused)
        }
        runtime.fields.add(
            to: response,
            route: route,
            worker: worker,
            isSealed: origin?.isSealed == true
        )
        answerBegun = true
        forgetBody()
        client.sendHead(response)
        if isTunnel {
            client.becomeTunnel()
            client.flush()
            armServerDeadline()
            client.bodyWanted()
        }
    }

    /// Body bytes of the answer came. They are encrypted or copied at once.
    internal func answerBody(_ bytes: Span<UInt8>) {
        answerBytes += UInt64(bytes.count)
        client?.sendBody(bytes)
    }

    /// All that one read gave has been passed on.
    internal func flushAnswer() {
        client?.flush()
        armServerDeadline()
    }

    /// The answer is whole.
    internal func answerEnded(canReuse: Bool) {
        dropServer(reusable: canReuse && requestEnded)
        guard let client else { return }
        let trailers = response.framing == .chunked ? responseTrailers : nil
        if let trailers, !trailers.fields.isEmpty { TrailerField.mark(trailers, of: response) }
        client.sendEnd(trailers: trailers)
        account()
    }

    // MARK: Failures of the server

    /// The server ended the connection. - Parameter afterPart: some of the answer had come.
    internal func serverClosed(afterPart: Bool) {
        let wasReused = connection?.isReused ?? false
        let cameTooLate = wasReused && connection?.hasTakenRequest == false
        if answerBegun {
            failServer()
            return cutAnswer(.serverClosed)
        }
        if cameTooLate && !afterPart && mayRepeat {
            // It closed an idle connection as the request went out: no fault of its own, and no try. A server that
            // was killed has left all of its idle connections so; the next one would use up the tries in vain.
            dropServer(reusable: false)
            attempts -= 1
            needsNewConnection = true
            if let pool { return selectServer(of: pool) }
        }
        // One that reads ahead has taken in a request that came as it closed, and leaves it unanswered all the same. Of a
        // kept connection nobody can tell the two apart; on a new one it cannot happen to the request once more.
        if wasReused { needsNewConnection = true }
        failServer()
        if !afterPart && mayRepeat && retry() { return }
        answer(502, .serverClosed)
    }

    /// The answer, or the way it is framed, is not HTTP.
    internal func serverRefused(_ reason: RefusalReason) {
        refusal = reason
        failServer()
        answerOrCut(502, .serverRefused)
    }

    /// The server said nothing for too long.
    internal func serverTimedOut() {
        if isTunnel {
            if serverHasEnded {
                worker.count(.timeoutsClientFin)
            } else {
                worker.count(clientHasEnded ? .timeoutsServerFin : .timeoutsTunnel)
            }
            return endTunnel(.tunnelTimeout)
        }
        worker.count(.timeoutsServer)
        failServer()
        if !answerBegun && mayRepeat && retry() { return }
        answerOrCut(504, .serverTimeout)
    }

    /// Whether sending the request once more is safe: it is idempotent (RFC 9110 section 9.2.2) and all of it at hand, or
    /// no byte of its body has left, so that no server can have taken it for whole.
    private var mayRepeat: Bool {
        if head.method.isIdempotent { return isReplayable }
        return hasRequestBody && bodyForwarded == 0 && !requestEnded
    }

    /// Nothing more came of the client's body.
    internal func bodyTimedOut() {
        dropServer(reusable: false)
        answerOrCut(408, .clientTimeout)
    }

    /// The client's body came, below the least rate.
    internal func bodyTooSlow() {
        refusal = .bodyTooSlow
        dropServer(reusable: false)
        answerOrCut(408, .bodyTooSlow)
    }

    // MARK: Ending

    /// Our own answer where none has begun, else the end of what was begun.
    internal func answerOrCut(_ status: Int, _ outcome: Outcome) {
        if answerBegun { cutAnswer(outcome) } else { answer(status, outcome) }
    }

    private func cutAnswer(_ outcome: Outcome) {
        self.outcome = outcome
        stage = .ended
        client?.cut()
        account()
    }

    /// The client is gone, or is to be: nothing more can be sent to it.
    internal func clientGone(_ outcome: Outcome) {
        guard stage != .idle && stage != .ended else { return }
        self.outcome = isTunnel && outcome == .clientGone ? .tunnelEnded : outcome
        if stage == .queued { pool?.stopWaiting(self) }
        stage = .ended
        dropServer(reusable: false)
        account()
    }

    // MARK: Tunnels

    /// The server ended its side of a tunnel: the client reads the end after all that came before it, and may
    /// still speak.
    internal func tunnelServerEnded() {
        if serverHasEnded { return }
        serverHasEnded = true
        if clientHasEnded { return endTunnel(.tunnelEnded) }
        client?.sendEnd(trailers: nil)
        client?.flush()
        armServerDeadline()
    }

    /// The client ended its side of a tunnel: the server reads the end after all that came before it, and
    /// may still speak.
    internal func tunnelClientEnded() {
        if clientHasEnded { return }
        clientHasEnded = true
        if serverHasEnded { return endTunnel(.tunnelEnded) }
        connection?.endOutput()
        armServerDeadline()
    }

    private func endTunnel(_ outcome: Outcome) {
        self.outcome = outcome
        stage = .ended
        dropServer(reusable: false)
        if !serverHasEnded { client?.sendEnd(trailers: nil) }
        account()
    }
}
