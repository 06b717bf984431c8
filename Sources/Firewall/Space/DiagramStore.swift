/// Where diagrams live: each node asks for one dimension and has an edge for each range of its numbers. Nodes are
/// shared and in one form only (`DiagramNodes`), so that equal functions are the same node. Not for several threads.
///
/// What a store holds and what is done in it are bounded: operations throw `SpaceExhausted` rather than fill the
/// machine or keep it busy. Both bounds are counted, not timed, so that a question has the same answer everywhere.
package final class DiagramStore {
    private(set) var nodes: DiagramNodes
    private var results = ResultCache()
    private var pending = PendingEdges()
    private let lasts = Dimension.allCases.map(\.last)
    /// The limits that packets are told apart by, each numbered by its place, from 1 on. They are this store's own: what
    /// other stores made asks for none.
    private var limits: [PacketLimit] = []
    private var limitNumbers: [PacketLimit: UInt128] = [:]
    /// How many nodes the store began with.
    private let firstNodes: Int
    /// How many edges the store may hold.
    let limit: Int
    private let mostSteps: Int
    /// How many edges were looked at.
    private(set) var steps = 0

    /// - Parameters:
    ///   - limit: how many edges the store may hold; an edge takes 20 bytes.
    ///   - steps: how many edges its operations may look at; a hundred million take some five seconds.
    package convenience init(limit: Int = DiagramStore.usualLimit, steps: Int = DiagramStore.usualSteps) {
        self.init(continuing: DiagramNodes(), limit: limit, steps: steps)
    }

    /// A store that begins with everything that another made: functions of that one are functions of this one.
    init(continuing nodes: DiagramNodes, limit: Int, steps: Int) {
        self.nodes = nodes
        firstNodes = nodes.count
        self.limit = limit
        mostSteps = steps
    }

    /// Lets go of all but what the store began with: for another question of the same kind, with bounds of its own.
    func restart() {
        nodes.keep(first: firstNodes)
        results = ResultCache()
        pending.remove(from: 0)
        limits = []
        limitNumbers = [:]
        steps = 0
    }

    package static let usualLimit = 6_000_000
    package static let usualSteps = 100_000_000

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

    /// A node that leads to `inside` for these numbers and to `outside` for the others; both ask for later dimensions.
    func node(
        _ dimension: Dimension,
        _ numbers: IntervalSet<UInt128>,
        inside: PacketFunction,
        outside: PacketFunction
    ) throws(SpaceExhausted) -> PacketFunction {
        let base = pending.count
        var next: UInt128 = 0
        for range in numbers.ranges where range.lowerBound <= dimension.last {
            if range.lowerBound > next { push(range.lowerBound - 1, outside.index, base) }
            push(min(range.upperBound, dimension.last), inside.index, base)
            // A range that ends at the last number leaves none.
            guard range.upperBound < dimension.last else { return try finish(dimension.rawValue, base) }
            next = range.upperBound + 1
        }
        push(dimension.last, outside.index, base)
        return try finish(dimension.rawValue, base)
    }

    /// All of a list in its order, by halves: n parts cost about n log n. nil for none.
    func joined(_ parts: [PacketFunction], _ combination: Combination) throws(SpaceExhausted) -> PacketFunction? {
        var level = parts
        while level.count > 1 {
            var upper: [PacketFunction] = []
            upper.reserveCapacity((level.count + 1) / 2)
            for index in stride(from: 0, to: level.count - 1, by: 2) {
                upper.append(try combine(level[index], level[index + 1], combination))
            }
            if level.count % 2 == 1, let last = level.last { upper.append(last) }
            level = upper
        }
        return level.first
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

    // MARK: - Combining

    func combine(_ left: PacketFunction, _ right: PacketFunction, _ how: Combination) throws(SpaceExhausted)
        -> PacketFunction
    {
        if let result = how.shortcut(left, right) { return result }
        let key = Self.key(left, right)
        if let known = results[how.rawValue, key] { return PacketFunction(index: known) }
        let dimension = min(nodes.dimension(left), nodes.dimension(right))
        let base = pending.count
        let last = lasts[Int(dimension)]
        // A function that does not ask for the dimension is as one edge; it has none here.
        let (ones, twos) = (edges(left, asking: dimension), edges(right, asking: dimension))
        var (i, j) = (ones.lowerBound, twos.lowerBound)
        while true {
            let one = ones.isEmpty ? left : PacketFunction(index: nodes.children[i])
            let two = twos.isEmpty ? right : PacketFunction(index: nodes.children[j])
            let upper: UInt128
            // What one side decides alone it decides for all of its range, whatever edges the other has there.
            if !ones.isEmpty, let decided = how.decided(byLeft: one) {
                upper = nodes.uppers[i]
                push(upper, decided.index, base)
            } else if !twos.isEmpty, let decided = how.decided(byRight: two) {
                upper = nodes.uppers[j]
                push(upper, decided.index, base)
            } else {
                upper = min(ones.isEmpty ? last : nodes.uppers[i], twos.isEmpty ? last : nodes.uppers[j])
                // Most edges need no look into what they lead to.
                if let result = how.shortcut(one, two) {
                    push(upper, result.index, base)
                } else if let known = results[how.rawValue, Self.key(one, two)] {
                    push(upper, known, base)
                } else {
                    push(upper, try combine(one, two, how).index, base)
                }
            }
            if upper == last { break }
            if !ones.isEmpty { i = edge(behind: upper, at: i, before: ones.upperBound) }
            if !twos.isEmpty { j = edge(behind: upper, at: j, before: twos.upperBound) }
        }
        let result = try finish(dimension, base)
        results[how.rawValue, key] = result.index
        return result
    }

    @inline(__always)
    private static func key(_ left: PacketFunction, _ right: PacketFunction) -> UInt64 {
        UInt64(UInt32(bitPattern: left.index)) << 32 | UInt64(UInt32(bitPattern: right.index))
    }

    /// The edge that holds the number after `upper`: mostly the same, or the next.
    @inline(__always)
    private func edge(behind upper: UInt128, at first: Int, before end: Int) -> Int {
        if nodes.uppers[first] > upper { return first }
        if nodes.uppers[first + 1] > upper { return first + 1 }
        return nodes.edge(for: upper + 1, near: first + 2, before: end)
    }

    private func edges(_ diagram: PacketFunction, asking dimension: UInt8) -> Range<Int> {
        nodes.dimension(diagram) == dimension ? nodes.edges(diagram) : 0..<0
    }

    /// The function with other numbers.
    func map(_ diagram: PacketFunction, _ change: (UInt16) -> UInt16) throws(SpaceExhausted) -> PacketFunction {
        var known: [Int32: PacketFunction] = [:]
        return try map(diagram, change, &known)
    }

    private func map(
        _ diagram: PacketFunction,
        _ change: (UInt16) -> UInt16,
        _ known: inout [Int32: PacketFunction]
    ) throws(SpaceExhausted) -> PacketFunction {
        if let constant = diagram.constant { return PacketFunction(constant: change(constant)) }
        if let result = known[diagram.index] { return result }
        let base = pending.count
        for edge in nodes.edges(diagram) {
            let child = try map(PacketFunction(index: nodes.children[edge]), change, &known)
            push(nodes.uppers[edge], child.index, base)
        }
        let result = try finish(nodes.dimension(diagram), base)
        known[diagram.index] = result
        return result
    }

    /// For every packet what the function has for any packet that differs from it in these dimensions alone.
    func forgetting(_ dimensions: Set<Dimension>, _ diagram: PacketFunction) throws(SpaceExhausted) -> PacketFunction {
        try forgetting(dimensions.reduce(0) { $0 | 1 << UInt64($1.rawValue) }, diagram)
    }

    /// - Parameter dimensions: a bit for each, by its `rawValue`.
    private func forgetting(_ dimensions: UInt64, _ diagram: PacketFunction) throws(SpaceExhausted) -> PacketFunction {
        if diagram.constant != nil { return diagram }
        let key = dimensions << 32 | UInt64(UInt32(bitPattern: diagram.index))
        if let known = results[Self.forgetting, key] { return PacketFunction(index: known) }
        var parts: [PacketFunction] = []
        for edge in nodes.edges(diagram) {
            parts.append(try forgetting(dimensions, PacketFunction(index: nodes.children[edge])))
        }
        var result = diagram
        if dimensions >> UInt64(nodes.dimension(diagram)) & 1 == 1 {
            // Alike children count once, and are asked in an order that is the same every time.
            result = try joined(Set(parts).sorted { $0.index < $1.index }, .either) ?? diagram
        } else {
            let base = pending.count
            for (edge, part) in zip(nodes.edges(diagram), parts) { push(nodes.uppers[edge], part.index, base) }
            result = try finish(nodes.dimension(diagram), base)
        }
        results[Self.forgetting, key] = result.index
        return result
    }

    /// Among the operations that results are kept of; `Combination` has the numbers below.
    private static let forgetting = Combination.allCases.count

    /// Functions of another store, in this one.
    func copy(_ diagrams: [PacketFunction], from other: DiagramNodes) throws(SpaceExhausted) -> [PacketFunction] {
        var known: [Int32: PacketFunction] = [:]
        var copies: [PacketFunction] = []
        for diagram in diagrams { copies.append(try copy(diagram, from: other, &known)) }
        return copies
    }

    private func copy(
        _ diagram: PacketFunction,
        from other: DiagramNodes,
        _ known: inout [Int32: PacketFunction]
    ) throws(SpaceExhausted) -> PacketFunction {
        if diagram.constant != nil { return diagram }
        if let result = known[diagram.index] { return result }
        let base = pending.count
        for edge in other.edges(diagram) {
            let child = try copy(PacketFunction(index: other.children[edge]), from: other, &known)
            push(other.uppers[edge], child.index, base)
        }
        let result = try finish(other.dimension(diagram), base)
        known[diagram.index] = result
        return result
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

    // MARK: - Sharing

    private func push(_ upper: UInt128, _ child: Int32, _ base: Int) {
        steps += 1
        pending.push(upper, child, base)
    }

    /// Makes a node of the edges from `base` on, or finds the one that is alike.
    private func finish(_ dimension: UInt8, _ base: Int) throws(SpaceExhausted) -> PacketFunction {
        defer { pending.remove(from: base) }
        let count = pending.count - base
        guard steps <= mostSteps else { throw SpaceExhausted(of: .steps) }
        if count == 1 { return PacketFunction(index: pending.children[base]) }
        let hash = pending.hash(dimension, from: base)
        if let known = nodes.node(dimension, pending, from: base, hash: hash) { return PacketFunction(index: known) }
        guard nodes.children.count + count <= limit else { throw SpaceExhausted(of: .pieces) }
        return PacketFunction(index: nodes.add(dimension, pending, from: base, hash: hash))
    }
}
