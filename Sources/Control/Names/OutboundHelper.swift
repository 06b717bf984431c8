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

    /// - Parameters:
    ///   - user: whom it becomes; nil for whoever runs this.
    ///   - authorities: the descriptor of a PEM file of whom it trusts in HTTPS, where it is to make requests.
    static func start(
        _ path: String,
        user: UserAccount?,
        authorities: Int32? = nil,
        now: UInt64
    ) throws(SystemError) -> OutboundHelper {
        let pair = try MessageSocket.pair()
        var arguments = [program, user.map { "\($0)" } ?? "-"]
        var descriptors = [(raw: pair.theirs.raw, at: OutboundChannel.descriptor)]
        if let file = authorities {
            arguments.append(OutboundChannel.authoritiesWord)
            descriptors.append((raw: file, at: OutboundChannel.authoritiesDescriptor))
        }
        let start = ProcessStart(program: path, arguments: arguments, descriptors: descriptors)
        let child = try start.run()
        return OutboundHelper(child: child, channel: OutboundChannel(owning: pair.takeOurs()), startedAt: now)
    }
}
