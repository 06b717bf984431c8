/// A rule by which the kernel of this thread's network chooses among its tables of routes, as `ip rule` lists it
/// (linux/fib_rules.h).
package struct RoutingRule: Sendable, Equatable {
    /// Its place among the others: the lowest number is asked first.
    package let priority: UInt32
    /// Whether it asks for the mark that a packet has on this machine (`fwmark`).
    package let asksForMark: Bool

    package init(priority: UInt32, asksForMark: Bool) {
        (self.priority, self.asksForMark) = (priority, asksForMark)
    }

    /// All of them, of IPv4 and IPv6.
    package static func all() throws(SystemError) -> [RoutingRule] {
        var socket = try NetlinkSocket(family, "rtnetlink")
        try socket.send(get, flags: NetlinkSocket.isDump, [UInt8](repeating: 0, count: header))
        var found: [RoutingRule] = []
        while true {
            for message in try socket.receive() {
                if message.type == NetlinkSocket.done { return found }
                if message.type == new, let rule = RoutingRule(message) { found.append(rule) }
            }
        }
    }

    /// nil for a rule of another family, such as those of multicast.
    init?(_ message: NetlinkMessage) {
        guard message.body.count >= Self.header, Self.families.contains(message.family) else { return nil }
        let attributes = message.attributes(behind: Self.header)
        self.init(
            priority: attributes.machineNumber(Self.priorityOf) ?? 0,
            asksForMark: attributes[Self.markOf] != nil || attributes[Self.maskOf] != nil
        )
    }

    /// NETLINK_ROUTE; RTM_GETRULE, RTM_NEWRULE; struct fib_rule_hdr; AF_INET, AF_INET6.
    private static let family: Int32 = 0
    private static let get: UInt16 = 34
    private static let new: UInt16 = 32
    private static let header = 12
    private static let families: [UInt8] = [2, 10]
    /// FRA_PRIORITY, FRA_FWMARK, FRA_FWMASK.
    private static let priorityOf: UInt16 = 6
    private static let markOf: UInt16 = 10
    private static let maskOf: UInt16 = 16
}
