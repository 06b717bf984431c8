/// Nodes, and the work that is done with them: each operation walks diagrams and makes new ones.
///
/// A value, and not a part of `DiagramStore`: what is done with the properties of a class is checked step by step
/// (docs/decisions/002-exclusivity.md), which was a quarter of a proof's time.
struct DiagramAlgebra {
    private(set) var nodes: DiagramNodes
    private var results = ResultCache()
    private var pending = PendingEdges()
    private var mapped = NodeMemo()
    private let lasts = Dimension.allCases.map(\.last)
    private let firstNodes: Int
    /// How many edges there may be.
    let limit: Int
    private let mostSteps: Int
    /// How many edges were looked at.
    private(set) var steps = 0

    /// - Parameters:
    ///   - limit: see `DiagramStore`.
    ///   - steps: see `DiagramStore`.
    init(continuing nodes: DiagramNodes, limit: Int, steps: Int) {
        self.nodes = nodes
        firstNodes = nodes.count
        self.limit = limit
        mostSteps = steps
    }

    /// Lets go of all but what was there at the beginning.
    mutating func restart() {
        nodes.keep(first: firstNodes)
        results = ResultCache()
        pending.remove(from: 0)
        mapped = NodeMemo()
        steps = 0
    }

    // MARK: - Making

    /// A node that leads to `inside` for these numbers and to `outside` for the others; both ask for later dimensions.
    mutating func node(
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

    // MARK: - Combining

    /// All of a list in its order, by halves: n parts cost about n log n. nil for none.
    mutating func joined(_ parts: [PacketFunction], _ how: Combination) throws(SpaceExhausted) -> PacketFunction? {
        var level = parts
        while level.count > 1 {
            var upper: [PacketFunction] = []
            upper.reserveCapacity((level.count + 1) / 2)
            for index in stride(from: 0, to: level.count - 1, by: 2) {
                upper.append(try combine(level[index], level[index + 1], how))
            }
            if level.count % 2 == 1, let last = level.last { upper.append(last) }
            level = upper
        }
        return level.first
    }

    /// The first of a list that does not go on to the next, packet by packet; `last` where all go on.
    ///
    /// Begun from the end, where `last` leaves nothing open: what stands first is often about many addresses, and cuts
    /// through everything behind it that is still undecided, but through nothing that comes to the same. Where there are
    /// very many, only the first are taken one by one, the others in blocks.
    mutating func first(
        of parts: [PacketFunction],
        otherwise last: PacketFunction
    ) throws(SpaceExhausted) -> PacketFunction {
        var result = last
        var end = parts.count
        let block = max(1, (parts.count - Self.blocks + Self.blocks - 1) / Self.blocks)
        while end > 0 {
            let start = max(end <= Self.blocks ? end - 1 : Self.blocks, end - block)
            guard let part = try joined(Array(parts[start..<end]), .first) else { break }
            result = try combine(part, result, .first)
            end = start
        }
        return result
    }

    private static let blocks = 32

    /// Two functions as one.
    mutating func combine(
        _ left: PacketFunction,
        _ right: PacketFunction,
        _ how: Combination
    ) throws(SpaceExhausted) -> PacketFunction {
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
    mutating func map(
        _ diagram: PacketFunction,
        _ change: (UInt16) -> UInt16
    ) throws(SpaceExhausted) -> PacketFunction {
        mapped.begin(nodes.count)
        return try mapEach(diagram, change)
    }

    private mutating func mapEach(
        _ diagram: PacketFunction,
        _ change: (UInt16) -> UInt16
    ) throws(SpaceExhausted) -> PacketFunction {
        if let constant = diagram.constant { return PacketFunction(constant: change(constant)) }
        if let result = mapped[diagram] { return result }
        let base = pending.count
        for edge in nodes.edges(diagram) {
            let child = try mapEach(PacketFunction(index: nodes.children[edge]), change)
            push(nodes.uppers[edge], child.index, base)
        }
        let result = try finish(nodes.dimension(diagram), base)
        mapped[diagram] = result
        return result
    }

    /// For every packet what the function has for any packet that differs from it in these dimensions alone.
    ///
    /// - Parameter dimensions: a bit for each, by its `rawValue`.
    mutating func forgetting(_ dimensions: UInt64, _ diagram: PacketFunction) throws(SpaceExhausted) -> PacketFunction {
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

    /// Functions of other nodes, in these.
    mutating func copy(
        _ diagrams: [PacketFunction],
        from other: DiagramNodes
    ) throws(SpaceExhausted) -> [PacketFunction] {
        mapped.begin(other.count)
        var copies: [PacketFunction] = []
        for diagram in diagrams { copies.append(try copy(diagram, from: other)) }
        return copies
    }

    private mutating func copy(
        _ diagram: PacketFunction,
        from other: DiagramNodes
    ) throws(SpaceExhausted) -> PacketFunction {
        if diagram.constant != nil { return diagram }
        if let result = mapped[diagram] { return result }
        let base = pending.count
        for edge in other.edges(diagram) {
            let child = try copy(PacketFunction(index: other.children[edge]), from: other)
            push(other.uppers[edge], child.index, base)
        }
        let result = try finish(other.dimension(diagram), base)
        mapped[diagram] = result
        return result
    }

    // MARK: - Sharing

    private mutating func push(_ upper: UInt128, _ child: Int32, _ base: Int) {
        steps += 1
        pending.push(upper, child, base)
    }

    /// Makes a node of the edges from `base` on, or finds the one that is alike.
    private mutating func finish(_ dimension: UInt8, _ base: Int) throws(SpaceExhausted) -> PacketFunction {
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

/// What became of nodes in the course of one operation. Nothing is cleared between two of them.
private struct NodeMemo {
    /// By node: the operation that it was last met in, and what became of it there.
    private var met: [UInt32] = []
    private var results: [Int32] = []
    private var operation: UInt32 = 0

    /// - Parameter count: how many nodes may be asked for.
    mutating func begin(_ count: Int) {
        // After so many operations numbers come again.
        if operation == .max { self = NodeMemo() }
        operation += 1
        guard met.count < count else { return }
        let more = max(count, met.count * 2) - met.count
        met.append(contentsOf: repeatElement(0, count: more))
        results.append(contentsOf: repeatElement(0, count: more))
    }

    /// nil for what was not met yet.
    subscript(_ diagram: PacketFunction) -> PacketFunction? {
        get {
            let node = Int(diagram.index)
            return met[node] == operation ? PacketFunction(index: results[node]) : nil
        }
        set {
            guard let newValue else { return }
            met[Int(diagram.index)] = operation
            results[Int(diagram.index)] = newValue.index
        }
    }
}
