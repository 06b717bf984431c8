import Engine
import Linux

/// Turns single checks into a server's health: so many failures in a row take it out, so many
/// successes in a row bring it back. All of it is in the shared state, and survives a data plane.
package struct HealthVerdicts {
    /// Why a check failed; the raw value stands in the shared state, 0 being a success.
    package enum Failure: UInt64, Sendable, CaseIterable {
        case unreachable = 1
        case refused = 2
        case timedOut = 3
        case badAnswer = 4
        case badStatus = 5
        case badBody = 6
    }

    private let state: SharedState
    private let pool: PoolPlan
    private let server: ServerPlan
    private let health: HealthPlan

    package init(state: SharedState, pool: PoolPlan, server: ServerPlan, health: HealthPlan) {
        self.state = state
        self.pool = pool
        self.server = server
        self.health = health
    }

    /// A pool has no checks any more: those that it gets again begin anew.
    package static func forget(_ pool: PoolPlan, state: SharedState) {
        for server in pool.servers where state.load(server: server.slot, .health) != 0 {
            for word in [SharedState.ServerWord.health, .checksInARow, .lastCheck, .upSince] {
                state.store(server: server.slot, word, 0)
            }
            state.touch(pool: pool.slot)
        }
    }

    /// - Parameter now: milliseconds, monotonic.
    package func succeeded(status: Int, now: UInt64) {
        note(outcome: 0, status: status)
        switch current {
        case .up:
            state.store(server: server.slot, .checksInARow, 0)
        case .unknown:
            set(.up, now: now, startsSlowly: false)
        case .down:
            let row = state.region.add(state.index(server: server.slot, .checksInARow), 1) + 1
            if row >= UInt64(health.rise) { set(.up, now: now, startsSlowly: true) }
        }
    }

    package func failed(_ failure: Failure, status: Int = 0, now: UInt64) {
        note(outcome: failure.rawValue, status: status)
        state.region.add(state.index(server: server.slot, .checksFailed), 1)
        if current == .down {
            state.store(server: server.slot, .checksInARow, 0)
            return
        }
        let row = state.region.add(state.index(server: server.slot, .checksInARow), 1) + 1
        if row >= UInt64(health.fall) { set(.down, now: now, startsSlowly: false) }
    }

    private var current: SharedState.Health {
        SharedState.Health(rawValue: state.load(server: server.slot, .health)) ?? .unknown
    }

    private func note(outcome: UInt64, status: Int) {
        state.region.add(state.index(server: server.slot, .checks), 1)
        state.store(server: server.slot, .lastCheck, outcome | UInt64(max(0, status)) << 8)
    }

    private func set(_ health: SharedState.Health, now: UInt64, startsSlowly: Bool) {
        state.store(server: server.slot, .checksInARow, 0)
        state.store(server: server.slot, .upSince, startsSlowly ? now : 0)
        if startsSlowly {
            // What it did before it went down says nothing about it now.
            state.store(server: server.slot, .ejectedUntil, 0)
            state.store(server: server.slot, .failuresInARow, 0)
            state.store(server: server.slot, .ejections, 0)
        }
        state.store(server: server.slot, .health, health.rawValue)
        state.touch(pool: pool.slot)
    }
}
