import HTTPWire
import Linux

/// Counts that a worker keeps for itself and shows from time to time, as it finds them at its start: they go on from
/// there, though the worker that was in its place belonged to another process.
internal struct InheritedCounts {
    let buffersMade: UInt64
    /// By the glitch's raw value.
    let glitches: [(seen: UInt64, closures: UInt64)]

    init(_ state: SharedState, worker: Int) {
        let first = state.index(worker: worker, .heartbeat)
        buffersMade = state.region.load(state.index(worker: worker, .buffersMade))
        glitches = HTTP2Glitch.allCases.map { glitch in
            (
                state.region.load(first + GlitchCounter.seen(glitch.rawValue)),
                state.region.load(first + GlitchCounter.closures(glitch.rawValue))
            )
        }
    }
}
