import Linux

/// One data plane process as control sees it. Used on the supervisor's thread alone.
internal final class DataPlaneInstance {
    enum State: Equatable {
        /// Started; has not entered its sandbox yet.
        case starting
        /// Takes over its first configuration.
        case loading(generation: UInt64)
        case serving
        /// Takes over another configuration and serves the one before.
        case publishing(generation: UInt64)
        case draining
    }

    let child: ChildProcess
    let channel: ControlChannel
    let heartbeats: Heartbeats?
    let startedAt: UInt64
    var state: State
    /// When what it does now must be done, in monotonic milliseconds; nil when it may take as long as it likes.
    var deadline: UInt64?
    /// Whether it has closed its side of the channel, and will end soon if it is well.
    var isDeaf = false
    /// What it listens on already.
    var listeners: Set<ListenerID> = []
    /// Workers' last readings, and since when each has not changed.
    private var readings: [(reading: Heartbeats.Reading, since: UInt64)] = []

    init(
        child: consuming ChildProcess,
        channel: ControlChannel,
        heartbeats: Heartbeats?,
        state: State,
        now: UInt64
    ) {
        self.child = child
        self.channel = channel
        self.heartbeats = heartbeats
        self.state = state
        startedAt = now
    }

    /// Starts a data plane and gives it what is shared; it has no configuration yet.
    static func start(
        _ settings: SupervisorSettings,
        segments: [SharedSegment],
        now: UInt64
    ) throws -> DataPlaneInstance {
        let pair = try MessageSocket.pair()
        var start = settings.start
        start.descriptors.append((raw: pair.theirs.raw, at: DataPlaneConvention.channelDescriptor))
        let child = try start.run()
        let channel = ControlChannel(owning: pair.takeOurs())
        let heartbeats = try Heartbeats(capacity: DataPlaneConvention.heartbeatCapacity)
        let board = SharedSegment(
            name: DataPlaneConvention.heartbeatSegment,
            owning: try heartbeats.duplicateDescriptor()
        )
        for segment in segments + [board] {
            try channel.send(.segment(name: segment.name), descriptors: [segment.raw])
        }
        let instance = DataPlaneInstance(
            child: child,
            channel: channel,
            heartbeats: heartbeats,
            state: .starting,
            now: now
        )
        instance.deadline = now + UInt64(settings.answerTime)
        return instance
    }

    /// The channel's descriptor to wait for; -1, which waits for nothing, when it is closed.
    var watchedChannel: Int32 { isDeaf ? -1 : channel.raw }

    var identifier: Int32 { child.identifier }

    /// Gives it a configuration; it answers `published` or `failed`.
    func send(_ configuration: OutgoingConfiguration, generation: UInt64) throws {
        let groups = configuration.listeners.groups
        try channel.send(
            .begin(generation: generation, listeners: groups.keys.sorted(), keyBytes: configuration.keys.count)
        )
        for (id, sockets) in groups.sorted(by: { $0.key < $1.key }) where !listeners.contains(id) {
            try channel.send(.listener(id), descriptors: sockets.map(\.raw))
        }
        let plan = try SealedMemory.create(name: "gatehouse-plan", configuration.plan)
        try channel.send(.plan, descriptors: [plan.raw])
        try channel.send(keys: configuration.keys)
        try channel.send(.commit(generation: generation))
    }

    /// The worker that has been busy with the same thing for `limit` milliseconds or more.
    func stuckWorker(now: UInt64, limit: Int) -> (worker: Int, reading: Heartbeats.Reading, milliseconds: Int)? {
        guard let heartbeats else { return nil }
        for worker in 0..<heartbeats.capacity {
            let reading = heartbeats.reading(worker: worker)
            if worker == readings.count { readings.append((reading, now)) }
            if readings[worker].reading.beat != reading.beat || reading.activity == .waiting
                || reading.activity == .absent
            {
                readings[worker] = (reading, now)
            } else if now - readings[worker].since >= UInt64(limit) {
                return (worker, reading, Int(now - readings[worker].since))
            }
        }
        return nil
    }
}
