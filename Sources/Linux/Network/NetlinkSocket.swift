import CLinux
import Glibc

/// A question to the kernel by netlink(7), and what it answers. It is about the network that this thread is in.
struct NetlinkSocket: ~Copyable {
    /// NLM_F_REQUEST; NLM_F_DUMP, which asks for all there is.
    private static let isRequest: UInt16 = 0x1
    static let isDump: UInt16 = 0x300
    /// NLM_F_DUMP_INTR, by which the kernel says that something changed meanwhile.
    static let wasInterrupted: UInt16 = 0x10
    /// NLMSG_ERROR, NLMSG_DONE.
    private static let error: UInt16 = 2
    static let done: UInt16 = 3
    private static let patience: Int32 = 30_000

    private let socket: FileDescriptor
    /// What errors call it that refuses.
    private let subject: String
    private var room: [UInt8]

    /// - Parameters:
    ///   - family: NETLINK_ROUTE and the like.
    ///   - subject: what errors call the part of the kernel that is asked.
    ///   - capacity: how many bytes of a datagram are read; a dump's are as large as there is room for.
    init(_ family: Int32, _ subject: String, capacity: Int = 256 << 10) throws(SystemError) {
        let type = Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let raw = Glibc.socket(AF_NETLINK, type, family)
        guard raw >= 0 else { throw .last("socket(AF_NETLINK)") }
        socket = FileDescriptor(owning: raw)
        self.subject = subject
        room = [UInt8](repeating: 0, count: capacity)
    }

    /// Sends one message: its type, flags beside that of a request, and what stands behind the header.
    func send(_ type: UInt16, flags: UInt16 = 0, _ body: [UInt8]) throws(SystemError) {
        let length = UInt32(16 + body.count)
        let head = NetlinkMessage.bytes(length) + NetlinkMessage.bytes(type)
        let message = head + NetlinkMessage.bytes(flags | Self.isRequest) + [UInt8](repeating: 0, count: 8) + body
        guard unsafe Glibc.send(socket.raw, message, message.count, 0) == message.count else {
            throw .last("send(AF_NETLINK)")
        }
    }

    /// The messages of the next datagram.
    ///
    /// - Throws: what the kernel refuses the question with; ETIMEDOUT when it is silent for half a minute.
    mutating func receive() throws(SystemError) -> [NetlinkMessage] {
        guard Readiness.wait([socket.raw], milliseconds: Self.patience) == [true] else {
            throw SystemError("recv(AF_NETLINK)", ETIMEDOUT)
        }
        let count = retrying { unsafe recv(socket.raw, &room, room.count, 0) }
        guard count >= 0 else { throw .last("recv(AF_NETLINK)") }
        let messages = NetlinkMessage.all(in: Array(room[..<count])[...])
        if let refusal = messages.first(where: { $0.type == Self.error }) {
            let code = refusal.body.prefix(4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            throw SystemError(subject, 0 &- Int32(bitPattern: code))
        }
        return messages
    }
}
