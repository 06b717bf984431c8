package import Linux

/// What the data plane does, seen from its process. All calls come on the process' main thread.
package protocol DataPlaneService: AnyObject {
    /// Called before the sandbox, while files can still be opened: load libraries and their configuration
    /// here. No thread may be started: it would run outside of Landlock.
    func prepare() throws
    /// Called in the sandbox, once, with the first configuration: start the workers, which inherit it.
    ///
    /// The keys are wiped when the call returns.
    /// - Throws: anything; its description goes to the person who started or reloaded.
    func start(_ configuration: DataPlaneConfiguration, in environment: DataPlaneEnvironment) throws
    /// Takes over a new configuration whole, or throws and goes on with the one before. The keys are
    /// wiped when the call returns.
    ///
    /// Listeners are compared by identity: those kept are the same objects. One that is gone is let go of
    /// after EPOLL_CTL_DEL and after its queue has been drained.
    func publish(_ configuration: DataPlaneConfiguration) throws
    /// Takes over certificates in the place of others and ticket keys, or throws and goes on with those before: all
    /// else stays. The keys, in the form of `GatewayKeys`, are wiped when the call returns.
    ///
    /// - Returns: from when new handshakes went by them, in monotonic nanoseconds.
    func change(_ keys: SecretBytes) throws -> UInt64
    /// How the certificates of a name are in use, those included that are shown no longer.
    func uses(of certificate: String) -> [CertificateUseReport]
    /// What has become of the certificates that are on trial.
    var trials: [CertificateTrialReport] { get }
    /// The keys of the session tickets that it gives out, for a control process that took over without them: a copy,
    /// in the form of `GatewayKeys`. nil when it gives out none.
    func sessionKeys() throws -> SecretBytes?
    /// Called every few seconds while nothing else is asked: time to give back what was needed once.
    func tidy()
    /// Milliseconds for a drain that no control asks for, by the configuration.
    var drainTime: Int { get }
    /// Accepts nothing more, lets what runs end, and cuts off what has not ended after the time.
    func drain(deadlineMilliseconds: Int)
    /// Whether nothing runs any more after `drain`.
    var isDrained: Bool { get }
}

package struct DataPlaneConfiguration: Sendable {
    /// Goes up with each configuration.
    package let generation: UInt64
    package let plan: [UInt8]
    package let keys: SecretBytes
    /// For each listener its sockets, the first for the first worker and so on; fewer than workers when
    /// they come from the service manager, and then they are shared (EPOLLEXCLUSIVE).
    package let listeners: [ListenerID: [ListeningSocket]]

    package init(generation: UInt64, plan: [UInt8], keys: SecretBytes, listeners: [ListenerID: [ListeningSocket]]) {
        self.generation = generation
        self.plan = plan
        self.keys = keys
        self.listeners = listeners
    }
}

/// What a data plane has besides its configuration.
package struct DataPlaneEnvironment: Sendable {
    /// Where workers say what they do; nil when control gave none.
    package let heartbeats: Heartbeats?
    /// Shared memory by name, which outlives the data plane: counters, the access log's ring.
    package let segments: [String: SharedSegment]
    /// Which part of that memory is this data plane's own.
    package let berth: Int
}

/// A shared object that control made.
package final class SharedSegment: Sendable {
    package let name: String
    private let descriptor: FileDescriptor

    package var raw: Int32 { descriptor.raw }

    package init(name: String, owning descriptor: consuming FileDescriptor) {
        self.name = name
        self.descriptor = descriptor
    }

    /// Another descriptor for the same object, such as `SharedMapping` takes.
    package func duplicate() throws(SystemError) -> FileDescriptor { try descriptor.duplicate() }
}

/// Names and places that control and data plane agree on.
package enum DataPlaneConvention {
    /// The hidden argument with which the program starts as data plane.
    package static let argument = "data-plane"
    /// The number of the channel's descriptor.
    package static let channelDescriptor: Int32 = 3
    /// Its segment for `Heartbeats`, and the room in it.
    package static let heartbeatSegment = "heartbeats"
    package static let heartbeatCapacity = 256
    /// Its segment that is no memory but a listening socket: where a data plane that lost control waits
    /// for the next one.
    package static let adoptionSegment = "adoption"
    /// The sealed memory that a plan came in.
    package static let planSegment = "plan"
    /// Bytes of a plan at most.
    package static let largestPlan = 256 << 20
    /// Bytes of keys at most.
    package static let mostKeyBytes = 64 << 20
}
