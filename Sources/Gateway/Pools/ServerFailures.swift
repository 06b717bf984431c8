import Engine
import Linux

/// Passive checks: what requests themselves say of a server.
package struct ServerFailures {
    package let state: SharedState

    package init(state: SharedState) {
        self.state = state
    }

    /// An answer came, whatever its status. - Parameter slot: the server's place in the shared state.
    package func succeeded(slot: Int) {
        if state.load(server: slot, .failuresInARow) != 0 { state.store(server: slot, .failuresInARow, 0) }
        if state.load(server: slot, .ejections) != 0 { state.store(server: slot, .ejections, 0) }
    }

    /// The server could not be reached, or gave no sound answer in time.
    ///
    /// After enough failures in a row it is left out; the pause doubles with each ejection in a row.
    package func failed(_ server: ServerPlan, of pool: PoolPlan, now: UInt64) {
        state.region.add(state.index(server: server.slot, .failures), 1)
        let row = state.region.add(state.index(server: server.slot, .failuresInARow), 1) + 1
        guard let ejection = pool.ejection, row >= UInt64(ejection.failures) else { return }
        guard state.load(server: server.slot, .ejectedUntil) <= now else { return }
        let before = state.region.add(state.index(server: server.slot, .ejections), 1)
        state.region.add(state.index(server: server.slot, .ejectionsTotal), 1)
        let pause = min(ejection.maxPause, ejection.pause << min(before, 20))
        state.store(server: server.slot, .ejectedUntil, now + pause)
        state.store(server: server.slot, .failuresInARow, 0)
        state.touch(pool: pool.slot)
    }
}
