import Foundation
import Synchronization
import Testing

/// For suites that mostly wait: their tests run on threads beside the pool that all tests share, which has as many as the
/// machine has processors. They block, and the pool would wait with them.
///
/// It is in force for the suite as a whole: its tests do not queue behind all others, before the first one or, where they
/// run one after the other, before each.
struct Patient: SuiteTrait, TestScoping {
    fileprivate let threads: Threads

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @Sendable () async throws -> Void
    ) async throws {
        try await withTaskExecutorPreference(threads) { try await function() }
    }
}

extension Trait where Self == Patient {
    /// The suite mostly waits. It shares a few threads with the others of its kind.
    static var patient: Patient { Patient(threads: .few) }

    /// The suite takes so long that a run would end with it. Each of its tests has a thread from the run's start on.
    static var longest: Patient { Patient(threads: .many) }
}

/// What became ready last runs first, so that a suite that has begun comes to its end before others begin.
private final class Threads: TaskExecutor {
    static let few = Threads(limit: 6)
    static let many = Threads(limit: .max)

    private struct State {
        var ready: [UnownedJob] = []
        var running = 0
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) { self.limit = limit }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let isOneMore = state.withLock { state in
            state.ready.append(job)
            guard state.running < limit else { return false }
            state.running += 1
            return true
        }
        if isOneMore { Thread.detachNewThread { self.work() } }
    }

    private func work() {
        while let job = next() {
            // Sound: both executors live as long as the process.
            unsafe job.runSynchronously(on: asUnownedTaskExecutor())
        }
    }

    /// nil ends the thread that asked.
    private func next() -> UnownedJob? {
        state.withLock { state in
            if state.ready.isEmpty { state.running -= 1 }
            return state.ready.popLast()
        }
    }
}
