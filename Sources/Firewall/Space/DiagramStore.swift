/// Where diagrams live: each node asks for one dimension and has an edge for each range of its numbers. Nodes are
/// shared and in one form only (no two neighbouring edges lead to the same node, no node has a single edge, no two nodes
/// are alike), so that equal functions are the same node. Not for several threads.
///
/// What a store holds is bounded: operations throw `SpaceExhausted` rather than fill the machine.
package final class DiagramStore {
    /// By node: its dimension, and where its edges start. One more start than nodes.
    private var dimensions: [UInt8] = []
    private var starts: [Int32] = [0]
    private var hashes: [UInt64] = []
    /// By edge: the largest number of its range, and where it leads. The last edge of a node ends at the dimension's last.
    private var uppers: [UInt128] = []
    private var children: [Int32] = []

    /// Slots with a node's index plus one; as many as a power of two, at most half of them taken.
    private var table = [Int32](repeating: 0, count: 1 << 12)
    private var caches: [PairCache] = Combination.allCases.map { _ in PairCache() }
    /// By the dimensions that were forgotten, as bits, and the node.
    private var forgotten = PairCache()
    /// Edges of the nodes that are being made, those of the innermost last.
    private var pendingUppers: [UInt128] = []
    private var pendingChildren: [Int32] = []
    let limit: Int
    private var steps = 0

    /// - Parameter limit: how many edges the store may hold; an edge takes 20 bytes. Operations may look at ten times as
    ///   many.
    package init(limit: Int = 6_000_000) { self.limit = limit }

    /// How many edges the store holds.
    package var size: Int { children.count }

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
        var parts: [PacketFunction] = []
        for box in Box.merged(boxes) { parts.append(try region(box)) }
        return try joined(parts, .union) ?? .none
    }

    /// A node that leads to `inside` for these numbers and to `outside` for the others; both ask for later dimensions.
    func node(
        _ dimension: Dimension,
        _ numbers: IntervalSet<UInt128>,
        inside: PacketFunction,
        outside: PacketFunction
    ) throws(SpaceExhausted) -> PacketFunction {
        let base = pendingChildren.count
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

    // MARK: - Combining

    func combine(_ left: PacketFunction, _ right: PacketFunction, _ how: Combination) throws(SpaceExhausted)
        -> PacketFunction
    {
        if let result = how.shortcut(left, right) { return result }
        let key = UInt64(UInt32(bitPattern: left.index)) << 32 | UInt64(UInt32(bitPattern: right.index))
        if let known = caches[how.rawValue][key] { return PacketFunction(index: known) }
        let (one, two) = (dimension(left), dimension(right))
        let dimension = min(one, two)
        let base = pendingChildren.count
        var (i, j) = (one == dimension ? start(left) : -1, two == dimension ? start(right) : -1)
        let last = Dimension.last(dimension)
        while true {
            let upper = min(i < 0 ? last : uppers[i], j < 0 ? last : uppers[j])
            let child = try combine(
                i < 0 ? left : PacketFunction(index: children[i]),
                j < 0 ? right : PacketFunction(index: children[j]),
                how
            )
            push(upper, child.index, base)
            if upper == last { break }
            if i >= 0, uppers[i] == upper { i += 1 }
            if j >= 0, uppers[j] == upper { j += 1 }
        }
        let result = try finish(dimension, base)
        caches[how.rawValue][key] = result.index
        return result
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
        let base = pendingChildren.count
        for edge in edges(diagram) {
            let child = try map(PacketFunction(index: children[edge]), change, &known)
            push(uppers[edge], child.index, base)
        }
        let result = try finish(dimension(diagram), base)
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
        if let known = forgotten[key] { return PacketFunction(index: known) }
        var parts: [PacketFunction] = []
        for edge in edges(diagram) {
            parts.append(try forgetting(dimensions, PacketFunction(index: children[edge])))
        }
        var result = diagram
        if dimensions >> UInt64(dimension(diagram)) & 1 == 1 {
            // Alike children count once.
            result = try joined(Array(Set(parts)), .either) ?? diagram
        } else {
            let base = pendingChildren.count
            for (edge, part) in zip(edges(diagram), parts) { push(uppers[edge], part.index, base) }
            result = try finish(dimension(diagram), base)
        }
        forgotten[key] = result.index
        return result
    }

    /// Functions of another store, in this one.
    func copy(_ diagrams: [PacketFunction], from other: DiagramStore) throws(SpaceExhausted) -> [PacketFunction] {
        var known: [Int32: PacketFunction] = [:]
        var copies: [PacketFunction] = []
        for diagram in diagrams { copies.append(try copy(diagram, from: other, &known)) }
        return copies
    }

    private func copy(
        _ diagram: PacketFunction,
        from other: DiagramStore,
        _ known: inout [Int32: PacketFunction]
    ) throws(SpaceExhausted) -> PacketFunction {
        if diagram.constant != nil { return diagram }
        if let result = known[diagram.index] { return result }
        let base = pendingChildren.count
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
            guard let dimension = Dimension(rawValue: dimension(diagram)) else { fatalError("a node has a dimension") }
            let number = coordinates[dimension]
            let range = edges(diagram)
            var (low, high) = (range.lowerBound, range.upperBound - 1)
            while low < high {
                let middle = (low + high) / 2
                if uppers[middle] < number { low = middle + 1 } else { high = middle }
            }
            diagram = PacketFunction(index: children[low])
        }
    }

    /// What a node asks for, and its ranges with where they lead; nil when the function is constant.
    func branches(_ diagram: PacketFunction) -> (Dimension, [(range: ClosedRange<UInt128>, child: PacketFunction)])? {
        guard diagram.constant == nil, let dimension = Dimension(rawValue: dimension(diagram)) else { return nil }
        var lower: UInt128 = 0
        var list: [(range: ClosedRange<UInt128>, child: PacketFunction)] = []
        for edge in edges(diagram) {
            list.append((lower...uppers[edge], PacketFunction(index: children[edge])))
            lower = uppers[edge] &+ 1
        }
        return (dimension, list)
    }

    private func dimension(_ diagram: PacketFunction) -> UInt8 {
        diagram.index < 0 ? .max : dimensions[Int(diagram.index)]
    }

    private func start(_ diagram: PacketFunction) -> Int { Int(starts[Int(diagram.index)]) }

    private func edges(_ diagram: PacketFunction) -> Range<Int> {
        Int(starts[Int(diagram.index)])..<Int(starts[Int(diagram.index) + 1])
    }

    // MARK: - Sharing

    private func push(_ upper: UInt128, _ child: Int32, _ base: Int) {
        if pendingChildren.count > base, pendingChildren[pendingChildren.count - 1] == child {
            pendingUppers[pendingUppers.count - 1] = upper
        } else {
            pendingUppers.append(upper)
            pendingChildren.append(child)
        }
    }

    /// Makes a node of the edges from `base` on, or finds the one that is alike.
    private func finish(_ dimension: UInt8, _ base: Int) throws(SpaceExhausted) -> PacketFunction {
        defer {
            pendingUppers.removeLast(pendingUppers.count - base)
            pendingChildren.removeLast(pendingChildren.count - base)
        }
        let count = pendingChildren.count - base
        steps += count
        if count == 1 { return PacketFunction(index: pendingChildren[base]) }
        var hash = UInt64(dimension) &+ 0x9E37_79B9_7F4A_7C15
        for edge in base..<pendingChildren.count {
            let upper = pendingUppers[edge]
            let high = UInt64(truncatingIfNeeded: upper >> 64) &* 0xD6E8_FEB8_6659_FD93
            let low = UInt64(truncatingIfNeeded: upper) ^ high
            hash = (hash ^ low) &* 0xBF58_476D_1CE4_E5B9
            hash = (hash ^ (hash >> 29) ^ UInt64(UInt32(bitPattern: pendingChildren[edge]))) &* 0x94D0_49BB_1331_11EB
        }
        hash ^= hash >> 31
        var slot = Int(truncatingIfNeeded: hash) & (table.count - 1)
        while table[slot] != 0 {
            let node = Int(table[slot]) - 1
            if hashes[node] == hash, isPending(node, dimension, base, count) {
                return PacketFunction(index: Int32(node))
            }
            slot = (slot + 1) & (table.count - 1)
        }
        guard children.count + count <= limit, steps <= limit * 10, dimensions.count < Int(Int32.max) - 1 else {
            throw SpaceExhausted()
        }
        let node = Int32(dimensions.count)
        dimensions.append(dimension)
        hashes.append(hash)
        uppers.append(contentsOf: pendingUppers[base...])
        children.append(contentsOf: pendingChildren[base...])
        starts.append(Int32(children.count))
        table[slot] = node + 1
        if dimensions.count * 2 > table.count { grow() }
        return PacketFunction(index: node)
    }

    private func isPending(_ node: Int, _ dimension: UInt8, _ base: Int, _ count: Int) -> Bool {
        let start = Int(starts[node])
        guard dimensions[node] == dimension, Int(starts[node + 1]) - start == count else { return false }
        for edge in 0..<count
        where children[start + edge] != pendingChildren[base + edge]
            || uppers[start + edge] != pendingUppers[base + edge]
        {
            return false
        }
        return true
    }

    private func grow() {
        table = [Int32](repeating: 0, count: table.count * 2)
        for (node, hash) in hashes.enumerated() {
            var slot = Int(truncatingIfNeeded: hash) & (table.count - 1)
            while table[slot] != 0 { slot = (slot + 1) & (table.count - 1) }
            table[slot] = Int32(node) + 1
        }
    }
}

extension Dimension {
    /// The largest number of each dimension, by `rawValue`.
    private static let lasts = allCases.map(\.last)

    static func last(_ rawValue: UInt8) -> UInt128 { lasts[Int(rawValue)] }
}

/// Results by pairs of nodes. A pair that is not constant on both sides is never 0.
struct PairCache {
    private var keys = [UInt64](repeating: 0, count: 1 << 8)
    private var values = [Int32](repeating: 0, count: 1 << 8)
    private var count = 0

    subscript(_ key: UInt64) -> Int32? {
        get {
            let slot = slot(of: key)
            return keys[slot] == key &+ 1 ? values[slot] : nil
        }
        set {
            guard let newValue else { return }
            let slot = slot(of: key)
            if keys[slot] == 0 { count += 1 }
            keys[slot] = key &+ 1
            values[slot] = newValue
            if count * 2 > keys.count { grow() }
        }
    }

    /// Where the key stands, or would. Keys are kept plus one, since 0 marks what is free; the largest key is that of
    /// two constants, which are never kept.
    private func slot(of key: UInt64) -> Int {
        var slot = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 32) & (keys.count - 1)
        while keys[slot] != 0, keys[slot] != key &+ 1 { slot = (slot + 1) & (keys.count - 1) }
        return slot
    }

    private mutating func grow() {
        let old = zip(keys, values).filter { $0.0 != 0 }
        keys = [UInt64](repeating: 0, count: keys.count * 2)
        values = [Int32](repeating: 0, count: keys.count)
        for (key, value) in old {
            let slot = slot(of: key &- 1)
            (keys[slot], values[slot]) = (key, value)
        }
    }
}
