/// A function from packets to small numbers: a decision diagram of a `DiagramStore`, good only there. Two functions of
/// one store are equal exactly when their diagrams are.
package struct PacketFunction: Sendable, Hashable {
    /// A node of the store, or the complement of the number when the function is the same everywhere.
    let index: Int32

    init(index: Int32) { self.index = index }

    /// The function that has this number everywhere.
    package init(constant: UInt16) { index = ~Int32(constant) }

    /// The number that the function has everywhere; nil when it has several.
    package var constant: UInt16? { index < 0 ? UInt16(truncatingIfNeeded: ~index) : nil }
}

extension PacketFunction {
    /// The set without a packet: sets have 0 for what is outside, 1 for what is inside.
    package static let none = PacketFunction(constant: 0)
    /// The set of all packets.
    package static let all = PacketFunction(constant: 1)
}

/// A question grew beyond what the store may hold or do: the answer is "unknown".
package struct SpaceExhausted: Error, Hashable {
    package enum Bound: Sendable, Hashable {
        /// The packets were cut into too many pieces.
        case pieces
        /// There are not so many pieces, but it takes too many steps to find them.
        case steps
    }

    package let bound: Bound

    package init(of bound: Bound) { self.bound = bound }
}

extension SpaceExhausted {
    /// What is to be said of a question, and what to do about it.
    ///
    /// - Parameter subject: what the question is about, in the plural: `the rules for input`.
    package func reason(_ subject: String) -> String {
        switch bound {
        case .pieces:
            "\(subject) cut the packets into more pieces than a proof may hold; wider networks in place of many single "
                + "addresses, fewer ranges that overlap, or fewer lines for one host, would do"
        case .steps:
            "\(subject) take more steps than a proof may take; fewer ranges that overlap, or fewer lines for one host, "
                + "would do"
        }
    }
}

/// What may become of a packet in a piece of a firewall. Several at once where something is not known.
package struct Outcomes: OptionSet, Sendable, Hashable {
    package let rawValue: UInt16
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    package static let accept = Outcomes(rawValue: 1)
    package static let drop = Outcomes(rawValue: 2)
    /// The next rule of the chain is asked.
    package static let next = Outcomes(rawValue: 4)
    /// The chain is left for the rule behind the one that jumped here.
    package static let back = Outcomes(rawValue: 8)

    /// The packet goes on as another, or by a way that passes no rule: what later rules say of it counts for nothing.
    package static let astray = Outcomes(rawValue: 16)

    /// Everything that can become of a packet when a statement is not understood.
    package static let anything: Outcomes = [.accept, .drop, .next, .astray]

    /// What became of the packet at the end of its way: `accept`, `drop`, or both.
    var settled: Outcomes { contains(.astray) ? [.accept, .drop] : self }

    /// The lowest of the bits that changes of addresses have: a proof of them says which change is which.
    static let firstTranslation = 5
    /// How many of these bits there are.
    static let translationCount = 16 - firstTranslation
    /// All of them.
    static let anyTranslation = Outcomes(rawValue: UInt16.max << UInt16(firstTranslation))
}

extension PacketFunction {
    package init(_ outcomes: Outcomes) { self.init(constant: outcomes.rawValue) }
}

/// How two functions become one, packet by packet.
enum Combination: Int, CaseIterable {
    /// Sets: in either, in both, in the first and not the second.
    case union, intersection, difference
    /// Outcomes: either may happen.
    case either
    /// Outcomes: the second where the first goes on.
    case first
    /// Outcomes: the second where the first accepts, as one base chain after another.
    case then
    /// A condition (0 no, 1 yes, 2 perhaps) before an outcome; `next` where it does not hold.
    case choose
    /// Sets of what surely and of what perhaps holds, made a condition.
    case condition
    /// A set before an outcome: `accept` outside.
    case within
    /// Any two numbers below 256, as 256 times the first plus the second.
    case pair
    /// The bits that both have.
    case mask
    /// 1 where the two differ.
    case unequal

    private static let next = Outcomes.next.rawValue

    func callAsFunction(_ left: UInt16, _ right: UInt16) -> UInt16 {
        switch self {
        case .union, .either: left | right
        case .intersection, .mask: left & right
        case .difference: left & ~right
        case .first: left & Self.next == 0 ? left : left & ~Self.next | right
        case .then: left & ~Outcomes.accept.rawValue | (left & Outcomes.accept.rawValue == 0 ? 0 : right)
        case .choose: left == 0 ? Self.next : left == 1 ? right : right | Self.next
        case .condition: left == 1 ? 1 : right == 1 ? 2 : 0
        case .within: left == 0 ? Outcomes.accept.rawValue : right
        case .pair: left << 8 | right & 0xFF
        case .unequal: left == right ? 0 : 1
        }
    }

    /// The result when the first function alone decides it; nil otherwise.
    @inline(__always)
    func decided(byLeft left: PacketFunction) -> PacketFunction? {
        guard let number = left.constant else { return nil }
        let isDecided =
            switch self {
            case .union: number == 1
            case .intersection, .difference, .mask, .choose, .within: number == 0
            case .first: number & Self.next == 0
            case .then: number & Outcomes.accept.rawValue == 0
            case .condition: number == 1
            case .either, .pair, .unequal: false
            }
        return isDecided ? PacketFunction(constant: self(number, 0)) : nil
    }

    /// The result when the second function alone decides it; nil otherwise.
    @inline(__always)
    func decided(byRight right: PacketFunction) -> PacketFunction? {
        guard let number = right.constant else { return nil }
        let isDecided =
            switch self {
            case .union, .difference: number == 1
            case .intersection, .mask: number == 0
            case .choose: number == Self.next
            case .within: number == Outcomes.accept.rawValue
            case .first, .then, .condition, .either, .pair, .unequal: false
            }
        return isDecided ? PacketFunction(constant: self(0, number)) : nil
    }

    /// The result when it can be told without looking into the diagrams.
    @inline(__always)
    func shortcut(_ left: PacketFunction, _ right: PacketFunction) -> PacketFunction? {
        let (one, two) = (left.constant, right.constant)
        if let one, let two { return PacketFunction(constant: self(one, two)) }
        switch self {
        case .union:
            if one == 0 || left == right { return right }
            if two == 0 { return left }
            return one == 1 || two == 1 ? .all : nil
        case .intersection:
            if one == 1 || left == right { return right }
            if two == 1 { return left }
            return one == 0 || two == 0 ? PacketFunction.none : nil
        case .difference:
            if two == 0 { return left }
            return one == 0 || two == 1 || left == right ? PacketFunction.none : nil
        case .either:
            if one == 0 || left == right { return right }
            return two == 0 ? left : nil
        case .first:
            if two == Self.next { return left }
            guard let one else { return nil }
            if one & Self.next == 0 { return left }
            return one == Self.next ? right : nil
        case .then:
            if two == Outcomes.accept.rawValue { return left }
            guard let one, one & Outcomes.accept.rawValue == 0 || one == Outcomes.accept.rawValue else { return nil }
            return one == Outcomes.accept.rawValue ? right : left
        case .choose:
            if one == 0 || two == Self.next { return PacketFunction(.next) }
            return one == 1 ? right : nil
        case .condition: return one == 1 ? .all : left == right ? left : nil
        case .within:
            if one == 0 || two == Outcomes.accept.rawValue { return PacketFunction(.accept) }
            return one == 1 ? right : nil
        case .pair: return nil
        case .mask: return one == 0 || two == 0 ? PacketFunction.none : nil
        case .unequal: return left == right ? PacketFunction.none : nil
        }
    }
}
