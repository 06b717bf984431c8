/// The packets that can be: every question is about them alone.
package enum PossiblePackets {
    /// Packets that a host could see on a way: those without ports have none, nor has what is not TCP flags, ICMP is of
    /// the family that it is for, and an interface has a name.
    package static func region(_ path: PacketPath, in store: DiagramStore) throws(SpaceExhausted) -> PacketFunction {
        try store.region(boxes(path))
    }

    static func boxes(_ path: PacketPath) -> [Box] {
        var base = Box()
        let names = IntervalSet([1...UInt128.max])
        if path != .output { base.restrict(.inputInterface, to: names) }
        if path != .input { base.restrict(.outputInterface, to: names) }

        var syn = base
        syn.restrict(.traffic, to: TrafficSet(.tcp).kinds.widened)
        syn.restrict(.tcpFlags, to: TCPOpening.flags.widened)

        // What is no SYN announces no segment size.
        base.restrict(.oddities, to: PacketOddities.smallSegments.numbers.complement)
        var tcp = base
        tcp.restrict(.traffic, to: TrafficSet(.tcp).kinds.widened)
        tcp.restrict(.tcpFlags, to: TCPOpening.flags.complement.widened)
        // What is not TCP has no flags: it stands with the usual ones.
        base.restrict(.tcpFlags, to: 0x02)
        var ported = base
        ported.restrict(
            .traffic,
            to: IntervalSet(
                ProtocolNumber.withPorts.filter { $0 != .tcp }.flatMap { TrafficSet($0).kinds.widened.ranges }
            )
        )

        base.restrict(.sourcePort, to: 0)
        var (four, six) = (base, base)
        four.restrict(.family, to: 0)
        four.restrict(.traffic, to: TrafficSet(.icmp).kinds.widened)
        six.restrict(.family, to: 1)
        six.restrict(.traffic, to: TrafficSet(.icmpv6).kinds.widened)

        var plain = base
        let others = (UInt8.min...UInt8.max).map(ProtocolNumber.init).filter {
            !$0.hasPorts && $0 != .icmp && $0 != .icmpv6
        }
        let kinds = others.map { UInt128($0.rawValue) << 16...UInt128($0.rawValue) << 16 }
        plain.restrict(.traffic, to: IntervalSet(kinds))
        // IPv4 has no hop limit of neighbour discovery's.
        return [syn, tcp, ported, four, six, plain].flatMap { box in
            var (four, six) = (box, box)
            four.restrict(.family, to: 0)
            four.restrict(.oddities, to: PacketOddities.throughRouter.numbers.complement)
            six.restrict(.family, to: 1)
            return [four, six].filter { !$0.isEmpty }
        }
    }
}
