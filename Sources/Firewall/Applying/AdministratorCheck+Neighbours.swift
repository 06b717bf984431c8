import Site

extension AdministratorCheck {
    /// What of neighbour discovery must pass by an interface before anything of IPv6 does (RFC 4861, section 7.2): the
    /// machine finds its next hop, and is found by it. Empty for IPv4, whose ARP passes no chain of these tables, and on
    /// links where nobody asks.
    static func discovery(
        _ access: Access,
        at entrance: Entrance,
        by interface: String
    ) -> [(packet: Packet, what: String)] {
        guard case .v6(let own) = entrance.destination, !entrance.silent.contains(interface) else { return [] }
        // The next hop is a router, which speaks from its address of the link.
        let peer = access.source.isOfLink ? access.source : firstOfLink
        guard case .v6(let other) = peer else { return [] }
        func message(_ type: UInt16, _ route: PacketRoute, _ source: UInt128, _ destination: UInt128) -> Packet {
            var packet = Packet(route, from: .v6(source), to: .v6(destination), .icmpv6, detail: type << 8)
            // Connection tracking leaves it alone.
            packet.state = .untracked
            return packet
        }
        let (inward, outward) = (PacketRoute.input(by: interface), PacketRoute.output(by: interface))
        let (solicitation, advertisement): (UInt16, UInt16) = (135, 136)
        let messages = [
            message(solicitation, inward, other, solicitedNode(own)), message(advertisement, outward, own, other),
            message(solicitation, outward, own, solicitedNode(other)), message(advertisement, inward, other, own),
        ]
        let what = "`neighbours` of the baseline, without which nothing of IPv6 arrives, are stopped, "
        return messages.map { ($0, what) }
    }

    private static let firstOfLink = IPAddress.v6(0xFE80 << 112 | 1)

    /// The group of all nodes that may bear the address (RFC 4291, section 2.7.1).
    private static func solicitedNode(_ address: UInt128) -> UInt128 {
        0xFF02_0000_0000_0000_0000_0001_FF00_0000 | address & 0xFF_FFFF
    }
}
