package import Engine
package import Linux
import OpenSSL
import Synchronization

/// The workers of one data plane: starts them, tells them of new configurations, drains and stops them.
///
/// Belongs to the thread that made it, which is none of the workers'.
package final class GatewayService {
    package let state: SharedState
    private let workers: Int
    private let rings: [LogRing?]
    private let heartbeats: Heartbeats?
    private var mailboxes: [Mailbox<WorkerMessage>] = []
    private var threads: [Thread] = []
    private let runningCount = RunningCount()
    /// Shared by the workers, so that limits hold for the gateway and not for each of them.
    private let addresses = AddressCounts()
    private var tide = ConnectionTide()
    private let bell: Receipts.Bell

    /// Milliseconds that the workers have to take a publication over before its sender goes on.
    private static let patience = 5_000

    /// - Parameters:
    ///   - rings: one for each worker, nil where nothing is logged.
    ///   - heartbeats: where workers say what they do, for whoever watches them.
    package init(
        workers: Int,
        state: SharedState,
        rings: [LogRing?],
        heartbeats: Heartbeats? = nil
    ) throws(SystemError) {
        precondition(workers > 0 && workers <= state.layout.workers, "workers outside the layout")
        bell = try Receipts.Bell()
        self.workers = workers
        self.state = state
        self.rings = rings
        self.heartbeats = heartbeats
    }

    /// Starts all workers. - Throws: what kept one from starting; those that did have been stopped.
    package func start(_ publication: Publication) throws {
        _ = try Runtime(publication, state: state, worker: 0)
        let mailboxes = try (0..<workers).map { _ in try Mailbox<WorkerMessage>() }
        self.mailboxes = mailboxes
        for index in 0..<workers {
            let first = FirstPublication(publication)
            let state = self.state
            let ring = index < rings.count ? rings[index] : nil
            let workers = self.workers
            let report = StartReport()
            let running = runningCount
            let addresses = self.addresses
            let heart = heartbeats.map { Heart($0, worker: index) }
            threads.append(
                try Thread.start(name: "worker-\(index)") {
                    do {
                        let worker = try Worker(
                            index: index,
                            of: workers,
                            first.take(),
                            state: state,
                            addresses: addresses,
                            log: ring,
                            heart: heart
                        )
                        worker.peers = mailboxes
                        try worker.listen(to: mailboxes[index])
                        running.change(1)
                        report.set(nil)
                        worker.run()
                        running.change(-1)
                    } catch {
                        report.set("\(error)")
                    }
                }
            )
            if let failure = report.wait() {
                stop()
                throw StartFailure(worker: index, reason: failure)
            }
        }
    }

    /// Puts a new configuration into force: when this returns, new requests go by it. Requests under way keep theirs.
    /// - Throws: what is wrong with it; nothing has changed then.
    package func publish(_ publication: Publication) throws {
        _ = try Runtime(publication, state: state, worker: 0)
        send { .publish(publication, $0) }
    }

    /// Has new handshakes go by other certificates and ticket keys: when this returns, they do.
    ///
    /// - Returns: the moment from which those of every worker did, in monotonic nanoseconds.
    package func change(_ change: CertificateChange) -> UInt64 {
        send { .change(change, $0) }
    }

    @discardableResult
    private func send(_ message: (Receipts) -> WorkerMessage) -> UInt64 {
        let receipts = Receipts(from: mailboxes.count, bell)
        for mailbox in mailboxes { mailbox.post(message(receipts)) }
        // A worker that is stuck does not hold the others up: it finds the publication when it comes back.
        return receipts.wait(milliseconds: Self.patience)
    }

    /// Gives back the memory of connections that have left. Call it every few seconds: it blocks its thread, and the
    /// workers for moments only.
    package func tidy() {
        let open = (0..<workers).reduce(0) {
            $0 + Int(clamping: state.region.load(state.index(worker: $1, .connectionsOpen)))
        }
        if tide.hasEbbed(open) { Allocator.giveBackFreeMemory() }
    }

    /// Has the workers take no more connections and end as theirs do.
    /// - Parameter milliseconds: after which what is left is cut.
    package func drain(milliseconds: UInt64) {
        for mailbox in mailboxes { mailbox.post(.drain(milliseconds)) }
    }

    /// Whether all workers have ended.
    package var isDrained: Bool { runningCount.value == 0 }

    /// Ends the workers at once, and waits until they have.
    package func stop() {
        for mailbox in mailboxes { mailbox.post(.stop) }
        for thread in threads { thread.join() }
        threads = []
        mailboxes = []
    }
}

/// A worker that could not be started.
package struct StartFailure: Error, CustomStringConvertible {
    package let worker: Int
    package let reason: String

    package var description: String { "worker \(worker) could not start: \(reason)" }
}

/// What a worker starts with. Taken out once, so that a running thread does not hold listening sockets open.
private final class FirstPublication: Sendable {
    private let publication: Mutex<Publication?>

    init(_ publication: Publication) { self.publication = Mutex(publication) }

    func take() -> Publication {
        publication.withLock { held in
            // Each thread has one of its own, and asks before anything else.
            guard let taken = held else { fatalError("a first publication is taken once, by its worker") }
            held = nil
            return taken
        }
    }
}

private final class RunningCount: Sendable {
    private let count = Atomic<Int>(0)

    var value: Int { count.load(ordering: .acquiring) }

    func change(_ step: Int) { count.wrappingAdd(step, ordering: .releasing) }
}

/// What one thread says of its start, and another waits for.
private final class StartReport: Sendable {
    private enum Outcome {
        case pending, started
        case failed(String)
    }

    private let outcome = Mutex(Outcome.pending)

    func set(_ failure: String?) {
        outcome.withLock { $0 = failure.map(Outcome.failed) ?? .started }
    }

    /// - Returns: why it failed; nil when it started.
    func wait() -> String? {
        while true {
            let now = outcome.withLock { $0 }
            switch now {
            case .pending: Thread.pause(milliseconds: 1)
            case .started: return nil
            case .failed(let reason): return reason
            }
        }
    }
}
