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
            let errands = try Errands()
            // As much room as the main thread has.
            let thread = try start(name: "background", stackSize: 8 << 20) {
                // To Linux, 0 is the calling thread and not its process (setpriority(2)). It may always be raised.
                _ = setpriority(PRIO_PROCESS, 0, yielding)
                takeShortTurns()
                errands.accept { place.fill(Result(catching: body)) }
            }
            errands.run()
            thread.join()
        } catch {
            return try body()
        }
        return try place.take().get()
    }

    /// Within `inBackground`, runs `body` on the thread that waits for it, and elsewhere on the calling one: for what must
    /// not yield, such as the start of a program, which would for good.
    package static func inForeground<Value: Sendable, Failure: Error>(
        _ body: @escaping @Sendable () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        guard let errands = Errands.ofThisThread else { return try body() }
        let place = Place<Value, Failure>()
        errands.give { place.fill(Result(catching: body)) }
        return try place.take().get()
    }
}

/// What a background thread has the one do that waits for it.
private final class Errands: Sendable {
    private enum Next: Sendable {
        case nothing
        case errand(@Sendable () -> Void)
        case end
    }

    /// By the numbers of the background threads.
    private static let all = Mutex<[Int32: Errands]>([:])

    private let next = Mutex(Next.nothing)
    private let given: EventFD
    private let done: EventFD

    init() throws(SystemError) {
        given = try EventFD()
        done = try EventFD()
    }

    static var ofThisThread: Errands? { all.withLock { $0[Thread.currentIdentifier] } }

    // MARK: The background thread

    /// Runs `body`, which may give errands.
    func accept(_ body: () -> Void) {
        let thread = Thread.currentIdentifier
        Self.all.withLock { $0[thread] = self }
        body()
        Self.all.withLock { $0[thread] = nil }
        put(.end)
    }

    /// Returns when it is done.
    func give(_ errand: @escaping @Sendable () -> Void) {
        put(.errand(errand))
        Self.wait(for: done)
    }

    private func put(_ value: Next) {
        next.withLock { $0 = value }
        given.signal()
    }

    // MARK: The thread that waits

    /// Does what is given, until the background thread ends.
    func run() {
        while true {
            Self.wait(for: given)
            let value = next.withLock { next in
                defer { next = .nothing }
                return next
            }
            switch value {
            case .nothing: continue
            case .end: return
            case .errand(let errand):
                errand()
                done.signal()
            }
        }
    }

    private static func wait(for event: borrowing EventFD) {
        while !Readiness.wait([event.raw], milliseconds: -1)[0] {}
        event.clear()
    }
}

/// Where one thread leaves what another takes after it has ended, or has waited for it.
private final class Place<Value: Sendable, Failure: Error>: Sendable {
    private let result = Mutex<Result<Value, Failure>?>(nil)

    func fill(_ value: Result<Value, Failure>) { result.withLock { $0 = value } }

    func take() -> Result<Value, Failure> {
        // Called behind the join, or behind the wait.
        guard let value = result.withLock({ $0 }) else { fatalError("a thread that has ended has left its result") }
        return value
    }
}
