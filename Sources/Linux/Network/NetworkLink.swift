/// An interface of this thread's network, as rtnetlink(7) tells of it (linux/if_link.h).
package struct NetworkLink: Sendable, Equatable {
    package let index: UInt32
    package let name: String
    /// The driver that made it, as `ip -d link` names it: `vxlan`, `wireguard`, `vlan`; nil for others, such as hardware.
    package let kind: String?
    /// The interface of this network that it stands on; 0 for none.
    package let base: UInt32
    /// The bridge or the like that it is a port of; 0 for none.
    package let master: UInt32
    /// Whether it is a bridge that is told to hand what it passes on to rules of IP (`nf_call_iptables`,
    /// `nf_call_ip6tables`).
    package let isFiltered: Bool

    package init(
        index: UInt32,
        name: String,
        kind: String?,
        base: UInt32 = 0,
        master: UInt32 = 0,
        isFiltered: Bool = false
    ) {
        (self.index, self.name, self.kind, self.base, self.master) = (index, name, kind, base, master)
        self.isFiltered = isFiltered
    }

    /// All of them.
    package static func all() throws(SystemError) -> [NetworkLink] {
        var socket = try NetlinkSocket(family, "rtnetlink")
        try socket.send(get, flags: NetlinkSocket.isDump, [UInt8](repeating: 0, count: header))
        var found: [NetworkLink] = []
        while true {
            for message in try socket.receive() {
                if message.type == NetlinkSocket.done { return found }
                if message.type == new, let link = NetworkLink(message) { found.append(link) }
            }
        }
    }

    init?(_ message: NetlinkMessage) {
        let attributes = message.attributes(behind: Self.header)
        guard message.body.count >= Self.header, let name = attributes.text(Self.nameOf) else { return nil }
        let isElsewhere = attributes[Self.networkOfBase] != nil
        let info = attributes.nested(Self.info)
        let kind = info?.text(Self.kindOf)
        let calls = Self.calls.map { info?.nested(Self.dataOf)?[$0]?.first ?? 0 }
        self.init(
            index: NetlinkMessage.number(message.body.dropFirst(4).prefix(4)),
            name: name,
            kind: kind,
            base: isElsewhere ? 0 : attributes.machineNumber(Self.baseOf) ?? 0,
            master: attributes.machineNumber(Self.masterOf) ?? 0,
            isFiltered: kind == "bridge" && calls.contains { $0 != 0 }
        )
    }

    /// NETLINK_ROUTE; RTM_GETLINK, RTM_NEWLINK; struct ifinfomsg.
    private static let family: Int32 = 0
    private static let get: UInt16 = 18
    private static let new: UInt16 = 16
    private static let header = 16
    /// IFLA_IFNAME, IFLA_LINK, IFLA_MASTER, IFLA_LINKINFO with IFLA_INFO_KIND and IFLA_INFO_DATA, IFLA_LINK_NETNSID.
    private static let nameOf: UInt16 = 3
    private static let baseOf: UInt16 = 5
    private static let masterOf: UInt16 = 10
    private static let info: UInt16 = 18
    private static let kindOf: UInt16 = 1
    private static let dataOf: UInt16 = 2
    private static let networkOfBase: UInt16 = 37
    /// IFLA_BR_NF_CALL_IPTABLES, IFLA_BR_NF_CALL_IP6TABLES.
    private static let calls: [UInt16] = [36, 37]
}

extension [NetworkLink] {
    /// The tunnel that an interface is, or that a VLAN or a bridge of that name has below it; nil when it has none. What goes
    /// through a tunnel reaches the machine inside other packets of IP.
    package func tunnel(under name: String) -> NetworkLink? {
        var open = filter { $0.name == name }
        var seen: Set<UInt32> = []
        while let link = open.popLast() {
            guard seen.insert(link.index).inserted else { continue }
            if let kind = link.kind, Self.tunnels.contains(kind) { return link }
            open += filter { $0.index == link.base }
            // Taps that are ports of a bridge are mostly of virtual machines.
            if link.kind == "bridge" { open += filter { $0.master == link.index && $0.kind != "tun" } }
        }
        return nil
    }

    /// Kinds of interfaces of which each packet travels in another one of IP, or may: for `tun` and `ppp` a program knows.
    private static let tunnels: Set<String> = [
        "vxlan", "geneve", "bareudp", "gtp", "gre", "gretap", "erspan", "ip6gre", "ip6gretap", "ip6erspan", "ipip",
        "ip6tnl", "sit", "vti", "vti6", "xfrm", "wireguard", "ovpn", "ovpn-dco", "amt", "tun", "ppp",
    ]
}
