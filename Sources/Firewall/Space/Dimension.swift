/// What tells one packet on one way through a host from another, as a number each. A diagram asks for them in this
/// order: what few rules speak of comes first, the addresses, of which there are many, late, and last the limit, of which
/// each rule has one of its own: asked for sooner, each limit would have all the rules behind it.
package enum Dimension: UInt8, Sendable, Hashable, CaseIterable, Comparable {
    /// 0 for IPv4, 1 for IPv6.
    case family
    /// `ConnectionState.rawValue`.
    case state
    /// `PacketOddities.rawValue`, but for `redirected`.
    case oddities
    /// 1 for `PacketOddities.redirected`: what a router sends elsewhere has it from there on, and nothing else changes.
    case redirected
    /// The names of interfaces, as `InterfaceName` has them.
    case inputInterface, outputInterface
    /// TCP's byte of flags. Few rules ask for them, but those do so in many ranges: asked for after the traffic, each
    /// service would have all of these behind it.
    case tcpFlags
    /// The 24 bits of `TrafficSet`.
    case traffic
    case sourcePort
    /// IPv4 addresses; free where the family is another.
    case destination4, source4
    /// IPv6 addresses; free where the family is another.
    case destination6, source6
    /// Of packets that are above a limit which one it is, as the store numbers them; 0 for every limit that they meet.
    case limit

    /// The largest number of the dimension; the smallest is 0.
    package var last: UInt128 {
        switch self {
        case .family, .redirected: 1
        case .state: 4
        case .oddities: 63
        case .limit: 0xFFFF
        case .traffic: 0xFF_FFFF
        case .tcpFlags: 0xFF
        case .sourcePort: 0xFFFF
        case .destination4, .source4: 0xFFFF_FFFF
        case .inputInterface, .outputInterface, .destination6, .source6: .max
        }
    }

    package static func < (left: Dimension, right: Dimension) -> Bool { left.rawValue < right.rawValue }
}

/// The names of interfaces as numbers: their bytes, most significant first, filled up with zeros. So the names that
/// begin alike are one range, and no name is 0.
package enum InterfaceName {
    /// The kernel's names have at most 15 bytes; what is longer is cut, and nothing bears such a name.
    package static func number(_ name: String) -> UInt128 {
        var number: UInt128 = 0
        var count = 0
        for byte in name.utf8.prefix(16) {
            number = number << 8 | UInt128(byte)
            count += 1
        }
        return count == 0 ? 0 : number << UInt128(8 * (16 - count))
    }

    /// The names that begin with `prefix`.
    package static func range(beginning prefix: String) -> ClosedRange<UInt128> {
        let first = number(prefix)
        let free = UInt128(8 * (16 - min(prefix.utf8.count, 16)))
        return first...(free == 128 ? .max : first | ((1 << free) - 1))
    }

    /// The name, without the zeros.
    package static func text(_ number: UInt128) -> String {
        let bytes = (0..<16).map { UInt8(truncatingIfNeeded: number >> UInt128(120 - 8 * $0)) }
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// A name in the range, near to the one that it begins with; nil when there is none.
    static func sample(_ range: ClosedRange<UInt128>) -> String? {
        let bytes = (0..<15).map { UInt8(truncatingIfNeeded: range.lowerBound >> UInt128(120 - 8 * $0)) }
        let start = String(decoding: bytes.prefix { (0x21...0x7E).contains($0) }, as: UTF8.self)
        let near = [start, start + "0", start + "x", String(start.dropLast()) + "x", String(start.dropLast()) + "~"]
        return near.first { !$0.isEmpty && range.contains(number($0)) }
    }
}
