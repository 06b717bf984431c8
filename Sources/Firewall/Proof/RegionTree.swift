/// A list of sets by halves, each with what its sets hold together: so a question about a set and those before or behind it
/// asks only where there is something of it, and n questions cost about n log n.
struct RegionTree {
    /// A part of the list with the union of its sets; halved unless it is a single one.
    private indirect enum Half {
        case one(Int, PacketFunction)
        case two(Half, Half, Range<Int>, PacketFunction)

        init(_ range: Range<Int>, _ regions: [PacketFunction], _ store: DiagramStore) throws(SpaceExhausted) {
            guard range.count > 1 else {
                self = range.isEmpty ? .one(0, .none) : .one(range.lowerBound, regions[range.lowerBound])
                return
            }
            let middle = (range.lowerBound + range.upperBound) / 2
            let first = try Half(range.lowerBound..<middle, regions, store)
            let second = try Half(middle..<range.upperBound, regions, store)
            self = .two(first, second, range, try store.combine(first.union, second.union, .union))
        }

        var union: PacketFunction {
            switch self {
            case .one(_, let union), .two(_, _, _, let union): union
            }
        }

        func overlaps(_ range: Range<Int>) -> Bool {
            switch self {
            case .one(let index, _): range.contains(index)
            case .two(_, _, let own, _): own.overlaps(range)
            }
        }
    }

    let regions: [PacketFunction]
    let store: DiagramStore
    private let root: Half

    init(_ regions: [PacketFunction], _ store: DiagramStore) throws(SpaceExhausted) {
        root = try Half(regions.indices, regions, store)
        (self.regions, self.store) = (regions, store)
    }

    /// What the sets before each hold of it, in the order of the sets.
    func taken() throws(SpaceExhausted) -> [PacketFunction] {
        var list: [PacketFunction] = []
        list.reserveCapacity(regions.count)
        if !regions.isEmpty { try search(root, taken: .none, &list) }
        return list
    }

    /// - Parameter taken: what the sets before the part hold of what is in it.
    private func search(_ half: Half, taken: PacketFunction, _ list: inout [PacketFunction]) throws(SpaceExhausted) {
        switch half {
        case .one: list.append(taken)
        case .two(let first, let second, _, _):
            try search(first, taken: try store.combine(taken, first.union, .intersection), &list)
            let before = try store.combine(taken, first.union, .union)
            try search(second, taken: try store.combine(before, second.union, .intersection), &list)
        }
    }

    /// Goes through the sets of a range that have something of what is left, in their order, until nothing is.
    ///
    /// - Parameter visit: is told the set's place, may take something of what is left, and says whether to go on.
    func walk(
        _ left: inout PacketFunction,
        over range: Range<Int>,
        visit: (Int, inout PacketFunction) throws(SpaceExhausted) -> Bool
    ) throws(SpaceExhausted) {
        _ = try walk(&left, root, over: range, visit)
    }

    /// Whether to go on.
    private func walk(
        _ left: inout PacketFunction,
        _ half: Half,
        over range: Range<Int>,
        _ visit: (Int, inout PacketFunction) throws(SpaceExhausted) -> Bool
    ) throws(SpaceExhausted) -> Bool {
        guard left != .none, half.overlaps(range) else { return left != .none }
        guard try store.combine(left, half.union, .intersection) != .none else { return true }
        switch half {
        case .one(let index, _): return try visit(index, &left)
        case .two(let first, let second, _, _):
            guard try walk(&left, first, over: range, visit) else { return false }
            return try walk(&left, second, over: range, visit)
        }
    }
}
