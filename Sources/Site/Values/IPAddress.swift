/// An IPv4 or IPv6 address, as a number in host order, so that masks and ranges are plain arithmetic.
package enum IPAddress: Sendable, Hashable {
    case v4(UInt32)
    case v6(UInt128)

    /// The width of the address in bits: 32 or 128.
    package var width: Int {
        switch self {
        case .v4: 32
        case .v6: 128
        }
    }

    /// The address in network byte order: 4 or 16 bytes, as a `sockaddr` wants them.
    package var bytes: [UInt8] {
        switch self {
        case .v4(let bits): (0..<4).map { UInt8(truncatingIfNeeded: bits >> UInt32(24 - 8 * $0)) }
        case .v6(let bits): (0..<16).map { UInt8(truncatingIfNeeded: bits >> UInt128(120 - 8 * $0)) }
        }
    }

    /// An address of 4 or 16 bytes in network byte order; nil for another count.
    package init?(bytes: some Collection<UInt8>) {
        switch bytes.count {
        case 4: self = .v4(bytes.reduce(0) { $0 << 8 | UInt32($1) })
        case 16: self = .v6(bytes.reduce(0) { $0 << 8 | UInt128($1) })
        default: return nil
        }
    }

    /// An address that a host may have and that can be connected to from elsewhere: not unspecified, multicast,
    /// reserved, mapped from IPv4, or of one link alone (RFC 6890).
    package var isOfAHost: Bool {
        switch self {
        case .v4(let bits): (1...223).contains(bits >> 24)
        case .v6(let bits):
            bits != 0 && bits >> 32 != 0xFFFF && bits >> 120 != 0xFF && bits >> 118 != 0xFE80 >> 6
        }
    }

    /// Why no host can have it; nil where one may.
    internal var faultOfHost: ValueFault? {
        let isMulticast: Bool
        switch self {
        case .v4(.max): return ValueFault("is the broadcast address", help: Self.helpOfHost)
        case .v4(let bits): isMulticast = bits >> 28 == 0xE
        case .v6(let bits): isMulticast = bits >> 120 == 0xFF
        }
        return isMulticast ? ValueFault("is a multicast address", help: Self.helpOfHost) : nil
    }

    /// Why nobody can listen there, or be connected to by what a site file says; nil where that may be.
    internal var faultOfSocket: ValueFault? {
        if case .v6(let bits) = self, bits >> 118 == 0xFE80 >> 6 {
            return ValueFault("is of one link, and says nothing without its interface", help: Self.helpOfHost)
        }
        return faultOfHost
    }

    private static let helpOfHost = "write an address of a host"

    /// Its name in the DNS's reverse tree (RFC 1035, section 3.5; RFC 3596, section 2.5).
    package var reverseName: String {
        switch self {
        case .v4: bytes.reversed().map { "\($0)" }.joined(separator: ".") + ".in-addr.arpa"
        case .v6:
            bytes.reversed().map { "\(String($0 & 0xF, radix: 16)).\(String($0 >> 4, radix: 16))" }
                .joined(separator: ".") + ".ip6.arpa"
        }
    }

    /// `0.0.0.0` or `::`, which name no host.
    package var isUnspecified: Bool { self == .v4(0) || self == .v6(0) }

    /// Of one link alone: 169.254.0.0/16 (RFC 3927) and fe80::/10 (RFC 4291).
    package var isOfLink: Bool {
        switch self {
        case .v4(let bits): bits >> 16 == 0xA9FE
        case .v6(let bits): bits >> 118 == 0xFE80 >> 6
        }
    }
}

extension IPAddress: Comparable {
    /// IPv4 before IPv6, then by number.
    package static func < (left: IPAddress, right: IPAddress) -> Bool {
        switch (left, right) {
        case (.v4(let one), .v4(let other)): one < other
        case (.v6(let one), .v6(let other)): one < other
        case (.v4, .v6): true
        case (.v6, .v4): false
        }
    }
}
