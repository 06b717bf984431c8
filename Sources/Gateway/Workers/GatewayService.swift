package import Engine
import Linux
package import OpenSSL
import Synchronization

/// The workers of one data plane: starts them, tells them of new configurations, drains and stops them.
///
/// Belongs to the thread that made it, which is none of the workers'.
package final class GatewayService {
    package let state: SharedState
    private let workers: Int
    private let rings: [LogRing?]
    private var mailboxes: [Mailbox<WorkerMessage>] = []
    private var threads: [Thread] = []
    private let runningCount = RunningCount()
    /// Shared by the workers, so that limits hold for the gateway and not for each of them.
    private let addresses = AddressCounts()

    /// - Parameter rings: one for each worker, nil where nothing is logged.
    package init(workers: Int, state: SharedState, rings: [LogRing?]) {
        precondition(workers > 0 && workers <= state.layout.workers, "workers outside the layout")
        self.workers = workers
        self.state = state
        self.rings = rings
    }

    /// Starts all workers. - Throws: what kept one from starting; those that did have been stopped.
    package func start(_ publication: Publication) throws {
        _ = try Runtime(publication, state: state)
        for index in 0..<workers {
            let mailbox = try Mailbox<WorkerMessage>()
            let state = self.state
            let ring = index < rings.count ? rings[index] : nil
            let workers = self.workers
            let report = StartReport()
            let running = runningCount
            let addresses = self.addresses
            threads.append(
                try Thread.start(name: "worker-\(index)") {
                    do {
                        let worker = try Worker(
                            index: index,
                            of: workers,
                            publication,
                            state: state,
                            addresses: addresses,
                            log: ring
                        )
                        try worker.listen(to: mailbox)
                        running.change(1)
                        report.set(nil)
                        worker.run()
                        running.change(-1)
                    } catch {
                        report.set("\(error)")
                    }
                }
            )
            mailboxes.append(mailbox)
            if let failure = report.wait() {
                stop()
                throw StartFailure(worker: index, reason: failure)
            }
        }
    }

    /// Puts a new configuration into force. Requests under way keep theirs.
    /// - Throws: what is wrong with it; nothing has changed then.
    package func publish(_ publication: Publication) throws {
        _ = try Runtime(publication, state: state)
        for mailbox in mailboxes { mailbox.post(.publish(publication)) }
    }

    package func publish(_ tickets: TicketKeys) {
        for mailbox in mailboxes { mailbox.post(.tickets(tickets)) }
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
