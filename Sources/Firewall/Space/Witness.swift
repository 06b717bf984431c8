import Site

/// Finds one packet of a set: the most ordinary one that a person would think of.
package struct Witness {
    private let store: DiagramStore
    /// Names that a person knows, tried before what stands for all that the site file does not name.
    private let interfaces: [String]
    /// The host's addresses, which its packets have for an end.
    private let own: [IPAddress]
    /// What is reached by each interface.
    private let reach: [(name: String, addresses: AddressSet)]

    /// - Parameter host: whose interfaces and addresses are tried before others.
    package init(in store: DiagramStore, at host: HostIntent? = nil) {
        self.store = store
        interfaces = (host?.interfaces ?? []).map(\.name).filter { $0 != "lo" }
        own = (host?.interfaces ?? []).flatMap(\.addresses).map(\.address) + (host?.otherAddresses ?? [])
        reach = (host?.interfaces ?? []).filter { $0.name != "lo" }.reach
    }

    /// A packet of the set, which holds possible packets alone; nil when it is empty.
    ///
    /// One that comes and goes by the interfaces that its ends are reached by is preferred to others, and one from
    /// elsewhere to one that the host would have sent itself; but not what is odd to what is not.
    package func packet(_ region: PacketFunction, _ path: PacketPath) -> Packet? {
        guard let plain = chosen(region, path) else { return nil }
        let peers = AddressSet.all.subtracting(AddressSet(own))
        let isOrdinary = { (packet: Packet) in packet.state == .new && packet.oddities.isEmpty }
        for matches in [routed(path, peers), [Self.match(path, from: peers, to: peers)]] {
            guard let boxes = try? store.region(matches.flatMap({ Box.boxes(of: $0, on: path) })),
                let part = try? store.combine(region, boxes, .intersection),
                let packet = chosen(part, path), isOrdinary(packet) || !isOrdinary(plain)
            else { continue }
            return packet
        }
        return plain
    }

    /// The packets between peers of the host, by the interfaces that these are reached by.
    private func routed(_ path: PacketPath, _ peers: AddressSet) -> [PacketMatch] {
        let ways = reach.map { (name: $0.name, peers: $0.addresses.intersection(peers)) }
        func match(
            _ input: (name: String, peers: AddressSet),
            _ output: (name: String, peers: AddressSet)
        ) -> PacketMatch {
            var match = Self.match(path, from: input.peers, to: output.peers)
            if path != .output { match.inputInterfaces = .among([input.name]) }
            if path != .input { match.outputInterfaces = .among([output.name]) }
            return match
        }
        guard path == .forward else { return ways.map { match($0, $0) } }
        // A machine with more interfaces is shown by any.
        guard ways.count <= 16 else { return [] }
        return ways.flatMap { input in ways.filter { $0.name != input.name }.map { match(input, $0) } }
    }

    /// The packets of a way of which the ends that are not the host's are among these.
    private static func match(
        _ path: PacketPath,
        from sources: AddressSet,
        to destinations: AddressSet
    ) -> PacketMatch {
        var match = PacketMatch()
        if path != .output { match.sources = sources }
        if path != .input { match.destinations = destinations }
        return match
    }

    private func chosen(_ region: PacketFunction, _ path: PacketPath) -> Packet? {
        var numbers = Coordinates()
        var asked: Set<Dimension> = []
        var node = region
        while let (dimension, branches) = store.branches(node) {
            asked.insert(dimension)
            // In a set every node but the empty one leads somewhere.
            let open = branches.filter { $0.child != PacketFunction.none }
            let wanted = preferences(dimension, numbers, path).lazy.compactMap { number in
                open.first { $0.range.contains(number) }.map { (number, $0.child) }
            }.first
            if let (number, child) = wanted {
                numbers[dimension] = number
                node = child
            } else if let branch = open.first(where: { isBelievable(dimension, $0.range) }) ?? open.first {
                numbers[dimension] = sample(dimension, branch.range)
                node = branch.child
            } else {
                return nil
            }
        }
        guard node == .all else { return nil }
        for dimension in Dimension.allCases where !asked.contains(dimension) {
            numbers[dimension] = dimension == .limit ? 0 : preferences(dimension, numbers, path).first ?? 0
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
        if numbers[.redirected] == 1 { packet.oddities.insert(.redirected) }
        if packet.oddities.contains(.overLimit) { packet.limit = store.limit(numbers[.limit]) }
        return packet
    }

    private func preferences(_ dimension: Dimension, _ numbers: Coordinates, _ path: PacketPath) -> [UInt128] {
        switch dimension {
        case .family, .state, .redirected: return [0]
        // A limit that can be named says more than all at once.
        case .limit: return (0..<min(UInt128(store.limitCount), 256)).map { $0 + 1 } + [0]
        case .oddities: return [0, 1, 2, 4, 8, 16, 32]
        case .inputInterface, .outputInterface:
            let names = interfaces.isEmpty ? ["eth0"] : interfaces
            return (names + [HostIntent.unnamedInterface]).map(InterfaceName.number)
        case .traffic:
            let ports: [UInt128] = [22, 80, 443, 3306, 8080, 25, 53, 1, 1024, 40000]
            let ping: UInt128 = numbers[.family] == 0 ? 1 << 16 | 8 << 8 : 58 << 16 | 128 << 8
            return ports.map { 6 << 16 | $0 } + [17 << 16 | 53, 17 << 16 | 123, ping, 17 << 16 | 1024, 47 << 16]
        case .tcpFlags: return [0x02, 0x10, 0x18]
        case .sourcePort: return [40000, 1024, 0]
        // The host's own; then documentation's, public, and private addresses (RFC 5737, RFC 3849, RFC 1918).
        case .destination4: return own(4, path, .input) + [0xC000_0201, 0x0808_0808, 0x0A00_0001]
        case .source4: return own(4, path, .output) + [0x0808_0808, 0xC633_6407, 0xCB00_7107, 0x0A00_0001]
        case .destination6: return own(6, path, .input) + [0x2001_0DB8 << 96 | 1, 0x2A00 << 112 | 1]
        case .source6: return own(6, path, .output) + [0x2001_0DB8 << 96 | 7, 0x2A00 << 112 | 1]
        }
    }

    /// The host's addresses of a version of IP, where they are an end of the packets of the path.
    private func own(_ version: Int, _ path: PacketPath, _ wanted: PacketPath) -> [UInt128] {
        guard path == wanted else { return [] }
        return own.compactMap { address in
            switch address {
            case .v4(let bits): version == 4 ? UInt128(bits) : nil
            case .v6(let bits): version == 6 ? bits : nil
            }
        }
    }

    /// Whether there is a number in the range that a person would believe: no loopback interface, and not a network's
    /// first or last address alone.
    private func isBelievable(_ dimension: Dimension, _ range: ClosedRange<UInt128>) -> Bool {
        switch dimension {
        case .inputInterface, .outputInterface:
            return range != InterfaceName.number("lo")...InterfaceName.number("lo")
        case .source4, .destination4, .source6, .destination6:
            return range.lowerBound < range.upperBound || ![0, 0xFF].contains(range.lowerBound & 0xFF)
        default: return true
        }
    }

    private func sample(_ dimension: Dimension, _ range: ClosedRange<UInt128>) -> UInt128 {
        switch dimension {
        case .inputInterface, .outputInterface:
            return InterfaceName.sample(range).map(InterfaceName.number) ?? range.lowerBound
        case .source4, .destination4, .source6, .destination6:
            // The first address of a network is none of a host's, and networks begin with even numbers.
            return range.lowerBound & 1 == 0 && range.upperBound > range.lowerBound
                ? range.lowerBound + 1 : range.lowerBound
        default: return range.lowerBound
        }
    }
}
