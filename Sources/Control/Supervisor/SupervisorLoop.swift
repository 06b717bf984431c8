import Glibc
import Linux

/// What the supervisor's thread does, in terms of commands, messages, ends of processes and time.
internal final class SupervisorLoop {
    private typealias Request = SupervisorMailbox.Request

    internal let settings: SupervisorSettings
    private let mailbox: SupervisorMailbox
    internal let report: (SupervisorEvent) -> Void

    /// Serves, or is on its way there as the first one.
    internal var current: DataPlaneInstance?
    /// Starts beside `current`, which it follows when it serves.
    private var next: DataPlaneInstance?
    internal var leaving: [DataPlaneInstance] = []

    /// What each new data plane gets.
    internal var configuration: OutgoingConfiguration?
    /// What one serves that another control process started, as long as there is no `configuration`.
    internal var adoptedPlan: [UInt8] = []
    /// What a `start` or `publish` under way brings, and who waits for it.
    private var pending: (configuration: OutgoingConfiguration, request: Request)?
    internal var generation: UInt64 = 0
    private var questions = OpenQuestions()

    private var failures = 0
    private var restartAt: UInt64?
    private var stopRequest: Request?
    private var isRunning = true

    init(
        _ settings: SupervisorSettings,
        mailbox: SupervisorMailbox,
        report: @escaping (SupervisorEvent) -> Void
    ) {
        self.settings = settings
        self.mailbox = mailbox
        self.report = report
    }

    internal var now: UInt64 { Clock.monotonicNanoseconds / 1_000_000 }

    func run() {
        // What it hands on is a word, and who waits for it are clients: not behind another's turn.
        Thread.takeShortTurns()
        while isRunning {
            let instances = [current, next].compactMap(\.self) + leaving
            let ready = Readiness.wait(
                [mailbox.raw] + instances.flatMap { [$0.watchedChannel, $0.child.raw] },
                milliseconds: pause(instances)
            )
            if ready[0] { for request in mailbox.take() { obey(request) } }
            for (index, instance) in instances.enumerated() {
                // Its last words are read before its end is dealt with.
                if ready[1 + 2 * index] { listen(to: instance) }
                if ready[2 + 2 * index] { ended(instance) }
            }
            watch()
        }
        mailbox.close()
    }

    /// Milliseconds until something is due without an event.
    private func pause(_ instances: [DataPlaneInstance]) -> Int32 {
        let now = now
        var due = instances.compactMap(\.deadline) + (restartAt.map { [$0] } ?? [])
        if current?.state == .serving { due.append(now + UInt64(min(500, max(10, settings.stuckTime / 4)))) }
        guard let first = due.min() else { return -1 }
        return first <= now ? 0 : Int32(clamping: first - now)
    }

    // MARK: Commands

    private func obey(_ request: Request) {
        switch request.command {
        case .start(let configuration):
            guard pending == nil, stopRequest == nil, current == nil || current?.state == .serving else {
                return request.give(.failed(.busy))
            }
            guard freeBerth != nil else { return request.give(.failed(.crowded)) }
            // One that was taken over has no successor but this, should it end before that serves.
            if current != nil, self.configuration == nil { self.configuration = configuration }
            pending = (configuration, request)
            startInstance()
        case .publish(let configuration):
            guard pending == nil, stopRequest == nil else { return request.give(.failed(.busy)) }
            guard let current, current.state == .serving else {
                return request.give(.failed(.notRunning("it is being started")))
            }
            pending = (configuration, request)
            give(configuration, to: current) { .publishing(generation: $0) }
        case .change(let change):
            guard pending == nil, stopRequest == nil else { return request.give(.failed(.busy)) }
            guard let current, current.state == .serving, configuration != nil else {
                return request.give(.failed(.notRunning("it is being started")))
            }
            pending = (change.configuration, request)
            give(to: current, { .publishing(generation: $0) }) { try current.send(change, generation: $0) }
        case .uses(let certificate):
            guard let current, current.state == .serving else {
                return request.give(.failed(.notRunning("it is being started")))
            }
            questions.ask([current] + leaving, aboutUseOf: certificate, for: request)
        case .trials:
            guard let current, current.state == .serving, questions.askTrials(current, for: request) else {
                return request.give(.failed(.notRunning("it is being started")))
            }
        case .stop(let milliseconds):
            stopRequest = request
            // The listening sockets are held no longer than the data plane needs to empty them.
            configuration = nil
            fail(pending: .stopped)
            restartAt = nil
            if let next { next.child.signal(SIGKILL) }
            if let current { drain(current, milliseconds) }
            current = nil
            finishStop()
        case .cut:
            for instance in leaving { instance.child.signal(SIGKILL) }
            request.give(.done)
        case .handOver:
            guard pending == nil, let current, current.state == .serving else { return request.give(.failed(.busy)) }
            guard freeBerth != nil else { return request.give(.failed(.crowded)) }
            do {
                request.give(.handedOver(try standing(current)))
                isRunning = false
            } catch {
                request.give(.failed(.notRunning("\(error)")))
            }
        }
    }

    // MARK: Starting and configuring

    private func startInstance() {
        restartAt = nil
        do {
            guard let berth = freeBerth else { throw SupervisorError.crowded }
            let instance = try DataPlaneInstance.start(settings, berth: berth, now: now)
            if current == nil { current = instance } else { next = instance }
        } catch {
            if pending != nil { return fail(pending: .notRunning("\(error)")) }
            let pause = backOff()
            report(.cannotStart(reason: "\(error)", retryInMilliseconds: pause))
            restartAt = now + UInt64(pause)
        }
    }

    private var freeBerth: Int? {
        let taken = Set(([current, next].compactMap(\.self) + leaving).map(\.berth))
        return (0..<SupervisorSettings.berths).first { !taken.contains($0) }
    }

    private func give(
        _ configuration: OutgoingConfiguration,
        to instance: DataPlaneInstance,
        state: (UInt64) -> DataPlaneInstance.State
    ) {
        do {
            let plan = try configuration.plan()
            let keys = try configuration.keys()
            give(to: instance, state) {
                try instance.send(configuration, plan: plan, keys: keys, generation: $0)
            }
        } catch {
            // What cannot be put into bytes is at fault, and not the data plane; one without a plan is of no use.
            if instance.state == .starting { instance.child.signal(SIGKILL) }
            fail(pending: .refused("\(error)"))
        }
    }

    private func give(
        to instance: DataPlaneInstance,
        _ state: (UInt64) -> DataPlaneInstance.State,
        _ send: (UInt64) throws -> Void
    ) {
        generation += 1
        instance.state = state(generation)
        instance.deadline = now + UInt64(settings.answerTime)
        do {
            try send(generation)
        } catch {
            replace(instance, "\(error)")
        }
    }

    /// Milliseconds until the next start, after one more data plane in a row that was of no use.
    private func backOff() -> Int {
        failures += 1
        return failures == 1 ? 0 : min(settings.longestPause, 50 << min(failures - 2, 20))
    }

    private func fail(pending error: SupervisorError) {
        pending?.request.give(.failed(error))
        pending = nil
    }

    // MARK: Messages

    private func listen(to instance: DataPlaneInstance) {
        do throws(ChannelError) {
            while let incoming = try instance.channel.receive(within: 0) { try take(incoming.message, from: instance) }
        } catch {
            // A closed channel is the first sign of an end. What else is wrong, this data plane is not to be trusted.
            guard error == .closed else { return replace(instance, "\(error)") }
            instance.isDeaf = true
            if instance.state != .draining { instance.deadline = now + 1_000 }
        }
    }

    private func take(_ message: ControlMessage, from instance: DataPlaneInstance) throws(ChannelError) {
        switch (message, instance.state) {
        case (.hello(_, let sandbox), .starting):
            report(.started(process: instance.identifier, sandbox: sandbox))
            if let wanted = pending?.configuration ?? configuration {
                give(wanted, to: instance) { .loading(generation: $0) }
            }
        case (.published(let number, let moment), .loading(let awaited)) where number == awaited,
            (.published(let number, let moment), .publishing(let awaited)) where number == awaited:
            published(number, instance, at: moment)
        case (.failed(let number, let reason), .publishing(let awaited)) where number == awaited:
            report(.refused(process: instance.identifier, generation: number, reason: reason))
            instance.state = .serving
            instance.deadline = nil
            fail(pending: .refused(reason))
        case (.failed(let number, let reason), .loading(let awaited)) where number == awaited:
            report(.refused(process: instance.identifier, generation: number, reason: reason))
            fail(pending: .refused(reason))
            instance.child.signal(SIGKILL)
        case (.uses(let reports), _): questions.hear(reports, from: instance)
        case (.trials(let reports), _): questions.hear(reports)
        case (.drained, .draining): break
        default: throw .malformed("\(message)")
        }
    }

    private func published(_ number: UInt64, _ instance: DataPlaneInstance, at moment: UInt64) {
        report(.published(process: instance.identifier, generation: number, berth: instance.berth))
        instance.state = .serving
        instance.servingSince = instance.servingSince ?? now
        instance.deadline = nil
        if let pending { configuration = pending.configuration }
        adoptedPlan = []
        if instance === next {
            if let current { drain(current, configuration?.drainTime ?? 0) }
            current = next
            next = nil
        }
        instance.listeners = Set((configuration?.listeners.groups.keys).map(Array.init) ?? [])
        pending?.request.give(.published(at: moment))
        pending = nil
    }

    // MARK: Ends

    private func drain(_ instance: DataPlaneInstance, _ milliseconds: Int) {
        report(.draining(process: instance.identifier))
        instance.state = .draining
        instance.deadline = now + UInt64(max(0, milliseconds)) + 1_000
        leaving.append(instance)
        do {
            try instance.channel.send(.drain(milliseconds: milliseconds))
        } catch {
            instance.child.signal(SIGKILL)
        }
    }

    private func replace(_ instance: DataPlaneInstance, _ reason: String) {
        report(.unresponsive(process: instance.identifier, reason: reason))
        instance.deadline = nil
        instance.child.signal(SIGKILL)
    }

    private func ended(_ instance: DataPlaneInstance) {
        let end = instance.child.reap()
        settings.vacated(instance.berth)
        questions.ended(instance)
        if let index = leaving.firstIndex(where: { $0 === instance }) {
            leaving.remove(at: index)
            report(.drained(process: instance.identifier))
        } else if instance === next {
            next = nil
            fail(pending: .notRunning("process \(instance.identifier) \(end.map(\.description) ?? "ended")"))
        } else if instance === current {
            currentEnded(end)
        }
        finishStop()
    }

    private func currentEnded(_ end: ProcessEnd?) {
        guard let gone = current else { return }
        current = nil
        if let servingSince = gone.servingSince, now - servingSince >= UInt64(settings.usefulTime) { failures = 0 }
        questions.endTrials()
        if next != nil {
            // Its successor is on its way and takes its place.
            current = next
            next = nil
            return
        }
        let text = "process \(gone.identifier) \(end.map(\.description) ?? "ended")"
        fail(pending: .notRunning(text))
        guard stopRequest == nil else { return }
        guard configuration != nil else { return report(.lost(process: gone.identifier, how: end)) }
        let longest = gone.servingSince == nil ? settings.longestPause : settings.longestPauseAfterService
        let pause = min(backOff(), longest)
        report(.ended(process: gone.identifier, how: end, restartInMilliseconds: pause))
        restartAt = now + UInt64(pause)
    }

    private func finishStop() {
        guard let stopRequest, current == nil, next == nil, leaving.isEmpty else { return }
        stopRequest.give(.done)
        isRunning = false
    }

    // MARK: Time

    private func watch() {
        let now = now
        for instance in [current, next].compactMap(\.self) + leaving {
            guard let deadline = instance.deadline, deadline <= now else { continue }
            instance.deadline = nil
            if instance.state == .draining {
                instance.child.signal(SIGKILL)
            } else {
                let reason =
                    instance.isDeaf ? "it closed its channel" : "it did not answer within \(settings.answerTime) ms"
                replace(instance, reason)
            }
        }
        if let current, current.state == .serving,
            let (worker, reading, time) = current.stuckWorker(now: now, limit: settings.stuckTime)
        {
            report(
                .stuck(process: current.identifier, worker: worker, doing: reading, milliseconds: time)
            )
            current.child.signal(SIGKILL)
        }
        if let restartAt, restartAt <= now, isRunning {
            startInstance()
        }
    }
}
