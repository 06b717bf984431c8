package import Linux

/// What control and data plane say to each other. Descriptors go beside a message, in the order named.
package enum ControlMessage: Codable, Equatable, Sendable {
    // Control to data plane.

    /// Memory or another object shared for the whole life of the data plane; one descriptor. All come before
    /// the first `begin`.
    case segment(name: String)
    /// The data plane's own part of memory that all data planes share (`SharedState`). Comes before the first `begin`.
    case berth(Int)
    /// A configuration follows. `listeners` are all it has; those the data plane does not hold yet follow.
    case begin(generation: UInt64, listeners: [ListenerID], keyBytes: Int)
    /// The sockets of one listener; as many descriptors.
    case listener(ListenerID)
    /// The plan, as sealed memory; one descriptor.
    case plan
    /// The configuration is complete: take it over, and answer `published` or `failed`.
    case commit(generation: UInt64)
    /// `keyBytes` of keys follow, then `commit`: certificates that take the place of others, while all else stays.
    case change(generation: UInt64, keyBytes: Int)
    /// How are the certificates of a name in use? Answered by `uses`.
    case askUse(certificate: String)
    /// What has become of the certificates that are on trial? Answered by `trials`.
    case askTrials
    /// Accept nothing more, end within the time, answer `drained`.
    case drain(milliseconds: Int)
    /// End at once.
    case stop

    // Data plane to control.

    /// The sandbox stands; the configuration may come.
    case hello(process: Int32, sandbox: Sandbox.Report)
    /// It was taken over, and is what new connections go by since `at`, in monotonic nanoseconds.
    case published(generation: UInt64, at: UInt64)
    /// The configuration was not taken over and the one before it, if any, goes on.
    case failed(generation: UInt64, reason: String)
    case drained
    case uses([CertificateUseReport])
    case trials([CertificateTrialReport])
    /// To a new control process: what the data plane serves. Its plan, segments, listeners and
    /// `keyBytes` of keys follow, then `standingEnd`.
    case standing(process: Int32, generation: UInt64, berth: Int, listeners: [ListenerID], keyBytes: Int)
    case standingEnd
    /// To a new control process: the data plane drains already, and ends by itself when it was told to.
    case leaving(process: Int32, berth: Int)
}
