import CLinux
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

    /// A string as an attribute.
    package static func attribute(_ kind: UInt16, _ text: String) -> [UInt8] {
        let value = Array(text.utf8) + [0]
        let padding = [UInt8](repeating: 0, count: -value.count & 3)
        return bytes(UInt16(4 + value.count)) + bytes(kind) + value + padding
    }

    /// A ruleset that others change all the time is read so often.
    private static let mostTries = 20
    private static let patience: Int32 = 30_000
    private static let netfilter: Int32 = 12
    private static let subsystem: UInt16 = 10 << 8
    /// NLM_F_REQUEST; NLM_F_DUMP; NLM_F_DUMP_INTR, by which the kernel says that the rules changed meanwhile.
    private static let isRequest: UInt16 = 0x1
    private static let isDump: UInt16 = 0x300
    private static let wasInterrupted: UInt16 = 0x10
    /// NLMSG_ERROR, NLMSG_DONE.
    private static let error: UInt16 = 2
    private static let done: UInt16 = 3

    /// - Returns: nil when the rules changed while they were read.
    private static func ask(
        _ request: Request,
        _ family: UInt8,
        _ attributes: [UInt8]
    ) throws(SystemError) -> [NetlinkMessage]? {
        let type = Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let raw = Glibc.socket(AF_NETLINK, type, netfilter)
        guard raw >= 0 else { throw .last("socket(AF_NETLINK)") }
        let socket = FileDescriptor(owning: raw)
        let flags = request == .generation ? isRequest : isRequest | isDump
        let length = bytes(UInt16(20 + attributes.count)) + [0, 0]
        let head = length + bytes(subsystem | request.rawValue) + bytes(flags) + [UInt8](repeating: 0, count: 8)
        let message = head + [family, 0, 0, 0] + attributes
        guard unsafe send(socket.raw, message, message.count, 0) == message.count else {
            throw .last("send(AF_NETLINK)")
        }
        var found: [NetlinkMessage] = []
        var isWhole = true
        var room = [UInt8](repeating: 0, count: 256 << 10)
        while true {
            guard Readiness.wait([socket.raw], milliseconds: patience) == [true] else {
                throw SystemError("recv(AF_NETLINK)", ETIMEDOUT)
            }
            let count = retrying { unsafe recv(socket.raw, &room, room.count, 0) }
            guard count >= 0 else { throw .last("recv(AF_NETLINK)") }
            for message in NetlinkMessage.all(in: Array(room[..<count])[...]) {
                if message.flags & wasInterrupted != 0 { isWhole = false }
                switch message.type {
                case done: return isWhole ? found : nil
                case error:
                    let code = message.body.prefix(4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
                    throw SystemError("nf_tables", 0 &- Int32(bitPattern: code))
                default:
                    found.append(message)
                    if request == .generation { return found }
                }
            }
        }
    }

    private static func bytes(_ number: UInt16) -> [UInt8] { [UInt8(number & 0xFF), UInt8(number >> 8)] }
}
