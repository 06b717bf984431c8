package import Linux

/// What befell a data plane, for the log. Its description is the line.
package enum SupervisorEvent: Equatable, Sendable, CustomStringConvertible {
    case started(process: Int32, sandbox: Sandbox.Report)
    case adopted(process: Int32, generation: UInt64, berth: Int)
    /// It serves, and what moves in shared memory is in its berth.
    case published(process: Int32, generation: UInt64, berth: Int)
    case refused(process: Int32, generation: UInt64, reason: String)
    case ended(process: Int32, how: ProcessEnd?, restartInMilliseconds: Int)
    /// It ended, and nothing is known that another could serve.
    case lost(process: Int32, how: ProcessEnd?)
    /// A worker has not come back to its loop for this long; the data plane is replaced.
    case stuck(process: Int32, worker: Int, doing: Heartbeats.Reading, milliseconds: Int)
    /// It did not answer in time, or said what makes no sense; it is replaced.
    case unresponsive(process: Int32, reason: String)
    case draining(process: Int32)
    case drained(process: Int32)
    case cannotStart(reason: String, retryInMilliseconds: Int)

    package var description: String {
        switch self {
        case .started(let process, let sandbox):
            (["data plane \(process) started as \(sandbox.standing)"] + sandbox.lacks).joined(separator: "\n")
        case .adopted(let process, let generation, _):
            "data plane \(process) taken over with configuration \(generation)"
        case .published(let process, let generation, _): "data plane \(process) runs configuration \(generation)"
        case .refused(let process, let generation, let reason):
            "data plane \(process) refused configuration \(generation): \(reason)"
        case .ended(let process, let how, let pause):
            "data plane \(process) \(how.map(\.description) ?? "ended"); the next one starts"
                + (pause > 0 ? " in \(pause) ms" : " now")
        case .lost(let process, let how):
            "data plane \(process) \(how.map(\.description) ?? "ended"); nothing serves until a site file is in force"
        case .stuck(let process, let worker, let doing, let time):
            "data plane \(process): worker \(worker) is stuck for \(time) ms, doing \(doing.activity)"
                + " (\(doing.detail)); it is replaced"
        case .unresponsive(let process, let reason): "data plane \(process) is replaced: \(reason)"
        case .draining(let process): "data plane \(process) drains"
        case .drained(let process): "data plane \(process) has drained and ended"
        case .cannotStart(let reason, let pause): "a data plane cannot be started: \(reason); again in \(pause) ms"
        }
    }
}

/// Why a data plane does not run what was asked for.
package enum SupervisorError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The data plane refused it; what ran before runs on.
    case refused(String)
    /// The data plane could not be started or ended while it took the configuration over.
    case notRunning(String)
    /// No answer in time.
    case timedOut
    /// Another configuration is being taken over.
    case busy
    /// So many data planes drain that there is no room for another.
    case crowded
    /// `stop` or `handOver` has been called.
    case stopped

    package var description: String {
        switch self {
        case .refused(let reason): reason
        case .notRunning(let reason): "the data plane does not run: \(reason)"
        case .timedOut: "the data plane did not answer in time"
        case .busy: "another reload is under way: try again when it is done"
        case .crowded:
            "data planes of earlier upgrades still drain: try again when one has ended, or shorten `drain` in the site file"
        case .stopped: "the data plane has been stopped"
        }
    }
}
