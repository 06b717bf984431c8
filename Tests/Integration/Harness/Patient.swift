import Foundation
import Testing

/// For tests that mostly wait: each has a thread of its own. They block, and the pool that all tests share has as many
/// threads as the machine has processors, which would wait with them.
struct Patient: TestTrait, SuiteTrait, TestScoping {
    private static let threads = Threads()

    let isRecursive = true

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @Sendable () async throws -> Void
    ) async throws {
        try await withTaskExecutorPreference(Self.threads) { try await function() }
    }

    private final class Threads: TaskExecutor {
        func enqueue(_ job: consuming ExecutorJob) {
            let job = UnownedJob(job)
            // Sound: the only one there is lives as long as the process.
            Thread.detachNewThread { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
        }
    }
}

extension Trait where Self == Patient {
    /// The test mostly waits.
    static var patient: Patient { Patient() }
}
