/// A set of traffic by what nftables can ask for: whole protocols, ports, and types of ICMP.
struct TrafficParts {
    /// Protocols that the set holds whole; of one without ports and types that means all there is.
    private(set) var whole: IntervalSet<UInt8>
    /// Some ports of protocols that have ports, ascending by protocol.
    private(set) var ports: [(number: ProtocolNumber, ports: IntervalSet<UInt16>)] = []
    /// Some types and codes of ICMP (IPv4) and of ICMPv6 (IPv6).
    private(set) var icmp: [(family: AddressFamily, details: IntervalSet<UInt16>)] = []

    init(_ traffic: TrafficSet) {
        var whole: [ClosedRange<UInt8>] = []
        var partial: [UInt8] = []
        for range in traffic.kinds.ranges {
            let (first, last) = (range.lowerBound >> 16, range.upperBound >> 16)
            let firstWhole = range.lowerBound & 0xFFFF == 0 ? first : first + 1
            // One past the last protocol that the range holds whole.
            let pastWhole = range.upperBound & 0xFFFF == 0xFFFF ? last + 1 : last
            if firstWhole < pastWhole { whole.append(UInt8(firstWhole)...UInt8(pastWhole - 1)) }
            if firstWhole > first { partial.append(UInt8(first)) }
            if pastWhole <= last, last >= firstWhole || firstWhole == first { partial.append(UInt8(last)) }
        }
        var seen: UInt8?
        for number in partial where number != seen {
            seen = number
            let number = ProtocolNumber(rawValue: number)
            let details = traffic.details(of: number)
            switch number {
            case .icmp: icmp.append((.v4, details))
            case .icmpv6: icmp.append((.v6, details))
            case _ where number.hasPorts: ports.append((number, details))
            // Packets of the others have the detail 0 and no other.
            default: if details.contains(0) { whole.append(number.rawValue...number.rawValue) }
            }
        }
        self.whole = IntervalSet(whole)
    }
}

/// Types and codes of ICMP as elements: whole types where all codes are in, codes elsewhere.
struct ICMPKeys {
    private(set) var types: [ElementKey] = []
    private(set) var codes: [ElementKey] = []

    init(_ details: IntervalSet<UInt16>) {
        for range in details.ranges {
            let (first, last) = (range.lowerBound >> 8, range.upperBound >> 8)
            let firstCode = UInt8(truncatingIfNeeded: range.lowerBound)
            let lastCode = UInt8(truncatingIfNeeded: range.upperBound)
            if first == last, firstCode > 0 || lastCode < 0xFF {
                codes.append(.codes(type: UInt8(first), firstCode...lastCode))
                continue
            }
            var (firstWhole, lastWhole) = (Int(first), Int(last))
            if firstCode > 0 {
                codes.append(.codes(type: UInt8(first), firstCode...0xFF))
                firstWhole += 1
            }
            if lastCode < 0xFF {
                codes.append(.codes(type: UInt8(last), 0...lastCode))
                lastWhole -= 1
            }
            if firstWhole <= lastWhole { types.append(.types(UInt8(firstWhole)...UInt8(lastWhole))) }
        }
    }
}
