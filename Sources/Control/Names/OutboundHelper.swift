import Linux
import Outbound

/// The outbound helper's process as control sees it. Used on one thread.
internal final class OutboundHelper {
    /// The name of its program, beside this one's.
    static let program = "gatehouse-outbound"

    let child: ChildProcess
    let channel: OutboundChannel
    let startedAt: UInt64
    /// It has said that its sandbox stands, which it does once.
    var isConfined = false
    /// Whom it has been told to ask.
    var nameServers: [String] = []

    private init(child: consuming ChildProcess, channel: OutboundChannel, startedAt: UInt64) {
        self.child = child
        self.channel = channel
        self.startedAt = startedAt
    }

    /// - Parameter user: whom it becomes; nil for whoever runs this.
    static func start(_ path: String, user: UserAccount?, now: UInt64) throws(SystemError) -> OutboundHelper {
        let pair = try MessageSocket.pair()
        let start = ProcessStart(
            program: path,
            arguments: [program] + (user.map { ["\($0)"] } ?? []),
            descriptors: [(raw: pair.theirs.raw, at: OutboundChannel.descriptor)]
        )
        let child = try start.run()
        return OutboundHelper(child: child, channel: OutboundChannel(owning: pair.takeOurs()), startedAt: now)
    }
}
