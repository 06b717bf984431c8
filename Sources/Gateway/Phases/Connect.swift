import Engine
import Linux

/// **Phase: connect.** Gets a picked server. Leaves `connection` ready to be written to and goes on to
/// `forward`; or gives the server back and tries another, or answers 502 or 504.
extension Exchange {
    internal func connectServer(of pool: Pool) {
        pool.balancer.noteRequest(to: server)
        if !needsNewConnection, let idle = pool.takeIdle(server) {
            worker.count(.serverConnectionsReused)
            connection = idle
            idle.reuse(for: self)
            return connected(by: idle)
        }
        stage = .connecting
        do throws(SystemError) {
            connection = try ServerConnection(worker: worker, pool: pool, server: server, exchange: self)
            worker.count(.serverConnectionsMade)
        } catch {
            if error.isShortage { connectLacks() } else { connectFailed(timedOut: false) }
        }
    }

    /// This machine has no descriptor, memory or port for the connection. The server is not to blame; another one may
    /// still have a connection to spare.
    private func connectLacks() {
        worker.count(.serverConnectionsFailed)
        tried.insert(server)
        dropServer(reusable: false)
        if retry() { return }
        answer(503, .connectFailed)
    }

    /// The connection stands.
    internal func connected(by connection: ServerConnection) {
        times.connected = worker.loop.nowMicroseconds
        stage = .forwarding
        forwardHead(to: connection)
    }

    /// The request never reached the server, so that another may have it, whatever its method.
    internal func connectFailed(timedOut: Bool) {
        worker.count(.serverConnectionsFailed)
        if timedOut { worker.count(.timeoutsConnect) }
        failServer()
        if retry() { return }
        answer(timedOut ? 504 : 502, timedOut ? .connectTimeout : .connectFailed)
    }

    /// Counts the failure against the server, and lets go of it.
    internal func failServer() {
        guard let pool, server >= 0 else { return }
        pool.failures.failed(pool.plan.servers[server], of: pool.plan, now: worker.loop.now)
        tried.insert(server)
        dropServer(reusable: false)
    }

    internal func dropServer(reusable: Bool) {
        if let connection {
            self.connection = nil
            connection.release(reusable: reusable)
        }
        guard server >= 0, let pool else { return }
        pool.balancer.release(server)
        server = -1
        worker.offerServers(of: pool)
    }

    /// Gives the request to a server that has not failed it yet, if tries, budget and servers are left; or lets it wait
    /// for one that is full.
    /// - Returns: whether it did; if not, the caller answers with what went wrong.
    internal func retry() -> Bool {
        guard let pool, attempts < pool.plan.attempts, isReplayable, !answerBegun else { return false }
        // Looked at first: a turn that is taken and not used would go to the next request's loss.
        guard pool.canRetry else {
            worker.count(.retriesDenied)
            return false
        }
        let other = pool.balancer.select(now: worker.loop.now, tried: tried)
        guard other != nil || pool.balancer.hasOther(than: tried) && waitForServer(of: pool) else { return false }
        pool.spendRetry()
        worker.count(.retries)
        if let other { selected(other, of: pool) }
        return true
    }
}
