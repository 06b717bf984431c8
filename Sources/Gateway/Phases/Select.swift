import Engine

/// **Phase: select.** Gets an admitted request, or (`retry`) one that another server has failed. Leaves `server` set,
/// with the server's `inFlight` raised, and goes on to `connect`; or lets the request wait in the
/// pool's bounded queue; or answers 503.
extension Exchange {
    internal func selectServer(of pool: Pool) {
        // Those who wait already, at whichever worker, come first. A request that waits for the servers that have not
        // failed it holds nobody back from the one that has, and is left the room that it waits for.
        let line = pool.line
        if !line.hasNew,
            let chosen = pool.balancer.select(now: worker.loop.now, tried: tried, leavingRoom: line.hasRetries)
        {
            selected(chosen, of: pool)
        } else if waitForServer(of: pool) {
            return
        } else if !line.hasNew, let chosen = pool.balancer.select(now: worker.loop.now, tried: tried) {
            // Room that is left is no reason to refuse anybody.
            selected(chosen, of: pool)
        } else {
            answer(503, .queueFull)
        }
    }

    /// - Returns: whether there was room in the pool's queue.
    internal func waitForServer(of pool: Pool) -> Bool {
        times.queued = worker.loop.nowMicroseconds
        // A reload may have come since the request began: it waits where all do now.
        var pool = pool
        if runtime !== worker.runtime, let heir = worker.runtime.heir(of: pool) {
            moves(to: heir)
            pool = heir
        }
        guard pool.wait(self) else { return false }
        stage = .queued
        worker.count(.queued)
        worker.startQueueTimer(pool)
        return true
    }

    /// A server has been picked, now or after waiting.
    internal func selected(_ chosen: Int, of pool: Pool) {
        server = chosen
        lastServer = chosen
        attempts += 1
        if times.selected == 0 { times.selected = worker.loop.nowMicroseconds }
        connectServer(of: pool)
    }

    /// It goes on waiting, in the pool that has the place of its own by now. Servers that have failed it have done so there
    /// too, unless there are no others.
    internal func moves(to heir: Pool) {
        guard let pool else { return }
        var failed = TriedServers()
        for (index, server) in pool.plan.servers.enumerated() where tried.contains(index) {
            if let place = heir.plan.servers.firstIndex(where: { $0.slot == server.slot }) { failed.insert(place) }
        }
        let hasOthers = heir.plan.servers.indices.contains { !failed.contains($0) }
        tried = hasOthers ? failed : TriedServers()
        if lastServer >= 0 {
            let slot = pool.plan.servers[lastServer].slot
            lastServer = heir.plan.servers.firstIndex { $0.slot == slot } ?? -1
        }
        self.pool = heir
    }

    /// Whether it has waited for longer than the pool allows, this time.
    internal func queueTimeIsOver(now microseconds: UInt64) -> Bool {
        guard let pool else { return false }
        return microseconds - times.queued >= pool.plan.queueWait * 1000
    }

    /// The wait was in vain.
    internal func queueTimedOut() {
        pool?.stopWaiting(self)
        worker.count(.queueTimeouts)
        answer(503, .queueTimeout)
    }
}
