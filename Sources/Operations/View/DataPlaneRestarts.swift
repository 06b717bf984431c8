package import Control
import Linux

/// How often a data plane ended that should have served on, and what is known of the last one. Counted since this
/// control process began; reloads, upgrades and stops are not among them.
package struct DataPlaneRestarts: Sendable {
    package struct End: Sendable, Equatable {
        package let process: Int32
        /// Microseconds since 1970.
        package let time: UInt64
        /// What happened to it, in the words of the log.
        package let why: String

        package init(process: Int32, time: UInt64, why: String) {
            self.process = process
            self.time = time
            self.why = why
        }
    }

    package private(set) var count: UInt64 = 0
    package private(set) var last: End?
    /// Why control is about to end one itself: its end says no more than a signal.
    private var verdict: (process: Int32, why: String)?

    package init() {}

    /// Takes an event of the supervisor.
    ///
    /// - Parameter time: microseconds since 1970.
    package mutating func note(_ event: SupervisorEvent, at time: UInt64) {
        switch event {
        case .stuck(let process, let worker, let doing, let milliseconds):
            verdict = (process, "worker \(worker) was stuck for \(milliseconds) ms, doing \(doing.activity)")
        case .unresponsive(let process, let reason): verdict = (process, reason)
        case .ended(let process, let how, _):
            let known = verdict.flatMap { $0.process == process ? $0.why : nil }
            count += 1
            last = End(process: process, time: time, why: known ?? how?.description ?? "it ended")
            verdict = nil
        default: break
        }
    }
}
