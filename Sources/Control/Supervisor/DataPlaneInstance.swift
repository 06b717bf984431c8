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
    /// Its part of the memory that data planes share.
    let berth: Int
    var state: State
    /// When it began to serve, in monotonic milliseconds; nil when it has not yet.
    var servingSince: UInt64?
    /// When what it does now must be done, in monotonic milliseconds; nil when it may take as long as it likes.
    var deadline: UInt64?
    /// Whether it has closed its side of the channel, and will end soon if it is well.
    var isDeaf = false
    /// What it listens on already.
    var listeners: Set<ListenerID> = []
    /// Workers' last readings, and for how many milliseconds each has not changed.
    private var readings: [(reading: Heartbeats.Reading, silence: Int)] = []
    private var lastLook: UInt64 = 0

    init(
        child: consuming ChildProcess,
        channel: ControlChannel,
        heartbeats: Heartbeats?,
        berth: Int,
        state: State,
        servingSince: UInt64? = nil
    ) {
        self.berth = berth
        self.child = child
        self.channel = channel
        self.heartbeats = heartbeats
        self.state = state
        self.servingSince = servingSince
    }

    /// Starts a data plane and gives it what is shared; it has no configuration yet.
    static func start(
        _ settings: SupervisorSettings,
        berth: Int,
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
        for segment in settings.segments + [board] {
            try channel.send(.segment(name: segment.name), descriptors: [segment.raw])
        }
        try channel.send(.berth(berth))
        let instance = DataPlaneInstance(
            child: child,
            channel: channel,
            heartbeats: heartbeats,
            berth: berth,
            state: .starting
        )
        instance.deadline = now + UInt64(settings.answerTime)
        return instance
    }

    /// The channel's descriptor to wait for; -1, which waits for nothing, when it is closed.
    var watchedChannel: Int32 { isDeaf ? -1 : channel.raw }

    var identifier: Int32 { child.identifier }

    /// Gives it a configuration; it answers `published` or `failed`.
    ///
    /// - Parameters:
    ///   - plan: of `configuration`, as bytes; so are the keys.
    func send(
        _ configuration: OutgoingConfiguration,
        plan: [UInt8],
        keys: SecretBytes,
        generation: UInt64
    ) throws {
        let groups = configuration.listeners.groups
        let plan = try SealedMemory.create(name: "gatehouse-plan", plan)
        try channel.send(.begin(generation: generation, listeners: groups.keys.sorted(), keyBytes: keys.count))
        for (id, sockets) in groups.sorted(by: { $0.key < $1.key }) where !listeners.contains(id) {
            try channel.send(.listener(id), descriptors: sockets.map(\.raw))
        }
        try channel.send(.plan, descriptors: [plan.raw])
        try channel.send(keys: keys)
        try channel.send(.commit(generation: generation))
    }

    /// Gives it certificates in the place of others; it answers `published` or `failed`.
    func send(_ change: OutgoingChange, generation: UInt64) throws {
        try channel.send(.change(generation: generation, keyBytes: change.keys.count))
        try channel.send(keys: change.keys)
        try channel.send(.commit(generation: generation))
    }

    /// The worker that has not come back to its loop for `limit` milliseconds or more: its loop turns once a
    /// second at least, unless it is busy, or its process is stopped.
    ///
    /// Call it several times within `limit`: time in which nobody looked, as when the whole machine stood still,
    /// counts as half of it at most.
    func stuckWorker(now: UInt64, limit: Int) -> (worker: Int, reading: Heartbeats.Reading, milliseconds: Int)? {
        guard let heartbeats else { return nil }
        let passed = lastLook == 0 ? 0 : min(Int(clamping: now - lastLook), limit / 2)
        lastLook = now
        for worker in 0..<heartbeats.capacity {
            let reading = heartbeats.reading(worker: worker)
            if worker == readings.count { readings.append((reading, 0)) }
            if readings[worker].reading.beat != reading.beat || reading.activity == .absent {
                readings[worker] = (reading, 0)
            } else {
                readings[worker].silence += passed
                if readings[worker].silence >= limit { return (worker, reading, readings[worker].silence) }
            }
        }
        return nil
    }
}
