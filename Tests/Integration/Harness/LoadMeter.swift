import Synchronization

/// How many are inside at a time, at most.
final class LoadMeter: Sendable {
    private let state = Mutex((now: 0, peak: 0))

    var peak: Int { state.withLock { $0.peak } }

    func enter() {
        state.withLock { state in
            state.now += 1
            state.peak = max(state.peak, state.now)
        }
    }

    func leave() { state.withLock { $0.now -= 1 } }
}
