import Engine
import Linux

/// Picks the server for a request: `select`'s decision, for one pool and one worker.
///
/// Workers share the pool's cursor; each makes the same schedule from the same shared state, so that
/// shares are exact however requests fall to workers. Belongs to one worker.
package final class Balancer {
    package let plan: PoolPlan
    private let state: SharedState
    private let worker: Int
    private var schedule = Schedule(weights: [])
    private var seenVersion: UInt64 = .max
    /// Milliseconds, monotonic: when the schedule must be made anew though nothing was touched.
    private var goodUntil: UInt64 = 0

    /// - Parameter worker: the one it belongs to.
    package init(plan: PoolPlan, state: SharedState, worker: Int = 0) {
        self.plan = plan
        self.state = state
        self.worker = worker
    }

    /// Takes a turn.
    ///
    /// - Parameters:
    ///   - now: milliseconds, monotonic.
    ///   - tried: servers that have failed this request.
    ///   - leavingRoom: whether a server with a bound is to have room for one request more.
    /// - Returns: the index of a server, whose `inFlight` has been raised by one, or nil when none can
    ///   take the request now.
    package func select(now: UInt64, tried: borrowing TriedServers, leavingRoom: Bool = false) -> Int? {
        let version = state.load(pool: plan.slot, .version)
        if version != seenVersion || now >= goodUntil { rebuild(now: now, version: version) }
        let turns = schedule.turns
        if turns.isEmpty { return nil }
        let cursor = state.index(pool: plan.slot, .cursor)
        // A whole round looks at every server at least once.
        for _ in 0..<turns.count {
            let turn = state.region.add(cursor, 1)
            let server = Int(turns[Int(turn % UInt64(turns.count))])
            if tried.contains(server) { continue }
            if admit(server, leaving: leavingRoom ? 1 : 0) { return server }
        }
        return nil
    }

    /// Whether a server that has not failed a request takes others: full now, it may have room soon.
    ///
    /// - Parameter tried: servers that have failed the request for which `select` has just found none.
    internal func hasOther(than tried: borrowing TriedServers) -> Bool {
        for server in schedule.turns where !tried.contains(Int(server)) { return true }
        return false
    }

    /// Counts a request that is about to be sent.
    internal func noteRequest(to server: Int) {
        state.region.add(state.index(server: plan.servers[server].slot, .requests), 1)
    }

    /// Gives back what `select` took.
    package func release(_ server: Int) {
        let slot = plan.servers[server].slot
        state.region.subtract(state.index(server: slot, .inFlight), 1)
        state.region.bump(state.index(worker: worker, heldBy: slot), by: ~0)
    }

    /// - Parameter room: how many requests more a server with a bound must have room for.
    private func admit(_ server: Int, leaving room: UInt64) -> Bool {
        let slot = plan.servers[server].slot
        let bound = plan.servers[server].maxConnections
        let word = state.index(server: slot, .inFlight)
        let before = state.region.add(word, 1)
        if bound > 0 && before + room >= UInt64(bound) {
            state.region.subtract(word, 1)
            return false
        }
        state.region.bump(state.index(worker: worker, heldBy: slot))
        return true
    }

    private func rebuild(now: UInt64, version: UInt64) {
        seenVersion = version
        goodUntil = .max
        var weights = plan.servers.map { isUp($0) ? weight(of: $0, now: now) : 0 }
        let healthy = weights
        for (index, server) in plan.servers.enumerated() {
            let until = state.ejectionEnd(of: server, in: plan)
            if until > now {
                weights[index] = 0
                goodUntil = min(goodUntil, until)
            }
        }
        // Passive checks never take the last server: one that fails now and then beats none.
        schedule = Schedule(weights: weights.contains { $0 > 0 } ? weights : healthy)
    }

    private func isUp(_ server: ServerPlan) -> Bool {
        !server.address.isEmpty
            && state.health(of: server, in: plan) != .down
            && state.load(server: server.slot, .admin) == SharedState.Admin.ready.rawValue
    }

    /// The weight that counts now: set by hand or by the plan, and less while it starts slowly.
    private func weight(of server: ServerPlan, now: UInt64) -> Int {
        let set = state.load(server: server.slot, .weight)
        let full = set == 0 ? server.weight : Int(set) - 1
        let since = state.load(server: server.slot, .upSince)
        guard plan.slowStart > 0, since > 0, now < since &+ plan.slowStart, full > 0 else {
            // Whole weights are scaled as those that start slowly are, so that shares compare.
            return full * Self.scale
        }
        goodUntil = min(goodUntil, now + max(100, plan.slowStart / 20))
        let elapsed = now > since ? now - since : 0
        return max(1, Int(UInt64(full * Self.scale) * elapsed / plan.slowStart))
    }

    /// Parts of a whole weight that a slow start can give. Schedules divide it out when all are whole.
    private static let scale = 20
}
