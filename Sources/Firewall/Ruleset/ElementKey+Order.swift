extension ElementKey: Comparable {
    /// By kind, then by the first value: the order in which elements are written.
    package static func < (left: ElementKey, right: ElementKey) -> Bool {
        switch (left, right) {
        case (.v4(let one), .v4(let other)): one.lowerBound < other.lowerBound
        case (.v6(let one), .v6(let other)): one.lowerBound < other.lowerBound
        case (.ports(let one), .ports(let other)): one.lowerBound < other.lowerBound
        case (.service(let one, let ports), .service(let other, let others)):
            (one.rawValue, ports.lowerBound) < (other.rawValue, others.lowerBound)
        case (.protocols(let one), .protocols(let other)): one.lowerBound < other.lowerBound
        case (.types(let one), .types(let other)): one.lowerBound < other.lowerBound
        case (.codes(let one, let codes), .codes(let other, let others)):
            (one, codes.lowerBound) < (other, others.lowerBound)
        case (.interface(let one), .interface(let other)): one < other
        case (.state(let one), .state(let other)): one.rawValue < other.rawValue
        default: left.kind < right.kind
        }
    }

    private var kind: Int {
        switch self {
        case .v4: 0
        case .v6: 1
        case .ports: 2
        case .service: 3
        case .protocols: 4
        case .types: 5
        case .codes: 6
        case .interface: 7
        case .state: 8
        }
    }

    /// Whether a single value, or all that a prefix of the address stands for.
    package var isNetwork: Bool {
        switch self {
        case .v4(let range): Self.isPrefix(range.lowerBound, range.upperBound)
        case .v6(let range): Self.isPrefix(range.lowerBound, range.upperBound)
        default: !isRange
        }
    }

    private static func isPrefix<Bits: FixedWidthInteger & UnsignedInteger>(_ first: Bits, _ last: Bits) -> Bool {
        let host = first ^ last
        return host & (host &+ 1) == 0 && first & host == 0
    }
}
