/// An address of an interface of this thread's network, as rtnetlink(7) tells of it (linux/if_addr.h): beside the address
/// itself, how long it stays and whether it is spoken from.
package struct AssignedAddress: Sendable, Equatable {
    package let interface: String
    /// 4 or 16 bytes in network order.
    package let address: [UInt8]
    /// In bits.
    package let prefixLength: Int
    /// How long the kernel will keep it unless somebody renews it, in seconds; nil for one that is there for good: its valid
    /// lifetime (RFC 4862, section 5.5.4) is without end.
    package let seconds: UInt32?
    /// Whether the kernel may begin something from it: not while it is new and others may have it, nor when one of them has
    /// (RFC 4862, section 5.4), nor when it is deprecated (section 5.5.4), since any other comes before it.
    package let isSpokenFrom: Bool

    /// All of them; none when the kernel does not tell.
    package static func all() -> [AssignedAddress] { (try? listed()) ?? [] }

    private static func listed() throws(SystemError) -> [AssignedAddress] {
        var names: [UInt32: String] = [:]
        for link in try NetworkLink.all() { names[link.index] = link.name }
        var socket = try NetlinkSocket(family, "rtnetlink")
        try socket.send(get, flags: NetlinkSocket.isDump, [UInt8](repeating: 0, count: header))
        var found: [AssignedAddress] = []
        while true {
            for message in try socket.receive() {
                if message.type == NetlinkSocket.done { return found }
                if message.type == new, let one = AssignedAddress(message, names) { found.append(one) }
            }
        }
    }

    /// - Parameter names: those of interfaces by their numbers.
    /// - Returns: nil for a message that is cut short, and for an interface that is not among them.
    init?(_ message: NetlinkMessage, _ names: [UInt32: String]) {
        let attributes = message.attributes(behind: Self.header)
        let head = Array(message.body.prefix(Self.header))
        // Of a link with a peer the second attribute is the peer's.
        guard head.count == Self.header,
            let interface = names[NetlinkMessage.number(head[4...])],
            let address = attributes[Self.own] ?? attributes[Self.address]
        else { return nil }
        let flags = head[2]
        if flags & Self.isPermanent != 0 {
            seconds = nil
        } else {
            guard let times = attributes[Self.times], times.count >= 8 else { return nil }
            seconds = NetlinkMessage.number(times.dropFirst(4).prefix(4))
        }
        self.interface = interface
        self.address = Array(address)
        prefixLength = Int(head[1])
        isSpokenFrom = flags & Self.isSilent == 0
    }

    /// NETLINK_ROUTE; RTM_GETADDR, RTM_NEWADDR; struct ifaddrmsg.
    private static let family: Int32 = 0
    private static let get: UInt16 = 22
    private static let new: UInt16 = 20
    private static let header = 8
    /// IFA_F_PERMANENT; IFA_F_TENTATIVE, IFA_F_DEPRECATED and IFA_F_DADFAILED.
    private static let isPermanent: UInt8 = 0x80
    private static let isSilent: UInt8 = 0x40 | 0x20 | 0x08
    /// IFA_LOCAL, IFA_ADDRESS, IFA_CACHEINFO.
    private static let own: UInt16 = 2
    private static let address: UInt16 = 1
    private static let times: UInt16 = 6
}
