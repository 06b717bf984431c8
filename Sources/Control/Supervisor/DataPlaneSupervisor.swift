import Glibc
package import Linux
import Synchronization

/// Keeps a data plane running: starts it, gives it its configuration, watches it, and replaces it when it
/// ends or is stuck. The listening sockets stay open here all the while, so that nobody is refused.
///
/// Has a thread of its own. Every method may be called from any thread; those that wait do so with a bound.
package final class DataPlaneSupervisor: Sendable {
    private let mailbox: SupervisorMailbox
    private let thread: Thread
    private let answerTime: Int

    /// Starts the supervising thread, and no data plane yet.
    ///
    /// - Parameters:
    ///   - standing: a data plane that runs already, from a control process before this one.
    ///   - report: called on the supervisor's thread; must not call the supervisor.
    package init(
        _ settings: SupervisorSettings,
        standing: StandingDataPlane? = nil,
        report: @escaping @Sendable (SupervisorEvent) -> Void
    ) throws(SystemError) {
        let mailbox = try SupervisorMailbox()
        self.mailbox = mailbox
        answerTime = settings.answerTime
        thread = try Thread.start(name: "supervisor") {
            let loop = SupervisorLoop(settings, mailbox: mailbox, report: report)
            if let standing { loop.adopt(standing) }
            loop.run()
        }
    }

    /// Starts a data plane with `configuration`; with one that runs already, starts another beside it and lets
    /// the old one drain once the new one serves. When this fails, the old one goes on.
    package func start(_ configuration: OutgoingConfiguration) throws(SupervisorError) {
        try wait(.start(configuration), milliseconds: 2 * answerTime + 1_000)
    }

    /// Gives the running data plane another configuration. When this fails, it goes on with the one before.
    package func publish(_ configuration: OutgoingConfiguration) throws(SupervisorError) {
        try wait(.publish(configuration), milliseconds: answerTime + 1_000)
    }

    /// Gives the running data plane certificates in the place of others: costs what these cost, however many there are.
    /// When this fails, it goes on with those before.
    ///
    /// - Returns: from when the new handshakes of every worker went by them, in monotonic nanoseconds.
    @discardableResult
    package func change(_ change: OutgoingChange) throws(SupervisorError) -> UInt64 {
        switch ask(.change(change), milliseconds: answerTime + 1_000) {
        case .published(let moment): return moment
        case .failed(let error): throw error
        default: throw .timedOut
        }
    }

    /// How the certificates of a name are in use, in the data plane that serves and in those that drain.
    package func uses(of certificate: String) throws(SupervisorError) -> [CertificateUseReport] {
        switch ask(.uses(certificate), milliseconds: answerTime) {
        case .uses(let reports): return reports
        case .failed(let error): throw error
        default: throw .timedOut
        }
    }

    /// What has become of the certificates that are on trial in the data plane that serves.
    package func trials() throws(SupervisorError) -> [CertificateTrialReport] {
        switch ask(.trials, milliseconds: answerTime) {
        case .trials(let reports): return reports
        case .failed(let error): throw error
        default: throw .timedOut
        }
    }

    /// The data plane accepts nothing more, ends what runs within `milliseconds`, and is not replaced. Returns when
    /// it has ended; the supervisor ends with it.
    ///
    /// - Parameter impatience: a descriptor that cuts the drain short by becoming readable.
    package func stop(drainMilliseconds milliseconds: Int, impatience: Int32? = nil) {
        guard let request = try? SupervisorMailbox.Request(.stop(milliseconds)), mailbox.post(request) else {
            return thread.join()
        }
        let answer = request.wait(milliseconds: milliseconds + answerTime, or: impatience)
        if answer == nil { _ = ask(.cut, milliseconds: answerTime) }
        thread.join()
    }

    /// Ends the supervisor and leaves the data plane running, for the program that comes after this one in
    /// the same process.
    ///
    /// - Throws: `crowded` when the next program would find no room to start its data plane; then this goes on.
    package func handOver() throws(SupervisorError) -> StandingDataPlane {
        switch ask(.handOver, milliseconds: 5_000) {
        case .handedOver(let standing):
            thread.join()
            return standing
        case .failed(let error): throw error
        default: throw .timedOut
        }
    }

    private func wait(_ command: SupervisorMailbox.Command, milliseconds: Int) throws(SupervisorError) {
        switch ask(command, milliseconds: milliseconds) {
        case .failed(let error): throw error
        case nil: throw .timedOut
        default: return
        }
    }

    private func ask(_ command: SupervisorMailbox.Command, milliseconds: Int) -> SupervisorMailbox.Answer? {
        do throws(SystemError) {
            let request = try SupervisorMailbox.Request(command)
            guard mailbox.post(request) else { return .failed(.stopped) }
            return request.wait(milliseconds: milliseconds)
        } catch {
            return .failed(.notRunning("\(error)"))
        }
    }
}

/// A data plane that outlives the control process that started it.
package struct StandingDataPlane: Sendable {
    package let process: Int32
    package let generation: UInt64
    package let berth: Int
    /// The plan that it serves, in the form in which it was given.
    package let plan: [UInt8]
    /// Control's end of its channel.
    package let channel: ListeningSocket
    package let listeners: [ListenerID]
    /// Those before it, which end what runs on them.
    package let draining: [Draining]

    /// A data plane that is replaced already. It keeps its berth to itself until it has ended.
    package struct Draining: Sendable {
        package let process: Int32
        package let berth: Int
        /// When it is ended, in monotonic milliseconds.
        package let deadline: UInt64
        /// Control's end of its channel.
        package let channel: ListeningSocket

        package init(process: Int32, berth: Int, deadline: UInt64, channel: ListeningSocket) {
            self.process = process
            self.berth = berth
            self.deadline = deadline
            self.channel = channel
        }
    }

    package init(
        process: Int32,
        generation: UInt64,
        berth: Int,
        plan: [UInt8],
        channel: ListeningSocket,
        listeners: [ListenerID],
        draining: [Draining] = []
    ) {
        self.draining = draining
        self.process = process
        self.generation = generation
        self.berth = berth
        self.plan = plan
        self.channel = channel
        self.listeners = listeners
    }
}
