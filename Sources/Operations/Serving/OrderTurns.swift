/// Whose turn it is of the certificates of the same CAs: each is looked at by one thread at a time, and a few are at once. One
/// that takes long keeps none from its turn that is wanted later.
internal struct OrderTurns<Item: Sendable>: Sendable {
    private var waiting: ArraySlice<(name: String, item: Item)> = []
    /// Those whose turn it is, and those of them that were wanted once more since it began.
    private var underWay: Set<String> = []
    private var missed: Set<String> = []
    /// Threads that take turns.
    private var hands = 0

    init() {}

    /// It is nobody's turn.
    var isIdle: Bool { underWay.isEmpty }

    /// These are to be looked at, in this order, in place of all that wait.
    ///
    /// - Parameters:
    ///   - items: by the certificates' names, each once.
    ///   - most: threads that may take turns.
    /// - Returns: how many are to begin to, besides those that do.
    mutating func want(_ items: [(name: String, item: Item)], atOnce most: Int) -> Int {
        waiting = ArraySlice(items.filter { !underWay.contains($0.name) })
        for (name, _) in items where underWay.contains(name) { missed.insert(name) }
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

    /// Its turn is over.
    ///
    /// - Returns: whether it was wanted once more since it began.
    mutating func end(_ name: String) -> Bool {
        underWay.remove(name)
        return missed.remove(name) != nil
    }
}
