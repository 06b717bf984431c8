/// Builds the decision diagram of a list of boxes, of which the first that holds a packet decides about it.
struct DiagramBuilder {
    /// The diagram would be much larger than the rules: they cross each other too often. They are better split.
    struct TooLarge: Error {}

    /// What a box says from one dimension on. Boxes that say the same from there on are one here, so that lists of them
    /// can be compared by their numbers.
    private struct Rest: Hashable {
        /// 0 for all values, else one more than an index of `sets`.
        let values: Int32
        /// The rest from the next dimension on; after the last one the rule.
        let next: Int32
    }

    private struct Level {
        var numbers: [Rest: Int32] = [:]
        var rests: [Rest] = []
        /// Whether nothing after this box matters: it holds every packet that comes here, and its rule never ends.
        var covers: [Bool] = []
        var built: [[Int32]: Diagram.Target] = [:]

        mutating func number(of rest: Rest, covers: Bool) -> Int32 {
            if let known = numbers[rest] { return known }
            let number = Int32(rests.count)
            rests.append(rest)
            self.covers.append(covers)
            numbers[rest] = number
            return number
        }
    }

    private let dimensions = Diagram.Dimension.allCases
    private let expires: [Bool]
    private var levels: [Level]
    private var sets: [IntervalSet<UInt128>] = []
    private var setNumbers: [IntervalSet<UInt128>: Int32] = [:]
    private var nodes: [Diagram.Node] = []
    private var nodeNumbers: [Diagram.Node: Int32] = [:]
    /// How many ranges the nodes may still have, and how many boxes may still be looked at.
    private var rangesLeft: Int
    private var workLeft: Int

    /// - Parameters:
    ///   - expires: for each rule, whether it ends at a time.
    ///   - isBounded: whether a diagram that is out of all proportion is given up.
    static func build(
        _ boxes: [DiagramBox],
        expires: [Bool],
        interfaces: [String],
        isBounded: Bool
    ) throws(TooLarge) -> Diagram {
        var builder = DiagramBuilder(boxes, expires: expires, isBounded: isBounded)
        let root = try builder.target(boxes.map { builder.intern($0) }, 0)
        return Diagram(interfaces: interfaces, nodes: builder.nodes, root: root)
    }

    private init(_ boxes: [DiagramBox], expires: [Bool], isBounded: Bool) {
        self.expires = expires
        levels = Array(repeating: Level(), count: dimensions.count)
        let ranges = boxes.reduce(0) { $0 + $1.values.reduce(0) { $0 + ($1?.ranges.count ?? 0) } }
        rangesLeft = isBounded ? 1024 + 8 * ranges : .max
        workLeft = isBounded ? 100_000 + 256 * ranges : .max
    }

    private mutating func intern(_ box: DiagramBox) -> Int32 {
        var next = box.rule
        var covers = !expires[Int(box.rule)]
        for depth in dimensions.indices.reversed() {
            let values = box.values[depth].map { number(of: $0) } ?? 0
            covers = covers && values == 0
            next = levels[depth].number(of: Rest(values: values, next: next), covers: covers)
        }
        return next
    }

    private mutating func number(of set: IntervalSet<UInt128>) -> Int32 {
        if let known = setNumbers[set] { return known }
        sets.append(set)
        let number = Int32(sets.count)
        setNumbers[set] = number
        return number
    }

    /// Where a packet goes that all of `list` may be about, when the questions before `depth` are answered.
    private mutating func target(_ list: [Int32], _ depth: Int) throws(TooLarge) -> Diagram.Target {
        guard !list.isEmpty else { return .leave }
        guard depth < dimensions.count else { return .rules(list) }
        let rests = list.map { levels[depth].rests[Int($0)] }
        guard rests.contains(where: { $0.values != 0 }) else {
            return try target(decisive(rests.map(\.next), depth + 1), depth + 1)
        }
        if let known = levels[depth].built[list] { return known }
        let classes = try self.classes(rests, depth)
        let target: Diagram.Target =
            classes.count == 1 ? classes[0].target : .node(try number(of: classes, depth))
        levels[depth].built[list] = target
        return target
    }

    private mutating func number(of classes: [Diagram.Class], _ depth: Int) throws(TooLarge) -> Int32 {
        let node = Diagram.Node(dimension: dimensions[depth], classes: classes)
        if let known = nodeNumbers[node] { return known }
        rangesLeft -= classes.reduce(0) { $0 + $1.values.ranges.count }
        guard rangesLeft >= 0 else { throw TooLarge() }
        nodes.append(node)
        let number = Int32(nodes.count - 1)
        nodeNumbers[node] = number
        return number
    }

    /// The list without doubles, and without what comes after one that covers all.
    private func decisive(_ list: [Int32], _ depth: Int) -> [Int32] {
        var seen: Set<Int32> = []
        var kept: [Int32] = []
        for number in list where seen.insert(number).inserted {
            kept.append(number)
            if covers(number, depth) { break }
        }
        return kept
    }

    private func covers(_ number: Int32, _ depth: Int) -> Bool {
        depth < dimensions.count ? levels[depth].covers[Int(number)] : !expires[Int(number)]
    }

    /// The answers to the question of `depth`, by where they lead.
    private mutating func classes(_ rests: [Rest], _ depth: Int) throws(TooLarge) -> [Diagram.Class] {
        var sweep = Sweep(rests.map { $0.values == 0 ? nil : sets[Int($0.values) - 1] })
        var targets: [Diagram.Target: Int] = [:]
        var places: [[UInt64]: Int] = [:]
        var found: [(target: Diagram.Target, ranges: [ClosedRange<UInt128>])] = []
        while let range = sweep.next() {
            workLeft -= 1
            let place: Int
            if let known = places[sweep.active] {
                place = known
            } else {
                let list = decisive(sweep, rests, depth)
                workLeft -= list.count
                guard workLeft >= 0 else { throw TooLarge() }
                let target = try self.target(list, depth + 1)
                place = targets[target] ?? found.count
                if place == found.count {
                    targets[target] = place
                    found.append((target, []))
                }
                places[sweep.active] = place
            }
            found[place].ranges.append(range)
        }
        return found.map { Diagram.Class(target: $0.target, values: IntervalSet($0.ranges)) }
    }

    /// What of the active boxes can matter, from the next dimension on.
    private func decisive(_ sweep: Sweep, _ rests: [Rest], _ depth: Int) -> [Int32] {
        var kept: [Int32] = []
        var seen: Set<Int32> = []
        for (index, word) in sweep.active.enumerated() {
            var bits = word
            while bits != 0 {
                let next = rests[index * 64 + bits.trailingZeroBitCount].next
                bits &= bits - 1
                guard seen.insert(next).inserted else { continue }
                kept.append(next)
                if covers(next, depth + 1) { return kept }
            }
        }
        return kept
    }
}

/// Walks over the numbers from 0 up, and stops wherever a set begins or ends.
private struct Sweep {
    /// One bit for each set, on while the walk is inside of it.
    private(set) var active: [UInt64]
    private var events: [(position: UInt128, set: Int)] = []
    private var nextEvent = 0
    private var position: UInt128? = 0
    /// Whether a range was handed out whose state is still the active one.
    private var isInside = false

    /// - Parameter sets: nil for one that holds every number.
    init(_ sets: [IntervalSet<UInt128>?]) {
        active = Array(repeating: 0, count: (sets.count + 63) / 64)
        for (index, set) in sets.enumerated() {
            guard let set else {
                active[index / 64] |= 1 << UInt64(index % 64)
                continue
            }
            for range in set.ranges {
                events.append((range.lowerBound, index))
                if range.upperBound < .max { events.append((range.upperBound + 1, index)) }
            }
        }
        events.sort { $0.position < $1.position }
        passEvents()
    }

    /// The next range over which the same sets hold; `active` tells which. nil after the last number.
    mutating func next() -> ClosedRange<UInt128>? {
        // The state of the range before is left when the next one is asked for.
        if isInside { passEvents() }
        guard let start = position else { return nil }
        isInside = true
        guard nextEvent < events.count else {
            position = nil
            return start...UInt128.max
        }
        position = events[nextEvent].position
        return start...(events[nextEvent].position - 1)
    }

    /// Switches the sets that begin or end at the position.
    private mutating func passEvents() {
        while nextEvent < events.count, events[nextEvent].position == position {
            let set = events[nextEvent].set
            active[set / 64] ^= 1 << UInt64(set % 64)
            nextEvent += 1
        }
    }
}
