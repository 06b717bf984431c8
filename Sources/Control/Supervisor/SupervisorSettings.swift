package import Linux

/// How data planes are started and watched. Times are in milliseconds.
package struct SupervisorSettings: Sendable {
    /// The program to start, with arguments and environment; the channel is added.
    package var start: ProcessStart
    /// Time for a data plane to enter its sandbox, and again to take over a configuration.
    package var answerTime: Int = 10_000
    /// How long a busy worker may stay away from its loop.
    package var stuckTime: Int = 5_000
    /// A data plane that has served for so long was of use: however often such a one ends, the next starts at once.
    package var usefulTime: Int = 100
    /// The longest pause before a start, after several in a row that were of no use: they did not come to serve, or not
    /// for `usefulTime`. The first of them is followed at once, the second after 50 ms, then doubling.
    package var longestPause: Int = 5_000
    /// The same where the one before did come to serve, for however short a time: what killed it may be one client's
    /// request, and the others wait.
    package var longestPauseAfterService: Int = 100
    /// Shared memory that each data plane gets.
    package var segments: [SharedSegment] = []
    /// Data planes at a time: the one that serves, the one that follows it, and those that drain.
    package static let berths = 4
    /// Called on the supervisor's thread when the process of a berth is gone, before the next one gets it.
    package var vacated: @Sendable (_ berth: Int) -> Void = { _ in }

    package init(start: ProcessStart) {
        self.start = start
    }
}

/// What a data plane is to be given. Plan and keys are put into bytes when one is given them, so that control holds no
/// second copy of each.
package struct OutgoingConfiguration: Sendable {
    /// Called on the supervisor's thread.
    internal let plan: @Sendable () throws -> [UInt8]
    internal let keys: @Sendable () throws -> SecretBytes
    package let listeners: ListenerSet
    /// Milliseconds that what runs on the data plane before may take to end, when this one comes with a new one.
    package let drainTime: Int

    package init(
        plan: @escaping @Sendable () throws -> [UInt8],
        keys: @escaping @Sendable () throws -> SecretBytes,
        listeners: ListenerSet,
        drainTime: Int
    ) {
        self.plan = plan
        self.keys = keys
        self.listeners = listeners
        self.drainTime = drainTime
    }

    /// - Parameter keys: must stay as they are.
    package init(plan: [UInt8], keys: SecretBytes, listeners: ListenerSet, drainTime: Int) {
        self.init(plan: { plan }, keys: { keys }, listeners: listeners, drainTime: drainTime)
    }
}

/// Certificates that take the place of others in the configuration that is served.
package struct OutgoingChange: Sendable {
    /// All of it, for data planes that start later.
    package let configuration: OutgoingConfiguration
    /// What is new, in the form of `GatewayKeys`.
    package let keys: SecretBytes

    package init(_ configuration: OutgoingConfiguration, keys: SecretBytes) {
        self.configuration = configuration
        self.keys = keys
    }
}
