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

    /// `0.0.0.0` or `::`, which name no host.
    package var isUnspecified: Bool { self == .v4(0) || self == .v6(0) }
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
