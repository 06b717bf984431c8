import Engine

/// How long the client may take: with what it is to send, and with taking what is sent to it. The two run side by
/// side, for a client may do either while the other is waited for.
extension HTTP1Client {
    /// Milliseconds that an idle connection lives on once its worker drains.
    internal static let drainGrace: UInt64 = 1000

    /// Sets how long the client may take with what it is to send; nil while nothing of it is waited for.
    internal func awaitInput(_ milliseconds: UInt64?) {
        inputDue = milliseconds.map { worker.loop.now &+ $0 } ?? .max
        if outputDue == .max { connection.setDeadline(milliseconds) } else { armDeadline() }
    }

    /// The socket took none, or not all, of what waits for the client. - Parameter progressed: it took some.
    internal func awaitOutput(progressed: Bool) {
        if outputDue != .max && !progressed { return }
        let now = worker.loop.now
        outputDue = now &+ uptake.begin(now: now, patience: timeouts.client)
        armDeadline()
    }

    /// Nothing waits for the client any more.
    internal func outputTaken() {
        if outputDue == .max { return }
        outputDue = .max
        if state == .head && exchange == nil { return awaitInput(timeouts.httpKeepAlive) }
        armDeadline()
    }

    /// Waits for the body under way, or for those that take it.
    internal func awaitBody() {
        let now = worker.loop.now
        guard exchange?.wantsBody == true else {
            pace.rest(now: now)
            return awaitInput(nil)
        }
        pace.wait(now: now)
        let due = min(pace.since &+ timeouts.client, paceDue)
        awaitInput(due > now ? due - now : 0)
    }

    private var paceDue: UInt64 {
        pace.deadline(rate: worker.runtime.plan.limits.minimumBodyRate, grace: timeouts.httpRequest)
    }

    private func armDeadline() {
        let due = min(inputDue, outputDue)
        let now = worker.loop.now
        connection.setDeadline(due == .max ? nil : due > now ? due - now : 0)
    }

    func timedOut() {
        let now = worker.loop.now
        if outputDue <= now {
            if let next = uptake.look(at: transport, now: now, patience: timeouts.client) {
                outputDue = now &+ next
                return armDeadline()
            }
            worker.count(.timeoutsClient)
            return abandon(.clientTimeout, reset: true)
        }
        switch state {
        case .head:
            if exchange == nil {
                if isLast { return close() }
                worker.count(served > 0 ? .timeoutsHTTPKeepAlive : .timeoutsHTTPRequest)
                return close()
            }
            worker.count(.timeoutsHTTPRequest)
            refuse(408, .requestTimeout)
        case .body:
            if paceDue < pace.since &+ timeouts.client {
                exchange?.bodyTooSlow()
            } else {
                worker.count(.timeoutsClient)
                exchange?.bodyTimedOut()
            }
        case .waiting, .tunnel, .closed:
            return
        }
    }
}
