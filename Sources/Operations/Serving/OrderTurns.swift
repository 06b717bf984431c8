/// Whose turn it is of the certificates of the same CAs: each is looked at by one thread at a time, and a few are at once. One
/// that takes long keeps none from its turn that is wanted later.
internal struct OrderTurns<Item: Sendable>: Sendable {
    private var waiting: ArraySlice<(name: String, item: Item)> = []
    /// Those whose turn it is, and those of them that were wanted once more since it began.
    private var underWay: Set<String> = []
    private var missed: [String: Item] = [:]
    /// Threads that take turns.
    private var hands = 0

    init() {}

    /// It is nobody's turn.
    var isIdle: Bool { underWay.isEmpty }

    /// Some are to be looked at, in this order, after those that wait, which keep their places however often all are wanted.
    ///
    /// - Parameters:
    ///   - items: all that there are, by the certificates' names, each once. What waits and is none of these has no turn.
    ///   - names: those that are wanted; nil for all.
    ///   - most: threads that may take turns.
    /// - Returns: how many are to begin to, besides those that do.
    mutating func want(_ items: [(name: String, item: Item)], only names: Set<String>? = nil, atOnce most: Int) -> Int {
        let known = Dictionary(uniqueKeysWithValues: items.map { ($0.name, $0.item) })
        var queue = waiting.compactMap { entry in known[entry.name].map { (name: entry.name, item: $0) } }
        let queued = Set(queue.map(\.name))
        missed = missed.filter { known[$0.key] != nil }
        for entry in items where names?.contains(entry.name) ?? true {
            if underWay.contains(entry.name) {
                missed[entry.name] = entry.item
            } else if !queued.contains(entry.name) {
                queue.append(entry)
            }
        }
        waiting = ArraySlice(queue)
        let fresh = max(0, min(most, underWay.count + waiting.count) - hands)
        hands += fresh
        return fresh
    }

    /// None that waits has a turn any more.
    mutating func clear() { waiting = [] }

    /// The next one, whose turn begins; nil where none waits: the thread that asks takes no more turns then.
    mutating func take() -> (name: String, item: Item)? {
        guard let next = waiting.popFirst() else {
            hands -= 1
            return nil
        }
        underWay.insert(next.name)
        return next
    }

    /// Its turn is over. When it was wanted once more since it began, it has another after those that wait, which whoever ended
    /// this one takes, or another thread.
    mutating func end(_ name: String) {
        underWay.remove(name)
        if let item = missed.removeValue(forKey: name) { waiting.append((name: name, item: item)) }
    }
}
