import Engine
import Linux

/// A pool as one worker sees it: its balancer, its idle connections, and who waits for a server.
internal final class Pool {
    let plan: PoolPlan
    let balancer: Balancer
    let failures: ServerFailures
    private let state: SharedState
    private let worker: Int
    /// Idle connections of each server, the last used at the end.
    private var idle: [[ServerConnection]]
    /// Requests that wait, the first first, and how many of them some server has failed.
    private var waiting: [Exchange] = []
    private var waitingRetries = 0
    /// Hundredths of a retry that may be spent; each request adds the pool's budget.
    private var retryTokens: Int

    private var isRetired = false
    private var isServing = false

    /// What may be saved up: a hundred retries. A pool starts with ten.
    private static let mostTokens = 10_000

    /// - Parameter worker: the one it belongs to.
    init(plan: PoolPlan, state: SharedState, worker: Int) {
        self.plan = plan
        self.state = state
        self.worker = worker
        balancer = Balancer(plan: plan, state: state, worker: worker)
        failures = ServerFailures(state: state)
        idle = Array(repeating: [], count: plan.servers.count)
        retryTokens = plan.retryBudget > 0 ? 1000 : 0
    }

    // MARK: Idle connections

    /// The connection used last, which is the likeliest to be alive still. One whose server has said something
    /// meanwhile, or has ended it, is closed instead.
    func takeIdle(_ server: Int) -> ServerConnection? {
        while let connection = idle[server].popLast() {
            if connection.isSilent { return connection }
            connection.close()
        }
        return nil
    }

    /// Keeps a connection for the next request.
    /// - Returns: false when enough are kept, and the caller closes it.
    func keep(_ connection: ServerConnection, of server: Int) -> Bool {
        guard !isRetired, idle[server].count < plan.keepAliveCount else { return false }
        idle[server].append(connection)
        return true
    }

    /// Forgets an idle connection that ended by itself.
    func forget(_ connection: ServerConnection, of server: Int) {
        if let place = idle[server].lastIndex(where: { $0 === connection }) { idle[server].remove(at: place) }
    }

    /// The plan is no longer in force: closes idle connections, and keeps no more of them.
    func retire() {
        isRetired = true
        for connections in idle {
            for connection in connections { connection.close() }
        }
        idle = Array(repeating: [], count: plan.servers.count)
    }

    // MARK: Retries

    func noteRequest() { retryTokens = min(Self.mostTokens, retryTokens + plan.retryBudget) }

    /// Whether the budget allows one more retry.
    var canRetry: Bool { retryTokens >= 100 }

    /// Takes one retry out of the budget.
    func spendRetry() { retryTokens -= 100 }

    // MARK: Waiting

    var hasWaiting: Bool { !waiting.isEmpty }

    /// Lets a request wait; the bound holds over all workers.
    func wait(_ exchange: Exchange) -> Bool {
        let word = state.index(pool: plan.slot, .queued)
        guard state.region.add(word, 1) < UInt64(plan.queueSize) else {
            state.region.subtract(word, 1)
            return false
        }
        state.region.bump(state.index(worker: worker, waitingFor: plan.slot))
        waiting.append(exchange)
        if !exchange.tried.isEmpty { waitingRetries += 1 }
        showLine()
        return true
    }

    /// Has those who wait here wait in the pool of another configuration, for as long as they would have there.
    /// Bounds hold for who comes, and these have come.
    func giveWaiting(to heir: Pool) {
        let moved = waiting
        for exchange in moved {
            stopWaiting(exchange)
            exchange.moves(to: heir)
        }
        heir.takeOver(moved)
    }

    private func takeOver(_ moved: [Exchange]) {
        let count = UInt64(moved.count)
        state.region.add(state.index(pool: plan.slot, .queued), count)
        state.region.bump(state.index(worker: worker, waitingFor: plan.slot), by: count)
        waiting += moved
        waiting.sort { $0.times.queued < $1.times.queued }
        waitingRetries = waiting.count { !$0.tried.isEmpty }
        showLine()
    }

    /// Takes a request out of the queue, wherever it stands.
    func stopWaiting(_ exchange: Exchange) {
        guard let place = waiting.firstIndex(where: { $0 === exchange }) else { return }
        waiting.remove(at: place)
        if !exchange.tried.isEmpty { waitingRetries -= 1 }
        showLine()
        state.region.subtract(state.index(pool: plan.slot, .queued), 1)
        state.region.bump(state.index(worker: worker, waitingFor: plan.slot), by: ~0)
    }

    /// Those who wait in the pool, at whichever worker.
    struct Line {
        /// The worker where a request has waited for the longest; nil when none waits.
        var first: Int?
        /// Whether a request waits that any server may have.
        var hasNew = false
        /// Whether one waits that some server has failed, and that waits for the others.
        var hasRetries = false
    }

    var line: Line {
        var line = Line()
        guard state.load(pool: plan.slot, .queued) > 0 else { return line }
        var earliest = UInt64.max
        for index in 0..<state.layout.workers {
            let word = state.region.load(state.index(worker: index, waitingSince: plan.slot))
            guard word > 0 else { continue }
            if word & Self.newWait != 0 { line.hasNew = true }
            if word & Self.retryWaits != 0 { line.hasRetries = true }
            guard word >> 2 < earliest else { continue }
            (line.first, earliest) = (index, word >> 2)
        }
        return line
    }

    /// Lets all workers know who waits here: since when the first does, in microseconds, above two bits.
    private func showLine() {
        var word = (waiting.first?.times.queued ?? 0) << 2
        if waitingRetries > 0 { word |= Self.retryWaits }
        if waiting.count > waitingRetries { word |= Self.newWait }
        state.region.store(state.index(worker: worker, waitingSince: plan.slot), word)
    }

    private static let newWait: UInt64 = 1
    private static let retryWaits: UInt64 = 2

    /// Those that have waited for as long as the pool allows.
    func overdue(now microseconds: UInt64) -> [Exchange] {
        waiting.filter { $0.queueTimeIsOver(now: microseconds) }
    }

    /// Offers servers to those that wait, the first first.
    func serveWaiting(now: UInt64) {
        // A request that is served may fail at once, and let go of its server: the queue is gone through here.
        if isServing { return }
        isServing = true
        defer { isServing = false }
        var place = 0
        while place < waiting.count {
            let exchange = waiting[place]
            guard let server = balancer.select(now: now, tried: exchange.tried) else {
                // One that may go to any server found none. One that some have failed waits for others: what it may not
                // have is for those behind it.
                if exchange.tried.isEmpty { return }
                place += 1
                continue
            }
            stopWaiting(exchange)
            exchange.selected(server, of: self)
            // What came of that may have changed the queue.
            place = 0
        }
    }
}
