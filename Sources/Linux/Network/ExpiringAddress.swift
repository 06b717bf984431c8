/// An address that an interface of this thread's network has for a time alone, as rtnetlink(7) tells of it
/// (linux/if_addr.h): its valid lifetime (RFC 4862, section 5.5.4) is not without end.
package struct ExpiringAddress: Sendable, Equatable {
    package let interface: String
    /// 4 or 16 bytes in network order.
    package let address: [UInt8]
    /// In bits.
    package let prefixLength: Int
    /// How long the kernel will keep it unless somebody renews it, in seconds.
    package let seconds: UInt32

    /// All of them; none when the kernel does not tell.
    package static func all() -> [ExpiringAddress] { (try? listed()) ?? [] }

    private static func listed() throws(SystemError) -> [ExpiringAddress] {
        var names: [UInt32: String] = [:]
        for link in try NetworkLink.all() { names[link.index] = link.name }
        var socket = try NetlinkSocket(family, "rtnetlink")
        try socket.send(get, flags: NetlinkSocket.isDump, [UInt8](repeating: 0, count: header))
        var found: [ExpiringAddress] = []
        while true {
            for message in try socket.receive() {
                if message.type == NetlinkSocket.done { return found }
                if message.type == new, let one = ExpiringAddress(message, names) { found.append(one) }
            }
        }
    }

    /// - Parameter names: those of interfaces by their numbers.
    /// - Returns: nil for an address that is there for good, and for a message that is cut short.
    init?(_ message: NetlinkMessage, _ names: [UInt32: String]) {
        let attributes = message.attributes(behind: Self.header)
        let head = Array(message.body.prefix(Self.header))
        // Of a link with a peer the second attribute is the peer's.
        guard head.count == Self.header, head[2] & Self.isPermanent == 0,
            let interface = names[NetlinkMessage.number(head[4...])],
            let address = attributes[Self.own] ?? attributes[Self.address],
            let times = attributes[Self.times], times.count >= 8
        else { return nil }
        self.interface = interface
        self.address = Array(address)
        prefixLength = Int(head[1])
        seconds = NetlinkMessage.number(times.dropFirst(4).prefix(4))
    }

    /// NETLINK_ROUTE; RTM_GETADDR, RTM_NEWADDR; struct ifaddrmsg.
    private static let family: Int32 = 0
    private static let get: UInt16 = 22
    private static let new: UInt16 = 20
    private static let header = 8
    /// IFA_F_PERMANENT; IFA_LOCAL, IFA_ADDRESS, IFA_CACHEINFO.
    private static let isPermanent: UInt8 = 0x80
    private static let own: UInt16 = 2
    private static let address: UInt16 = 1
    private static let times: UInt16 = 6
}
