import Site

/// Finds one packet of a set: the most ordinary one that a person would think of.
package struct Witness {
    private let store: DiagramStore
    /// Names that a person knows, tried before others.
    private let interfaces: [String]

    /// - Parameter interfaces: names to prefer, best first.
    package init(in store: DiagramStore, interfaces: [String] = []) {
        self.store = store
        self.interfaces = interfaces.filter { $0 != "lo" }
    }

    /// A packet of the set, which holds possible packets alone; nil when it is empty.
    package func packet(_ region: PacketFunction, _ path: PacketPath) -> Packet? {
        var numbers = Coordinates()
        var asked: Set<Dimension> = []
        var node = region
        while let (dimension, branches) = store.branches(node) {
            asked.insert(dimension)
            // In a set every node but the empty one leads somewhere.
            let open = branches.filter { $0.child != PacketFunction.none }
            let wanted = preferences(dimension, numbers).lazy.compactMap { number in
                open.first { $0.range.contains(number) }.map { (number, $0.child) }
            }.first
            if let (number, child) = wanted {
                numbers[dimension] = number
                node = child
            } else if let branch = open.first {
                numbers[dimension] = sample(dimension, branch.range)
                node = branch.child
            } else {
                return nil
            }
        }
        guard node == .all else { return nil }
        for dimension in Dimension.allCases where !asked.contains(dimension) {
            numbers[dimension] = dimension == .limit ? 0 : preferences(dimension, numbers).first ?? 0
        }
        return packet(numbers, path)
    }

    private func packet(_ numbers: Coordinates, _ path: PacketPath) -> Packet {
        let isSix = numbers[.family] == 1
        let source: IPAddress = isSix ? .v6(numbers[.source6]) : .v4(UInt32(truncatingIfNeeded: numbers[.source4]))
        let destination: IPAddress =
            isSix ? .v6(numbers[.destination6]) : .v4(UInt32(truncatingIfNeeded: numbers[.destination4]))
        let traffic = numbers[.traffic]
        let (input, output) = (numbers[.inputInterface], numbers[.outputInterface])
        var packet = Packet(
            PacketRoute(path, by: InterfaceName.text(input), to: InterfaceName.text(output)),
            from: source,
            to: destination,
            ProtocolNumber(rawValue: UInt8(truncatingIfNeeded: traffic >> 16)),
            detail: UInt16(truncatingIfNeeded: traffic)
        )
        packet.sourcePort = packet.protocolNumber.hasPorts ? UInt16(truncatingIfNeeded: numbers[.sourcePort]) : 0
        packet.state = ConnectionState(rawValue: UInt8(truncatingIfNeeded: numbers[.state])) ?? .new
        packet.tcpFlags = UInt8(truncatingIfNeeded: numbers[.tcpFlags])
        packet.oddities = PacketOddities(rawValue: UInt8(truncatingIfNeeded: numbers[.oddities]))
        if packet.oddities.contains(.overLimit) { packet.limit = store.limit(numbers[.limit]) }
        return packet
    }

    private func preferences(_ dimension: Dimension, _ numbers: Coordinates) -> [UInt128] {
        switch dimension {
        case .family, .state: return [0]
        // A limit that can be named says more than all at once.
        case .limit: return (0..<min(UInt128(store.limitCount), 256)).map { $0 + 1 } + [0]
        case .oddities: return [0, 1, 2, 4, 8, 16]
        case .inputInterface, .outputInterface: return (interfaces + ["eth0"]).map(InterfaceName.number)
        case .traffic:
            let ports: [UInt128] = [22, 80, 443, 3306, 8080, 25, 53, 1, 1024, 40000]
            let ping: UInt128 = numbers[.family] == 0 ? 1 << 16 | 8 << 8 : 58 << 16 | 128 << 8
            return ports.map { 6 << 16 | $0 } + [17 << 16 | 53, 17 << 16 | 123, ping, 17 << 16 | 1024, 47 << 16]
        case .tcpFlags: return [0x02, 0x10, 0x18]
        case .sourcePort: return [40000, 1024, 0]
        // Documentation's, public, and private addresses (RFC 5737, RFC 3849, RFC 1918).
        case .destination4, .source4:
            return dimension == .source4
                ? [0x0808_0808, 0xC633_6407, 0xCB00_7107, 0x0A00_0001] : [0xC000_0201, 0x0808_0808, 0x0A00_0001]
        case .destination6, .source6:
            return [0x2001_0DB8 << 96 | (dimension == .source6 ? 7 : 1), 0x2A00 << 112 | 1]
        }
    }

    private func sample(_ dimension: Dimension, _ range: ClosedRange<UInt128>) -> UInt128 {
        switch dimension {
        case .inputInterface, .outputInterface:
            return InterfaceName.sample(range, preferring: interfaces).map(InterfaceName.number) ?? range.lowerBound
        case .source4, .destination4, .source6, .destination6:
            // The first address of a network is none of a host's.
            return range.lowerBound & 0xFF == 0 && range.upperBound > range.lowerBound
                ? range.lowerBound + 1 : range.lowerBound
        default: return range.lowerBound
        }
    }
}
