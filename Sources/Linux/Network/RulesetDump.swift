import Glibc

/// Asks the kernel itself for what nf_tables holds in this thread's network, without a library that has to understand
/// it (linux/netfilter/nf_tables.h).
package enum RulesetDump {
    /// What is asked for: the numbers of NFT_MSG_GETTABLE and the like.
    package enum Request: UInt16, Sendable {
        case tables = 1
        case chains = 4
        case rules = 7
        case sets = 10
        case elements = 13
        case generation = 16
    }

    /// All objects of a kind, of every family unless one is named.
    ///
    /// - Parameter attributes: as `attribute` makes them: for elements the table and the set.
    /// - Throws: EPERM without root's rights in the network.
    package static func objects(
        _ request: Request,
        family: UInt8 = 0,
        _ attributes: [UInt8] = []
    ) throws(SystemError) -> [NetlinkMessage] {
        for _ in 0..<mostTries {
            if let found = try ask(request, family, attributes) { return found }
        }
        throw SystemError("recv(AF_NETLINK)", EINTR)
    }

    package static func attribute(_ kind: UInt16, _ text: String) -> [UInt8] {
        NetlinkMessage.attribute(kind, Array(text.utf8) + [0])
    }

    /// A ruleset that others change all the time is read so often.
    private static let mostTries = 20
    private static let netfilter: Int32 = 12
    private static let subsystem: UInt16 = 10 << 8

    /// - Returns: nil when the rules changed while they were read.
    private static func ask(
        _ request: Request,
        _ family: UInt8,
        _ attributes: [UInt8]
    ) throws(SystemError) -> [NetlinkMessage]? {
        var socket = try NetlinkSocket(netfilter, "nf_tables")
        let flags = request == .generation ? 0 : NetlinkSocket.isDump
        try socket.send(subsystem | request.rawValue, flags: flags, [family, 0, 0, 0] + attributes)
        var found: [NetlinkMessage] = []
        var isWhole = true
        while true {
            for message in try socket.receive() {
                if message.flags & NetlinkSocket.wasInterrupted != 0 { isWhole = false }
                if message.type == NetlinkSocket.done { return isWhole ? found : nil }
                found.append(message)
                if request == .generation { return found }
            }
        }
    }
}
