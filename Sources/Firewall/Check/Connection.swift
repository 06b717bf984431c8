package import Site

/// A new connection, as an example of many.
package struct Connection: Sendable, Hashable {
    package let source: IPAddress
    package let destination: IPAddress
    package let protocolNumber: ProtocolNumber
    /// As `TrafficSet` says: a port, or a type and code of ICMP.
    package let detail: UInt16

    package init(from source: IPAddress, to destination: IPAddress, _ number: ProtocolNumber, detail: UInt16) {
        self.source = source
        self.destination = destination
        protocolNumber = number
        self.detail = detail
    }

    /// One of a box, with ordinary addresses where there are some: who reads of 0.0.0.0 thinks of a special case.
    init<Bound>(in box: FlowBox<Bound>, _ make: (IntervalSet<Bound>) -> AddressSet) {
        // A box that is left of others holds something.
        source = Self.ordinary(make(box.sources)) ?? .v4(0)
        destination = Self.ordinary(make(box.destinations)) ?? .v4(0)
        let kind = Self.kind(of: box.traffic, isV6: source.width == 128)
        protocolNumber = ProtocolNumber(rawValue: UInt8(truncatingIfNeeded: kind >> 16))
        detail = UInt16(truncatingIfNeeded: kind)
    }

    private static func ordinary(_ set: AddressSet) -> IPAddress? {
        let public4 = set.subtracting(SpecialAddresses.bogons)
        // 1.0.0.0 is the first of them, and looks like one that is not meant.
        let well = ["8.8.8.8", "2001:4860:4860::8888"].compactMap { IPAddress($0) }.first { public4.contains($0) }
        return well ?? public4.first ?? set.first
    }

    /// TCP where there is some, and a port above 0.
    private static func kind(of traffic: TrafficSet, isV6: Bool) -> UInt32 {
        for number in [ProtocolNumber.tcp, .udp] {
            let ports = traffic.details(of: number)
            if let port = ports.ranges.first(where: { $0.upperBound > 0 }) {
                return UInt32(number.rawValue) << 16 | UInt32(max(port.lowerBound, 1))
            }
        }
        let other = TrafficSet(isV6 ? .icmp : .icmpv6)
        return traffic.subtracting(other).kinds.first ?? traffic.kinds.first ?? 0
    }
}

extension Connection: CustomStringConvertible {
    /// `tcp from 8.8.8.8 to 10.10.0.31 port 3306`
    package var description: String {
        let ends = "from \(source) to \(destination)"
        switch protocolNumber {
        case .tcp: return "tcp \(ends) port \(detail)"
        case .udp: return "udp \(ends) port \(detail)"
        case .icmp: return "icmp type \(detail >> 8) \(ends)"
        case .icmpv6: return "icmpv6 type \(detail >> 8) \(ends)"
        default: return "protocol \(protocolNumber.rawValue) \(ends)"
        }
    }
}
