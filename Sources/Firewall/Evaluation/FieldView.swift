import Site

/// What a packet shows at a hook: not every field is there everywhere.
struct FieldView: Hashable {
    /// What rules see of an interface.
    enum Sight: Hashable {
        case name
        /// An empty name.
        case nothing
        /// A name, but perhaps another one, or none.
        case unknown
    }

    let input: Sight
    let output: Sight
    /// Whether connection tracking has seen the packet; before, a rule may see a state or not.
    let showsState: Bool
    /// Whether fragments have been put together: before, those behind the first show nothing of what stands behind the
    /// header of IP, and the first one not all of it.
    let isWhole: Bool
    /// Whether the chain hangs below IP, where a packet may be inside another, of which rules see the outside alone.
    let isBelowIP: Bool
    /// Whether the host has taken one off the hop limit since the packet came in.
    let isRouted: Bool
    /// Whether kernels differ in what they say of the way back of packets that the host sends to itself: at `input` old
    /// ones find none.
    let isInput: Bool
    /// Whether the kernel has changed destinations where it does so before it looks up the way (`ct status dnat`).
    let isTranslated: Bool

    /// Connection tracking comes at -200 (NF_IP_PRI_CONNTRACK).
    private static let trackingPriority = -200
    /// Fragments are put together at -400 (NF_IP_PRI_CONNTRACK_DEFRAG).
    private static let assemblyPriority = -400

    /// - Parameters:
    ///   - isBelowIP: see `HeldChain`.
    ///   - hasZones: whether there are zones of connection tracking, see `HeldRuleset`.
    init(path: PacketPath, base: HeldChain.Base, isBelowIP: Bool, hasZones: Bool) {
        self.isBelowIP = isBelowIP
        isRouted = path == .forward && base.hook != .ingress && base.hook != .prerouting
        isInput = base.hook == .input
        isTranslated = [.input, .forward, .postrouting].contains(base.hook)
        guard !isBelowIP else {
            (input, output, showsState, isWhole) = (.unknown, .unknown, false, false)
            return
        }
        let isEarly = base.hook == .prerouting || base.hook == .output
        // Of what the host itself sends some kernels name the interface that it leaves by there.
        input = path != .output ? .name : base.hook == .postrouting ? .unknown : .nothing
        output = path == .output || base.hook == .forward || base.hook == .postrouting ? .name : .nothing
        showsState = !hasZones && !(isEarly && base.priority <= Self.trackingPriority)
        isWhole = !(isEarly && base.priority <= Self.assemblyPriority)
    }

    /// What a packet has in a field.
    enum Content: Equatable {
        case number(UInt128)
        /// This number, or no such field where the packet comes in fragments or inside another.
        case perhaps(UInt128)
        /// The packet has no such field: a rule that asks for it does not match, not even when it says "not".
        case absent
        /// There is something, but what, the packet does not tell.
        case unknown
    }

    func content(_ field: HeldField, _ packet: Packet) -> Content {
        let content = contentOfWhole(field, packet)
        guard case .number(let number) = content, !isSure(field) else { return content }
        return .perhaps(number)
    }

    /// Whether a packet that has the field shows it. The protocol of a fragment of IPv6 may stand behind more headers.
    private func isSure(_ field: HeldField) -> Bool {
        !isBelowIP && (isWhole || !field.isBehindHeader && field != .transport)
    }

    private func contentOfWhole(_ field: HeldField, _ packet: Packet) -> Content {
        let detail = UInt128(packet.detail)
        switch field {
        case .family: return .number(packet.source.width == 128 ? 1 : 0)
        case .inputInterface, .inputIndex: return content(input, packet.inputInterface)
        case .outputInterface, .outputIndex: return content(output, packet.outputInterface)
        case .source4: if case .v4(let bits) = packet.source { return .number(UInt128(bits)) }
        case .source6: if case .v6(let bits) = packet.source { return .number(bits) }
        case .destination4: if case .v4(let bits) = packet.destination { return .number(UInt128(bits)) }
        case .destination6: if case .v6(let bits) = packet.destination { return .number(bits) }
        case .transport: return .number(UInt128(packet.protocolNumber.rawValue))
        case .sourcePort(let number): if packet.protocolNumber == number { return .number(UInt128(packet.sourcePort)) }
        case .destinationPort(let number): if packet.protocolNumber == number { return .number(detail) }
        case .anySourcePort: return packet.protocolNumber.hasPorts ? .number(UInt128(packet.sourcePort)) : .unknown
        case .anyDestinationPort: return packet.protocolNumber.hasPorts ? .number(detail) : .unknown
        case .icmpType, .icmpCode:
            guard packet.source.width == 32, packet.protocolNumber == .icmp else { return .absent }
            return .number(field == .icmpType ? detail >> 8 : detail & 0xFF)
        case .icmpv6Type, .icmpv6Code:
            guard packet.source.width == 128, packet.protocolNumber == .icmpv6 else { return .absent }
            return .number(field == .icmpv6Type ? detail >> 8 : detail & 0xFF)
        case .state: return showsState ? .number(UInt128(packet.state.rawValue)) : .unknown
        case .tcpFlags: if packet.protocolNumber == .tcp { return .number(UInt128(packet.tcpFlags)) }
        }
        return .absent
    }

    private func content(_ sight: Sight, _ name: String?) -> Content {
        switch sight {
        case .name: .number(name.map(InterfaceName.number) ?? 0)
        case .nothing: .number(0)
        case .unknown: .unknown
        }
    }

    /// The states that a packet leaves for `untracked` when a rule takes it out of tracking: once it is tracked it stays
    /// so, but for what tracking could make nothing of (`nft_notrack_eval`).
    var untracked: ConnectionStates { showsState ? .invalid : .all.subtracting(.untracked) }

    /// Whether the condition holds for the packet; nil when that is not known.
    func holds(_ condition: HeldCondition, _ packet: Packet) -> Bool? {
        switch condition {
        case .unknown, .before: return nil
        case .oddity(let oddity, let isPresent):
            guard shows(oddity) else { return nil }
            if oddity == .throughRouter, isRouted { return isPresent }
            if oddity == .withoutReturnPath, isInput, packet.inputInterface == Self.loopback { return nil }
            return packet.oddities.isSuperset(of: oddity) == isPresent
        case .excess(let limit, let isAbove):
            let isOver = packet.oddities.contains(.overLimit) && packet.limit.map { $0 == limit.counter } ?? true
            return isOver == isAbove
        case .fields(let fields, let entries, let isNegated):
            let contents = fields.map { content($0, packet) }
            if contents.contains(.absent) { return false }
            var found: Bool? = false
            for entry in entries {
                let holds = Self.holds(entry, contents)
                if holds == true { return !isNegated }
                if holds == nil { found = nil }
            }
            // What perhaps is not there perhaps does not match, not even when the rule says "not".
            if isNegated, !contents.allSatisfy(\.isCertain) { return nil }
            return found.map { $0 != isNegated }
        }
    }

    /// Whether rules see the oddity at all.
    func shows(_ oddity: PacketOddities) -> Bool {
        !isBelowIP && (isWhole || oddity != .smallSegments) && (isTranslated || oddity != .redirected)
    }

    static let loopback = "lo"

    private static func holds(_ entry: HeldKey, _ contents: [Content]) -> Bool? {
        var result: Bool? = true
        for (numbers, content) in zip(entry, contents) {
            switch content {
            case .number(let number): if !numbers.contains(number) { return false }
            case .perhaps(let number):
                if !numbers.contains(number) { return false }
                result = nil
            case .unknown: result = nil
            case .absent: return false
            }
        }
        return result
    }
}

extension FieldView.Content {
    fileprivate var isCertain: Bool {
        switch self {
        case .number, .absent: true
        case .perhaps, .unknown: false
        }
    }
}

extension HeldField {
    /// Whether it stands behind the header of IP, where a fragment may not have it.
    var isBehindHeader: Bool {
        switch self {
        case .family, .inputInterface, .outputInterface, .inputIndex, .outputIndex, .source4, .source6, .destination4,
            .destination6, .transport,
            .state:
            false
        case .sourcePort, .destinationPort, .anySourcePort, .anyDestinationPort, .icmpType, .icmpCode, .icmpv6Type,
            .icmpv6Code, .tcpFlags:
            true
        }
    }
}

extension FieldView {
    /// The packets that surely have one of these numbers in the field, and those that perhaps have; all of the first are
    /// among the second. Both may be given in several boxes.
    func boxes(_ field: HeldField, _ numbers: IntervalSet<UInt128>) -> (sure: [Box], perhaps: [Box]) {
        let found = boxesOfWhole(field, numbers)
        return isSure(field) ? found : ([], found.perhaps)
    }

    private func boxesOfWhole(
        _ field: HeldField,
        _ numbers: IntervalSet<UInt128>
    ) -> (sure: [Box], perhaps: [Box]) {
        var box = Box()
        switch field {
        case .family: box.restrict(.family, to: numbers)
        case .inputInterface, .inputIndex: return boxes(input, .inputInterface, numbers)
        case .outputInterface, .outputIndex: return boxes(output, .outputInterface, numbers)
        case .source4, .destination4:
            box.restrict(.family, to: 0)
            box.restrict(field == .source4 ? .source4 : .destination4, to: numbers)
        case .source6, .destination6:
            box.restrict(.family, to: 1)
            box.restrict(field == .source6 ? .source6 : .destination6, to: numbers)
        case .transport: box.restrict(.traffic, to: IntervalSet(numbers.ranges.map { Self.kinds($0) }))
        case .sourcePort(let number):
            box.restrict(.traffic, to: TrafficSet(number).kinds.widened)
            box.restrict(.sourcePort, to: numbers)
        case .destinationPort(let number): box.restrict(.traffic, to: Self.traffic([number], numbers))
        case .anySourcePort:
            box.restrict(.traffic, to: Self.withPorts)
            box.restrict(.sourcePort, to: numbers)
            return ([box], [box, Self.withoutPorts])
        case .anyDestinationPort:
            box.restrict(.traffic, to: Self.traffic(ProtocolNumber.withPorts, numbers))
            return ([box], [box, Self.withoutPorts])
        case .icmpType, .icmpv6Type:
            box.restrict(.family, to: field == .icmpType ? 0 : 1)
            let types = numbers.ranges.map { $0.lowerBound << 8...($0.upperBound << 8 | 0xFF) }
            box.restrict(.traffic, to: Self.traffic([field == .icmpType ? .icmp : .icmpv6], IntervalSet(types)))
        case .icmpCode, .icmpv6Code:
            box.restrict(.family, to: field == .icmpCode ? 0 : 1)
            let codes = (0...UInt128(0xFF)).flatMap { type in
                numbers.ranges.map { (type << 8 | $0.lowerBound)...(type << 8 | $0.upperBound) }
            }
            box.restrict(.traffic, to: Self.traffic([field == .icmpCode ? .icmp : .icmpv6], IntervalSet(codes)))
        case .state:
            guard showsState else { return ([], [box]) }
            box.restrict(.state, to: numbers)
        case .tcpFlags:
            box.restrict(.traffic, to: TrafficSet(.tcp).kinds.widened)
            box.restrict(.tcpFlags, to: numbers)
        }
        return box.isEmpty ? ([], []) : ([box], [box])
    }

    private func boxes(
        _ sight: Sight,
        _ dimension: Dimension,
        _ numbers: IntervalSet<UInt128>
    ) -> (sure: [Box], perhaps: [Box]) {
        var box = Box()
        switch sight {
        case .unknown: return ([], [box])
        case .nothing: return numbers.contains(0) ? ([box], [box]) : ([], [])
        case .name:
            box.restrict(dimension, to: numbers)
            return box.isEmpty ? ([], []) : ([box], [box])
        }
    }

    private static let withPorts = IntervalSet(
        ProtocolNumber.withPorts.map { kinds(UInt128($0.rawValue)...UInt128($0.rawValue)) }
    )
    private static let withoutPorts: Box = {
        var box = Box()
        box.restrict(.traffic, to: withPorts.complement)
        return box
    }()

    /// All traffic of a range of protocols.
    private static func kinds(_ protocols: ClosedRange<UInt128>) -> ClosedRange<UInt128> {
        protocols.lowerBound << 16...(protocols.upperBound << 16 | 0xFFFF)
    }

    private static func traffic(_ protocols: [ProtocolNumber], _ details: IntervalSet<UInt128>) -> IntervalSet<UInt128>
    {
        IntervalSet(
            protocols.flatMap { number in
                let base = UInt128(number.rawValue) << 16
                return details.ranges.filter { $0.lowerBound <= 0xFFFF }.map {
                    base | $0.lowerBound...(base | min($0.upperBound, 0xFFFF))
                }
            }
        )
    }
}
