/// What a packet carries, as a set: of protocols, and inside a protocol of destination ports or ICMP types.
///
/// A kind of traffic is one number of 24 bits, the protocol above 16 bits of detail: the destination port of TCP, UDP,
/// UDP-Lite, DCCP and SCTP; type and code of ICMP and ICMPv6 (type times 256, plus code); 0 for the others.
package struct TrafficSet: Sendable, Hashable {
    package let kinds: IntervalSet<UInt32>

    private static let limits = IntervalSet<UInt32>([0...0xFF_FFFF])

    /// - Parameter kinds: what lies above 24 bits is left out.
    package init(kinds: IntervalSet<UInt32>) { self.kinds = kinds.intersection(Self.limits) }

    package static let all = TrafficSet(kinds: limits)
    package static let none = TrafficSet(kinds: IntervalSet())

    /// All traffic of one protocol.
    package init(_ number: ProtocolNumber) {
        self.init(number, details: 0...UInt16.max)
    }

    /// Traffic of one protocol to these ports, or of these ICMP types.
    package init(_ number: ProtocolNumber, details: ClosedRange<UInt16>) {
        let base = UInt32(number.rawValue) << 16
        kinds = IntervalSet([base | UInt32(details.lowerBound)...base | UInt32(details.upperBound)])
    }

    /// ICMP or ICMPv6 of one type, whatever the code.
    package static func icmp(_ number: ProtocolNumber, type: UInt8) -> TrafficSet {
        TrafficSet(number, details: UInt16(type) << 8...UInt16(type) << 8 | 0xFF)
    }

    static let withPorts = ProtocolNumber.withPorts.reduce(TrafficSet.none) { $0.union(TrafficSet($1)) }

    package var isEmpty: Bool { kinds.isEmpty }
    package var isAll: Bool { self == .all }

    package func contains(_ number: ProtocolNumber, detail: UInt16) -> Bool {
        kinds.contains(UInt32(number.rawValue) << 16 | UInt32(detail))
    }

    /// The part of the set in one protocol, as ports or ICMP types and codes.
    package func details(of number: ProtocolNumber) -> IntervalSet<UInt16> {
        let base = UInt32(number.rawValue) << 16
        let part = kinds.intersection(IntervalSet([base...base | 0xFFFF]))
        return IntervalSet(
            part.ranges.map {
                UInt16(truncatingIfNeeded: $0.lowerBound)...UInt16(truncatingIfNeeded: $0.upperBound)
            }
        )
    }

    /// The ranges of `kinds`, cut where a protocol ends.
    var rangesByProtocol: [(number: ProtocolNumber, kinds: ClosedRange<UInt32>)] {
        kinds.ranges.flatMap { range in
            (range.lowerBound >> 16...range.upperBound >> 16).map { number in
                let (first, last) = (number << 16, number << 16 | 0xFFFF)
                return (
                    ProtocolNumber(rawValue: UInt8(truncatingIfNeeded: number)),
                    max(range.lowerBound, first)...min(range.upperBound, last)
                )
            }
        }
    }

    package func isSubset(of other: TrafficSet) -> Bool { kinds.isSubset(of: other.kinds) }
    package func intersects(_ other: TrafficSet) -> Bool { kinds.intersects(other.kinds) }
    package func union(_ other: TrafficSet) -> TrafficSet { TrafficSet(kinds: kinds.union(other.kinds)) }
    package func intersection(_ other: TrafficSet) -> TrafficSet { TrafficSet(kinds: kinds.intersection(other.kinds)) }
    package func subtracting(_ other: TrafficSet) -> TrafficSet { TrafficSet(kinds: kinds.subtracting(other.kinds)) }
}

/// A protocol above IP, by IANA's number.
package struct ProtocolNumber: RawRepresentable, Sendable, Hashable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let icmp = ProtocolNumber(rawValue: 1)
    package static let igmp = ProtocolNumber(rawValue: 2)
    package static let tcp = ProtocolNumber(rawValue: 6)
    package static let udp = ProtocolNumber(rawValue: 17)
    package static let dccp = ProtocolNumber(rawValue: 33)
    package static let ah = ProtocolNumber(rawValue: 51)
    package static let icmpv6 = ProtocolNumber(rawValue: 58)
    package static let sctp = ProtocolNumber(rawValue: 132)
    package static let udpLite = ProtocolNumber(rawValue: 136)

    /// The protocols whose header begins with a source and a destination port.
    package static let withPorts: [ProtocolNumber] = [.tcp, .udp, .dccp, .sctp, .udpLite]

    package var hasPorts: Bool { Self.withPorts.contains(self) }
}
