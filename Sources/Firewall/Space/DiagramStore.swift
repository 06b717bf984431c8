/// Where diagrams live: each node asks for one dimension and has an edge for each range of its numbers. Nodes are
/// shared and in one form only (`DiagramNodes`), so that equal functions are the same node. Not for several threads.
///
/// What a store holds and what is done in it are bounded: operations throw `SpaceExhausted` rather than fill the
/// machine or keep it busy. Both bounds are counted, not timed, so that a question has the same answer everywhere.
package final class DiagramStore {
    private var algebra: DiagramAlgebra
    /// The limits that packets are told apart by, each numbered by its place, from 1 on. They are this store's own: what
    /// other stores made asks for none.
    private var limits: [PacketLimit] = []
    private var limitNumbers: [PacketLimit: UInt128] = [:]

    /// - Parameters:
    ///   - limit: how many edges the store may hold; an edge takes 20 bytes.
    ///   - steps: how many edges its operations may look at; a hundred million take some five seconds.
    package convenience init(limit: Int = DiagramStore.usualLimit, steps: Int = DiagramStore.usualSteps) {
        self.init(continuing: DiagramNodes(), limit: limit, steps: steps)
    }

    /// A store that begins with everything that another made: functions of that one are functions of this one.
    init(continuing nodes: DiagramNodes, limit: Int, steps: Int) {
        algebra = DiagramAlgebra(continuing: nodes, limit: limit, steps: steps)
    }

    /// Lets go of all but what the store began with: for another question of the same kind, with bounds of its own.
    func restart() {
        algebra.restart()
        limits = []
        limitNumbers = [:]
    }

    package static let usualLimit = 6_000_000
    package static let usualSteps = 100_000_000

    var nodes: DiagramNodes { algebra.nodes }
    /// How many edges the store may hold.
    var limit: Int { algebra.limit }
    /// How many edges were looked at.
    package var steps: Int { algebra.steps }
    /// How many edges the store holds.
    package var size: Int { nodes.children.count }

    // MARK: - Making

    /// The packets of a box.
    package func region(_ box: Box) throws(SpaceExhausted) -> PacketFunction {
        if box.isEmpty { return .none }
        var node = PacketFunction.all
        for side in box.sides.reversed() {
            node = try self.node(side.dimension, side.numbers, inside: node, outside: .none)
        }
        return node
    }

    /// The packets of any of the boxes.
    package func region(_ boxes: [Box]) throws(SpaceExhausted) -> PacketFunction {
        try region(boxes.sorted(by: Box.precedes)[...], from: 0)
    }

    /// - Parameters:
    ///   - boxes: in the order of their sides.
    ///   - depth: how many of the first sides are the same in all of them.
    private func region(_ boxes: ArraySlice<Box>, from depth: Int) throws(SpaceExhausted) -> PacketFunction {
        // The shortest comes first.
        if let first = boxes.first, first.sides.count == depth { return .all }
        // What leads to the same is one node, whatever the numbers.
        var branches: [(dimension: Dimension, inside: PacketFunction, ranges: [ClosedRange<UInt128>])] = []
        var places: [Dimension: [PacketFunction: Int]] = [:]
        var rest = boxes
        while let side = rest.first?.sides[depth] {
            let alike = rest.prefix { $0.sides[depth] == side }
            let inside = try region(alike, from: depth + 1)
            if let place = places[side.dimension]?[inside] {
                branches[place].ranges += side.numbers.ranges
            } else {
                places[side.dimension, default: [:]][inside] = branches.count
                branches.append((side.dimension, inside, side.numbers.ranges))
            }
            rest = rest[alike.endIndex...]
        }
        var parts: [PacketFunction] = []
        for (dimension, inside, ranges) in branches {
            parts.append(try node(dimension, IntervalSet(ranges), inside: inside, outside: .none))
        }
        return try joined(parts, .union) ?? .none
    }

    /// See `DiagramAlgebra`.
    func node(
        _ dimension: Dimension,
        _ numbers: IntervalSet<UInt128>,
        inside: PacketFunction,
        outside: PacketFunction
    ) throws(SpaceExhausted) -> PacketFunction {
        try algebra.node(dimension, numbers, inside: inside, outside: outside)
    }

    // MARK: - Limits

    /// The packets above any of these limits: those that are above it alone, and those that are above each that they meet.
    func above(_ limits: [PacketLimit]) throws(SpaceExhausted) -> PacketFunction {
        try node(
            .oddities,
            PacketOddities.overLimit.numbers,
            inside: try node(.limit, try numbers(limits), inside: .all, outside: .none),
            outside: .none
        )
    }

    /// The limits as numbers of their dimension, with the 0 that stands for all.
    func numbers(_ limits: [PacketLimit]) throws(SpaceExhausted) -> IntervalSet<UInt128> {
        var ranges: [ClosedRange<UInt128>] = [0...0]
        for limit in limits {
            let number = try number(limit)
            ranges.append(number...number)
        }
        return IntervalSet(ranges)
    }

    private func number(_ limit: PacketLimit) throws(SpaceExhausted) -> UInt128 {
        if let known = limitNumbers[limit] { return known }
        let number = UInt128(limits.count + 1)
        guard number <= Dimension.limit.last else { throw SpaceExhausted(of: .pieces) }
        limits.append(limit)
        limitNumbers[limit] = number
        return number
    }

    /// How many limits packets are told apart by.
    var limitCount: Int { limits.count }

    /// The limit of a number; nil for the one that stands for all, and for those of none.
    func limit(_ number: UInt128) -> PacketLimit? {
        number > 0 && number <= UInt128(limits.count) ? limits[Int(number) - 1] : nil
    }

    /// The numbers that describe a packet here.
    func coordinates(_ packet: Packet) -> Coordinates {
        var coordinates = Coordinates(packet)
        coordinates[.limit] = packet.limit.flatMap { limitNumbers[$0] } ?? 0
        return coordinates
    }

    // MARK: - Combining; see `DiagramAlgebra`

    func combine(
        _ left: PacketFunction,
        _ right: PacketFunction,
        _ how: Combination
    ) throws(SpaceExhausted) -> PacketFunction {
        try algebra.combine(left, right, how)
    }

    func joined(_ parts: [PacketFunction], _ how: Combination) throws(SpaceExhausted) -> PacketFunction? {
        try algebra.joined(parts, how)
    }

    func first(of parts: [PacketFunction], otherwise last: PacketFunction) throws(SpaceExhausted) -> PacketFunction {
        try algebra.first(of: parts, otherwise: last)
    }

    func map(_ diagram: PacketFunction, _ change: (UInt16) -> UInt16) throws(SpaceExhausted) -> PacketFunction {
        try algebra.map(diagram, change)
    }

    func forgetting(_ dimensions: Set<Dimension>, _ diagram: PacketFunction) throws(SpaceExhausted) -> PacketFunction {
        try algebra.forgetting(dimensions.reduce(0) { $0 | 1 << UInt64($1.rawValue) }, diagram)
    }

    func copy(_ diagrams: [PacketFunction], from other: DiagramNodes) throws(SpaceExhausted) -> [PacketFunction] {
        try algebra.copy(diagrams, from: other)
    }

    // MARK: - Looking

    /// The function's number for one packet.
    package func value(_ diagram: PacketFunction, at coordinates: Coordinates) -> UInt16 {
        var diagram = diagram
        while true {
            if let constant = diagram.constant { return constant }
            // Nodes are made of dimensions alone; what is constant has none, and was told above.
            guard let dimension = Dimension(rawValue: nodes.dimension(diagram)) else {
                fatalError("a node has a dimension")
            }
            let edge = nodes.edge(for: coordinates[dimension], in: nodes.edges(diagram))
            diagram = PacketFunction(index: nodes.children[edge])
        }
    }

    /// What a node asks for, and its ranges with where they lead; nil when the function is constant.
    func branches(_ diagram: PacketFunction) -> (Dimension, [(range: ClosedRange<UInt128>, child: PacketFunction)])? {
        guard diagram.constant == nil, let dimension = Dimension(rawValue: nodes.dimension(diagram)) else { return nil }
        var lower: UInt128 = 0
        var list: [(range: ClosedRange<UInt128>, child: PacketFunction)] = []
        for edge in nodes.edges(diagram) {
            list.append((lower...nodes.uppers[edge], PacketFunction(index: nodes.children[edge])))
            lower = nodes.uppers[edge] &+ 1
        }
        return (dimension, list)
    }
}
