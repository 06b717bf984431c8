import CLinux
import Glibc
import Synchronization

extension Thread {
    /// How much a background thread yields: its share of a busy core is a tenth of another thread's (sched(7)).
    private static let yielding: Int32 = 10

    /// Runs `body` on a thread of its own that yields to all others, those it starts included, and waits until it has
    /// ended: for work that nobody waits for in microseconds, and that must not take a core away from those who serve. Its
    /// turns are short, so that whoever wakes up meanwhile has the core at once.
    ///
    /// Where no thread can be started, the calling one does it.
    package static func inBackground<Value: Sendable, Failure: Error>(
        _ body: @escaping @Sendable () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let place = Place<Value, Failure>()
        do throws(SystemError) {
            // As much room as the main thread has.
            let thread = try start(name: "background", stackSize: 8 << 20) {
                // To Linux, 0 is the calling thread and not its process (setpriority(2)). It may always be raised.
                _ = setpriority(PRIO_PROCESS, 0, yielding)
                takeShortTurns()
                place.fill(Result(catching: body))
            }
            thread.join()
        } catch {
            return try body()
        }
        return try place.take().get()
    }
}

/// Where one thread leaves what another takes after it has ended.
private final class Place<Value: Sendable, Failure: Error>: Sendable {
    private let result = Mutex<Result<Value, Failure>?>(nil)

    func fill(_ value: Result<Value, Failure>) { result.withLock { $0 = value } }

    func take() -> Result<Value, Failure> {
        // Called behind the join.
        guard let value = result.withLock({ $0 }) else { fatalError("a thread that has ended has left its result") }
        return value
    }
}
