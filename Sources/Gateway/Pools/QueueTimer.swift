import Engine

/// Looks after requests that wait for a server: another worker may have freed one, a check may have
/// brought one back, or the wait may be over. Runs only while anybody waits.
internal final class QueueTimer: EventHandler {
    let registration = Registration()
    private var worker: Worker?
    private var runtimes: [Runtime] = []

    /// Milliseconds between two looks: what a request may wait for longer than it had to.
    private static let period: UInt64 = 16

    /// Looks after the pools of `runtime` until nobody waits in them.
    func start(_ runtime: Runtime, on worker: Worker) {
        if !runtimes.contains(where: { $0 === runtime }) { runtimes.append(runtime) }
        if self.worker != nil { return }
        self.worker = worker
        worker.loop.setDeadline(registration, after: Self.period)
    }

    /// A configuration has come into force: who waits in a pool of an earlier one waits in the pool of that name from now
    /// on, whose servers may be others. Where there is none, they wait where they are.
    func move(to fresh: Runtime, on worker: Worker) {
        for runtime in runtimes where runtime !== fresh {
            for pool in runtime.pools where pool.hasWaiting {
                guard let heir = fresh.pools.first(where: { $0.plan.name == pool.plan.name }) else { continue }
                pool.giveWaiting(to: heir)
                start(fresh, on: worker)
            }
        }
        offerServers(now: worker.loop.now)
    }

    /// Offers servers to all who wait here.
    func offerServers(now: UInt64) {
        for runtime in runtimes {
            for pool in runtime.pools where pool.hasWaiting { pool.serveWaiting(now: now) }
        }
    }

    func timedOut() {
        guard let worker else { return }
        self.worker = nil
        let looked = runtimes
        for runtime in looked {
            for pool in runtime.pools where pool.hasWaiting {
                pool.serveWaiting(now: worker.loop.now)
                for exchange in pool.overdue(now: worker.loop.nowMicroseconds) { exchange.queueTimedOut() }
            }
        }
        runtimes.removeAll { runtime in !runtime.pools.contains(where: \.hasWaiting) }
        if let first = runtimes.first { start(first, on: worker) }
    }
}
