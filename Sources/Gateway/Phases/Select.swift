import Engine

/// **Phase: select.** Gets an admitted request, or (`retry`) one that another server has failed. Leaves `server` set,
/// with the server's `inFlight` raised, and goes on to `connect`; or lets the request wait in the
/// pool's bounded queue; or answers 503.
extension Exchange {
    internal func selectServer(of pool: Pool) {
        if let chosen = pool.balancer.select(now: worker.loop.now, tried: tried) {
            selected(chosen, of: pool)
        } else if pool.wait(self) {
            stage = .queued
            worker.count(.queued)
            worker.startQueueTimer(runtime)
        } else {
            answer(503, .queueFull)
        }
    }

    /// A server has been picked, now or after waiting.
    internal func selected(_ chosen: Int, of pool: Pool) {
        server = chosen
        lastServer = chosen
        attempts += 1
        if times.selected == 0 { times.selected = worker.loop.nowMicroseconds }
        connectServer(of: pool)
    }

    /// Whether it has waited longer than the pool allows.
    internal func queueTimeIsOver(now microseconds: UInt64) -> Bool {
        guard let pool else { return false }
        return microseconds - times.received >= pool.plan.queueWait * 1000
    }

    /// The wait was in vain.
    internal func queueTimedOut() {
        pool?.stopWaiting(self)
        worker.count(.queueTimeouts)
        answer(503, .queueTimeout)
    }
}
