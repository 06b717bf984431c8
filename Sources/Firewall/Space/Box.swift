import Site

/// A product of sets of numbers, one for each dimension: what is not named is free.
package struct Box: Sendable, Hashable {
    /// What the box has in one dimension.
    package struct Side: Sendable, Hashable {
        package let dimension: Dimension
        package fileprivate(set) var numbers: IntervalSet<UInt128>
    }

    /// In the order of the dimensions; none of them holds every number of its dimension.
    package private(set) var sides: [Side] = []

    /// Every packet.
    package init() {}

    package var isEmpty: Bool { sides.contains { $0.numbers.isEmpty } }

    /// The numbers that the box has in a dimension.
    package subscript(_ dimension: Dimension) -> IntervalSet<UInt128> {
        sides.first { $0.dimension == dimension }?.numbers ?? IntervalSet(0...dimension.last)
    }

    /// Whether the box has every number of the dimension.
    func isFree(_ dimension: Dimension) -> Bool { !sides.contains { $0.dimension == dimension } }

    /// Leaves those packets that also have one of `numbers` there.
    package mutating func restrict(_ dimension: Dimension, to numbers: IntervalSet<UInt128>) {
        let last = dimension.last
        if let first = numbers.ranges.first, first.lowerBound == 0, first.upperBound >= last { return }
        let place = sides.firstIndex { $0.dimension >= dimension } ?? sides.count
        guard place == sides.count || sides[place].dimension != dimension else {
            sides[place].numbers = sides[place].numbers.intersection(numbers)
            return
        }
        let isInside = numbers.ranges.last.map { $0.upperBound <= last } ?? true
        let clipped = isInside ? numbers : numbers.intersection(IntervalSet(0...last))
        sides.insert(Side(dimension: dimension, numbers: clipped), at: place)
    }

    package mutating func restrict(_ dimension: Dimension, to number: UInt128) {
        restrict(dimension, to: IntervalSet(number))
    }

    package func intersection(_ other: Box) -> Box {
        if sides.isEmpty { return other }
        var result = self
        for side in other.sides { result.restrict(side.dimension, to: side.numbers) }
        return result
    }

    /// Whether the box holds the packet that these numbers describe.
    package func contains(_ coordinates: Coordinates) -> Bool {
        sides.allSatisfy { $0.numbers.contains(coordinates[$0.dimension]) }
    }
}

extension Box {
    /// The order of boxes by the first side in which they differ; what begins as the other and has more sides comes
    /// after it.
    static func precedes(_ one: Box, _ other: Box) -> Bool {
        for (left, right) in zip(one.sides, other.sides) {
            if left.dimension != right.dimension { return left.dimension < right.dimension }
            for (lower, upper) in zip(left.numbers.ranges, right.numbers.ranges) where lower != upper {
                return (lower.lowerBound, lower.upperBound) < (upper.lowerBound, upper.upperBound)
            }
            if left.numbers.ranges.count != right.numbers.ranges.count {
                return left.numbers.ranges.count < right.numbers.ranges.count
            }
        }
        return one.sides.count < other.sides.count
    }
}

extension Box {
    /// The packets of a match on one way through a host, as boxes of which none holds another's packet.
    package static func boxes(of match: PacketMatch, on path: PacketPath) -> [Box] {
        var box = Box()
        if path != .output { box.restrict(.inputInterface, to: match.inputInterfaces.numbers) }
        if path != .input { box.restrict(.outputInterface, to: match.outputInterfaces.numbers) }
        if let flags = match.tcpFlags {
            box.restrict(.traffic, to: TrafficSet(.tcp).kinds.widened)
            box.restrict(.tcpFlags, to: flags.widened)
        }
        if !match.traffic.isAll { box.restrict(.traffic, to: match.traffic.kinds.widened) }
        box.restrict(.sourcePort, to: match.sourcePorts.widened)
        if match.states != .all { box.restrict(.state, to: match.states.numbers) }
        let own = match.oddities.subtracting(.redirected)
        if !own.isEmpty { box.restrict(.oddities, to: own.numbers) }
        if own != match.oddities { box.restrict(.redirected, to: 1) }
        if box.isEmpty { return [] }
        if match.sources.isAll, match.destinations.isAll { return [box] }
        var (four, six) = (box, box)
        four.restrict(.family, to: 0)
        four.restrict(.source4, to: match.sources.v4.widened)
        four.restrict(.destination4, to: match.destinations.v4.widened)
        six.restrict(.family, to: 1)
        six.restrict(.source6, to: match.sources.v6)
        six.restrict(.destination6, to: match.destinations.v6)
        return [four, six].filter { !$0.isEmpty }
    }
}

extension IntervalSet {
    /// The same numbers with more bits.
    package var widened: IntervalSet<UInt128> {
        IntervalSet<UInt128>(canonical: ranges.map { UInt128($0.lowerBound)...UInt128($0.upperBound) })
    }
}

extension InterfaceSet {
    /// The names as numbers of a dimension.
    package var numbers: IntervalSet<UInt128> {
        switch self {
        case .among(let names):
            IntervalSet(names.map { InterfaceName.number($0)...InterfaceName.number($0) })
        case .except(let names):
            IntervalSet(names.map { InterfaceName.number($0)...InterfaceName.number($0) }).complement
        }
    }
}

extension ConnectionStates {
    /// The states as numbers of a dimension.
    package var numbers: IntervalSet<UInt128> {
        IntervalSet(
            ConnectionState.allCases.filter(contains).map { UInt128($0.rawValue)...UInt128($0.rawValue) }
        )
    }
}

extension PacketOddities {
    /// The sets of oddities that have all of these, as numbers of a dimension.
    package var numbers: IntervalSet<UInt128> {
        IntervalSet(
            (0...Dimension.oddities.last).filter { UInt8(truncatingIfNeeded: $0) & rawValue == rawValue }.map {
                $0...$0
            }
        )
    }
}

/// One packet as a number for each dimension.
package struct Coordinates: Sendable {
    private var numbers = InlineArray<14, UInt128>(repeating: 0)

    package init() {}

    package subscript(_ dimension: Dimension) -> UInt128 {
        get { numbers[Int(dimension.rawValue)] }
        set { numbers[Int(dimension.rawValue)] = newValue }
    }

    package init(_ packet: Packet) {
        self[.state] = UInt128(packet.state.rawValue)
        self[.oddities] = UInt128(packet.oddities.rawValue) & Dimension.oddities.last
        self[.redirected] = packet.oddities.contains(.redirected) ? 1 : 0
        self[.inputInterface] = packet.inputInterface.map(InterfaceName.number) ?? 0
        self[.outputInterface] = packet.outputInterface.map(InterfaceName.number) ?? 0
        self[.traffic] = UInt128(packet.protocolNumber.rawValue) << 16 | UInt128(packet.detail)
        self[.tcpFlags] = UInt128(packet.tcpFlags)
        self[.sourcePort] = UInt128(packet.sourcePort)
        switch packet.source {
        case .v4(let bits): self[.source4] = UInt128(bits)
        case .v6(let bits): (self[.family], self[.source6]) = (1, bits)
        }
        switch packet.destination {
        case .v4(let bits): self[.destination4] = UInt128(bits)
        case .v6(let bits): self[.destination6] = bits
        }
    }
}
