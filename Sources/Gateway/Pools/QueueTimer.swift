import Engine

/// Looks after requests that wait for a server: another worker may have freed one, a check may have
/// brought one back, or the wait may be over. Runs only while anybody waits.
internal final class QueueTimer: EventHandler {
    let registration = Registration()
    private var worker: Worker?
    private var pools: [Pool] = []

    /// Milliseconds between two looks: what a request may wait for longer than it had to.
    private static let period: UInt64 = 16

    /// Looks after `pool` until nobody waits in it.
    func start(_ pool: Pool, on worker: Worker) {
        if !pools.contains(where: { $0 === pool }) { pools.append(pool) }
        if self.worker != nil { return }
        self.worker = worker
        worker.loop.setDeadline(registration, after: Self.period)
    }

    /// A configuration has come into force: who waits in a pool of an earlier one waits in the pool of that name from now
    /// on, whose servers may be others. Where there is none, they wait where they are.
    func move(to fresh: Runtime, on worker: Worker) {
        for pool in pools where pool.hasWaiting {
            guard let heir = fresh.heir(of: pool) else { continue }
            pool.giveWaiting(to: heir)
            start(heir, on: worker)
        }
        offerServers(now: worker.loop.now)
    }

    /// Offers servers to all who wait here.
    func offerServers(now: UInt64) {
        for pool in pools where pool.hasWaiting { pool.serveWaiting(now: now) }
    }

    func timedOut() {
        guard let worker else { return }
        self.worker = nil
        for pool in pools where pool.hasWaiting {
            pool.serveWaiting(now: worker.loop.now)
            for exchange in pool.overdue(now: worker.loop.nowMicroseconds) { exchange.queueTimedOut() }
        }
        pools.removeAll { !$0.hasWaiting }
        if let first = pools.first { start(first, on: worker) }
    }
}
