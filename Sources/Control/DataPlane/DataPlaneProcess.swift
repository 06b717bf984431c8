import Glibc
package import Linux

/// The data plane's process: its main thread obeys control, enters the sandbox, and calls the service.
package final class DataPlaneProcess {
    /// How the process gives up its privileges.
    package struct Confinement: Sendable {
        /// Whom to become when started as root.
        package let user: UserAccount?
        package let filter: SystemCallFilter?

        /// - Parameter filter: nil only in tests, whose process must go on without a sandbox.
        package init(user: UserAccount?, filter: SystemCallFilter?) {
            self.user = user
            self.filter = filter
        }
    }

    private let service: any DataPlaneService
    private var channel: ControlChannel?
    private var segments: [String: SharedSegment] = [:]
    private var assembly: ConfigurationAssembly?
    /// Certificates that are coming in, for the configuration that is served.
    private var change: (generation: UInt64, keys: SecretBytes)?
    private var listeners: [ListenerID: [ListeningSocket]] = [:]
    private var plan: SharedSegment?
    private var generation: UInt64 = 0
    private var berth = 0
    private var isDraining = false

    /// Milliseconds between two looks at what can be given back.
    private static let tidyPause: Int32 = 5_000

    private init(channel: ControlChannel, service: any DataPlaneService) {
        self.channel = channel
        self.service = service
    }

    /// Runs until control says stop, or until the drain it asked for is done.
    ///
    /// Call it on the main thread before any other exists. A control process that ends does not end the
    /// data plane: it serves on and waits for the next one, where there is a socket to wait at. Signals are
    /// control's matter; only a data plane without control takes SIGTERM, and drains.
    /// - Returns: the exit status.
    package static func run(
        confinement: Confinement,
        service: any DataPlaneService
    ) -> Int32 {
        do {
            let descriptor = try InheritedDescriptor.take(DataPlaneConvention.channelDescriptor)
            let channel = ControlChannel(owning: MessageSocket(owning: descriptor))
            return try DataPlaneProcess(channel: channel, service: service).run(confinement)
        } catch {
            StandardError.log("gatehouse: data plane \(getpid()): \(error)\n")
            return 1
        }
    }

    private func run(_ confinement: Confinement) throws -> Int32 {
        Thread.nameCurrent("gatehouse-data")
        let signals = try Signals([SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2])
        try service.prepare()
        var report = Sandbox.Report(user: geteuid(), landlockVersion: 0, hasSystemCallFilter: false, lacks: [])
        if let filter = confinement.filter {
            report = try Sandbox.enter(as: confinement.user, filter: filter)
        }
        try channel?.send(.hello(process: getpid(), sandbox: report))
        while true {
            if isDraining, service.isDrained {
                try? channel?.send(.drained)
                return 0
            }
            // While draining, the service is asked often.
            let pause: Int32 = isDraining ? 20 : Self.tidyPause
            guard let channel else {
                guard isDraining || segments[DataPlaneConvention.adoptionSegment] != nil else { return 0 }
                waitForControl(pause, signals)
                continue
            }
            do throws(ChannelError) {
                let keys = assembly?.keys ?? change?.keys
                guard let incoming = try channel.receive(within: pause, keys: keys) else {
                    service.tidy()
                    continue
                }
                if incoming.message == .stop { return 0 }
                try obey(incoming, channel)
            } catch {
                // Whatever is wrong with the channel: what runs goes on, and the next control is waited for.
                StandardError.log("gatehouse: data plane \(getpid()): the control plane is lost: \(error)\n")
                assembly = nil
                change = nil
                self.channel = nil
                // What was sent to both processes while control lived was control's to obey.
                while signals.next() != nil {}
                // It serves nothing yet, and the next control starts one of its own.
                if generation == 0 { return 1 }
            }
        }
    }

    private func obey(_ incoming: consuming ControlChannel.Incoming, _ channel: ControlChannel) throws(ChannelError) {
        let message = incoming.message
        var descriptors = incoming.takeDescriptors()
        switch message {
        case .segment(let name):
            guard let descriptor = descriptors.takeFirst() else { throw .malformed("a segment without descriptor") }
            segments[name] = SharedSegment(name: name, owning: descriptor)
        case .berth(let number): berth = number
        case .begin(let generation, let names, let keyBytes):
            assembly = try ConfigurationAssembly(
                generation: generation,
                listeners: names,
                keyBytes: keyBytes,
                held: listeners
            )
        case .listener(let id): try assembly?.add(id, descriptors)
        case .plan: try assembly?.setPlan(descriptors)
        case .change(let generation, let keyBytes):
            change = (generation, try ConfigurationAssembly.room(keyBytes))
        case .commit(let generation) where generation == change?.generation: try commitChange(generation, channel)
        case .commit(let generation): try commit(generation, channel)
        case .askUse(let certificate): try channel.send(.uses(service.uses(of: certificate)))
        case .askTrials: try channel.send(.trials(service.trials))
        case .drain(let milliseconds): drain(milliseconds)
        case .stop, .hello, .published, .failed, .drained, .uses, .trials, .standing, .standingEnd, .leaving:
            throw .malformed("\(message)")
        }
    }

    private func commit(_ generation: UInt64, _ channel: ControlChannel) throws(ChannelError) {
        guard let assembly else { throw .malformed("a commit without a configuration") }
        defer { self.assembly = nil }
        let configuration = try assembly.complete(generation: generation)
        defer { configuration.keys.wipe() }
        do {
            if self.generation == 0 {
                try service.start(configuration, in: try environment())
            } else {
                try service.publish(configuration)
            }
        } catch {
            return try channel.send(.failed(generation: generation, reason: "\(error)"))
        }
        listeners = configuration.listeners
        plan = assembly.planSegment
        self.generation = generation
        try channel.send(.published(generation: generation, at: Clock.monotonicNanoseconds))
    }

    private func commitChange(_ generation: UInt64, _ channel: ControlChannel) throws(ChannelError) {
        guard let keys = change?.keys, self.generation > 0 else { throw .malformed("a change of no configuration") }
        change = nil
        defer { keys.wipe() }
        let moment: UInt64
        do {
            moment = try service.change(keys)
        } catch {
            return try channel.send(.failed(generation: generation, reason: "\(error)"))
        }
        self.generation = generation
        try channel.send(.published(generation: generation, at: moment))
    }

    private func environment() throws(SystemError) -> DataPlaneEnvironment {
        var heartbeats: Heartbeats?
        if let segment = segments[DataPlaneConvention.heartbeatSegment] {
            heartbeats = try Heartbeats(
                adopting: segment.duplicate(),
                capacity: DataPlaneConvention.heartbeatCapacity
            )
        }
        return DataPlaneEnvironment(heartbeats: heartbeats, segments: segments, berth: berth)
    }

    /// Nothing is accepted any more: the sockets are held no longer than the workers need to empty them.
    private func drain(_ milliseconds: Int) {
        service.drain(deadlineMilliseconds: milliseconds)
        listeners = [:]
        isDraining = true
    }

    /// Without control: waits where the next control process connects, and tells it what is served here.
    private func waitForControl(_ pause: Int32, _ signals: borrowing Signals) {
        guard let adoption = segments[DataPlaneConvention.adoptionSegment] else {
            _ = Readiness.wait([], milliseconds: pause)
            return
        }
        let ready = Readiness.wait([adoption.raw, signals.raw], milliseconds: pause)
        if ready[1], signals.next() == SIGTERM, !isDraining { return drain(service.drainTime) }
        guard ready[0] else { return service.tidy() }
        do {
            guard let connection = try UnixSocket.accept(adoption.raw) else { return }
            let channel = ControlChannel(owning: MessageSocket(owning: connection))
            if isDraining {
                // The next control wants its successor, and to know whose berth it is and when that is free.
                try channel.send(.leaving(process: getpid(), berth: berth))
                self.channel = channel
                return
            }
            let keys = try service.sessionKeys()
            try channel.send(
                .standing(
                    process: getpid(),
                    generation: generation,
                    berth: berth,
                    listeners: listeners.keys.sorted(),
                    keyBytes: keys?.count ?? 0
                )
            )
            if let plan { try channel.send(.plan, descriptors: [plan.raw]) }
            for (name, segment) in segments.sorted(by: { $0.key < $1.key })
            where name != DataPlaneConvention.heartbeatSegment {
                try channel.send(.segment(name: name), descriptors: [segment.raw])
            }
            for (id, sockets) in listeners.sorted(by: { $0.key < $1.key }) {
                try channel.send(.listener(id), descriptors: sockets.map(\.raw))
            }
            if let keys { try channel.send(keys: keys) }
            try channel.send(.standingEnd)
            self.channel = channel
        } catch {
            StandardError.log("gatehouse: data plane \(getpid()): a control plane could not take over: \(error)\n")
        }
    }
}
