/// A decision diagram over the rules of one stage: what is asked of a packet, one thing after the other, until the rules
/// that decide about it are known. Equal parts are one node. After Gouda and Liu, "Structured firewall design" (2007).
struct Diagram {
    /// Where an answer leads.
    enum Target: Hashable {
        /// No rule of the stage is about the packet.
        case leave
        /// These rules, by index, in order: all but the last one end at a time, and then the next has its turn.
        case rules([Int32])
        case node(Int32)
    }

    /// One question. Every answer is in exactly one class; the classes have different targets, and are ordered by their
    /// smallest answers.
    struct Node: Hashable {
        let dimension: Dimension
        let classes: [Class]
    }

    struct Class: Hashable {
        let target: Target
        let values: IntervalSet<UInt128>
    }

    /// What can be asked, in the order in which it is.
    enum Dimension: Int, CaseIterable {
        /// As in `TrafficSet`.
        case traffic
        /// By their places in `interfaces`; the number after the last one stands for every other interface.
        case inputInterface, outputInterface
        /// 0 for IPv4, 1 for IPv6.
        case family
        case destination, source
    }

    /// The names of interfaces that the rules mention.
    let interfaces: [String]
    private(set) var nodes: [Node]
    let root: Target

    init(interfaces: [String], nodes: [Node], root: Target) {
        self.interfaces = interfaces
        self.nodes = nodes
        self.root = root
    }

    /// How many sets and verdict maps it takes, about: what asks for one range alone is a plain condition.
    var lookups: Int { nodes.count { $0.classes.reduce(0) { $0 + $1.values.ranges.count } > 3 } }
}

/// The match of a rule as a box: a set of values for each dimension.
struct DiagramBox {
    let rule: Int32
    /// By dimension; nil for all values.
    let values: [IntervalSet<UInt128>?]
}

extension DiagramBox {
    /// The boxes that are the match together.
    ///
    /// Types of ICMP are meant of IPv4 packets, those of ICMPv6 of IPv6 packets, as nftables reads them.
    static func boxes(
        of match: PacketMatch,
        rule: Int32,
        interfaces: [String],
        _ place: LinePlace
    ) -> [DiagramBox] {
        let input = place.knowsInput ? numbers(match.inputInterfaces, interfaces) : nil
        let output = place.knowsOutput ? numbers(match.outputInterfaces, interfaces) : nil
        let icmp = partial(match.traffic, .icmp)
        let icmpv6 = partial(match.traffic, .icmpv6)
        let rest = match.traffic.subtracting(icmp).subtracting(icmpv6)
        let pieces: [(TrafficSet, [AddressFamily])] = [(rest, AddressFamily.allCases), (icmp, [.v4]), (icmpv6, [.v6])]
        var boxes: [DiagramBox] = []
        for (traffic, families) in pieces where !traffic.isEmpty {
            let kinds = traffic.isAll ? nil : IntervalSet<UInt128>(widening: traffic.kinds)
            guard !match.sources.isAll || !match.destinations.isAll else {
                boxes.append(DiagramBox(rule: rule, values: [kinds, input, output, nil, nil, nil]))
                continue
            }
            for family in families where match.canBe(family) {
                let number = IntervalSet<UInt128>(family == .v4 ? 0 : 1)
                let (destinations, sources) = (match.destinations.numbers(family), match.sources.numbers(family))
                boxes.append(DiagramBox(rule: rule, values: [kinds, input, output, number, destinations, sources]))
            }
        }
        return boxes.filter { box in box.values.allSatisfy { $0.map { !$0.isEmpty } ?? true } }
    }

    private static func partial(_ traffic: TrafficSet, _ number: ProtocolNumber) -> TrafficSet {
        let part = traffic.intersection(TrafficSet(number))
        return part == TrafficSet(number) ? .none : part
    }

    private static func numbers(_ set: InterfaceSet, _ names: [String]) -> IntervalSet<UInt128>? {
        guard !set.isAny else { return nil }
        let known = names.indices.filter { set.contains(names[$0]) }.map { UInt128($0) }
        let others: [UInt128] = if case .except = set { [UInt128(names.count)] } else { [] }
        return IntervalSet((known + others).map { $0...$0 })
    }
}

extension AddressSet {
    /// The family's addresses as numbers; nil for all.
    fileprivate func numbers(_ family: AddressFamily) -> IntervalSet<UInt128>? {
        switch family {
        case .v4: v4.isAll ? nil : IntervalSet<UInt128>(widening: v4)
        case .v6: v6.isAll ? nil : v6
        }
    }
}

extension IntervalSet<UInt128> {
    init(widening set: IntervalSet<UInt32>) {
        self.init(set.ranges.map { UInt128($0.lowerBound)...UInt128($0.upperBound) })
    }
}
