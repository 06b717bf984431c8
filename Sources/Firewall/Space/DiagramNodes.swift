/// The nodes of a `DiagramStore`, apart from the work that is done with them: what one store has made others can begin
/// with, each on a thread of its own.
///
/// A node asks for one dimension and has an edge for each range of its numbers. Nodes are in one form only: no two
/// neighbouring edges lead to the same node, no node has a single edge, and no two nodes are alike.
struct DiagramNodes: Sendable {
    /// By node: its dimension, and where its edges start. One more start than nodes.
    private(set) var dimensions: [UInt8] = []
    private var starts: [Int32] = [0]
    private var hashes: [UInt64] = []
    /// By edge: the largest number of its range, and where it leads. A node's last edge ends at its dimension's last.
    private(set) var uppers: [UInt128] = []
    private(set) var children: [Int32] = []
    /// Slots with a node's index plus one; as many as a power of two, at most half of them taken.
    private var table = [Int32](repeating: 0, count: 1 << 12)

    /// What a function asks for first; above every dimension when it is constant.
    func dimension(_ diagram: PacketFunction) -> UInt8 {
        diagram.index < 0 ? .max : dimensions[Int(diagram.index)]
    }

    /// The edges of a function that is not constant.
    func edges(_ diagram: PacketFunction) -> Range<Int> {
        Int(starts[Int(diagram.index)])..<Int(starts[Int(diagram.index) + 1])
    }

    /// The edge for a number: the first in `edges` that ends there or later.
    func edge(for number: UInt128, in edges: Range<Int>) -> Int {
        var (low, high) = (edges.lowerBound, edges.upperBound - 1)
        while low < high {
            let middle = (low + high) / 2
            if uppers[middle] < number { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The same, where the edge is most likely one of the first.
    func edge(for number: UInt128, near first: Int, before end: Int) -> Int {
        var low = first
        var step = 1
        while low + step < end, uppers[low + step - 1] < number {
            low += step
            step *= 2
        }
        return edge(for: number, in: low..<min(low + step, end))
    }

    /// The node with these edges; nil when there is none yet.
    func node(_ dimension: UInt8, _ edges: PendingEdges, from base: Int, hash: UInt64) -> Int32? {
        var slot = Int(truncatingIfNeeded: hash) & (table.count - 1)
        while table[slot] != 0 {
            let node = Int(table[slot]) - 1
            if hashes[node] == hash, isAlike(node, dimension, edges, base) { return Int32(truncatingIfNeeded: node) }
            slot = (slot + 1) & (table.count - 1)
        }
        return nil
    }

    private func isAlike(_ node: Int, _ dimension: UInt8, _ edges: PendingEdges, _ base: Int) -> Bool {
        let start = Int(starts[node])
        let count = edges.count - base
        guard dimensions[node] == dimension, Int(starts[node + 1]) - start == count else { return false }
        for edge in 0..<count
        where children[start + edge] != edges.children[base + edge] || uppers[start + edge] != edges.uppers[base + edge]
        {
            return false
        }
        return true
    }

    /// Adds a node that is not there yet.
    mutating func add(_ dimension: UInt8, _ edges: PendingEdges, from base: Int, hash: UInt64) -> Int32 {
        let node = dimensions.count
        dimensions.append(dimension)
        hashes.append(hash)
        uppers.append(contentsOf: edges.uppers[base..<edges.count])
        children.append(contentsOf: edges.children[base..<edges.count])
        starts.append(Int32(truncatingIfNeeded: children.count))
        if dimensions.count * 2 > table.count {
            table = [Int32](repeating: 0, count: table.count * 2)
            for node in hashes.indices { enter(node) }
        } else {
            enter(node)
        }
        return Int32(truncatingIfNeeded: node)
    }

    /// How many nodes there are.
    var count: Int { dimensions.count }

    /// Removes all nodes but the first `count`. None of those leads to a later one: a node is added after its children.
    mutating func keep(first count: Int) {
        guard count < dimensions.count else { return }
        // From the last one back: whoever was entered before lies behind none of those that are left.
        for node in (count..<dimensions.count).reversed() {
            let entry = Int32(truncatingIfNeeded: node) + 1
            var slot = Int(truncatingIfNeeded: hashes[node]) & (table.count - 1)
            while table[slot] != entry { slot = (slot + 1) & (table.count - 1) }
            table[slot] = 0
        }
        let edges = children.count - Int(starts[count])
        dimensions.removeLast(dimensions.count - count)
        starts.removeLast(starts.count - count - 1)
        hashes.removeLast(hashes.count - count)
        uppers.removeLast(edges)
        children.removeLast(edges)
    }

    private mutating func enter(_ node: Int) {
        var slot = Int(truncatingIfNeeded: hashes[node]) & (table.count - 1)
        while table[slot] != 0 { slot = (slot + 1) & (table.count - 1) }
        table[slot] = Int32(truncatingIfNeeded: node) + 1
    }
}

/// Edges of the nodes that are being made, those of the innermost last.
struct PendingEdges {
    private(set) var uppers: [UInt128] = []
    private(set) var children: [Int32] = []
    private(set) var count = 0

    /// Adds an edge to the node whose edges start at `base`; what leads to the same node as the edge before is one with
    /// it.
    mutating func push(_ upper: UInt128, _ child: Int32, _ base: Int) {
        if count > base, children[count - 1] == child {
            uppers[count - 1] = upper
        } else if count < children.count {
            uppers[count] = upper
            children[count] = child
            count += 1
        } else {
            uppers.append(upper)
            children.append(child)
            count += 1
        }
    }

    mutating func remove(from base: Int) { count = base }

    /// A number that nodes with other edges hardly share.
    func hash(_ dimension: UInt8, from base: Int) -> UInt64 {
        var hash = UInt64(dimension) &+ 0x9E37_79B9_7F4A_7C15
        for edge in base..<count {
            let upper = uppers[edge]
            let high = UInt64(truncatingIfNeeded: upper >> 64) &* 0xD6E8_FEB8_6659_FD93
            let low = UInt64(truncatingIfNeeded: upper) ^ high
            hash = (hash ^ low) &* 0xBF58_476D_1CE4_E5B9
            hash = (hash ^ (hash >> 29) ^ UInt64(UInt32(bitPattern: children[edge]))) &* 0x94D0_49BB_1331_11EB
        }
        return hash ^ (hash >> 31)
    }
}
