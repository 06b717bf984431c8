/// Results of operations on nodes that were worked out before. It forgets: a result lies in the one slot that its key
/// falls on, and gives way to the next that does. What is forgotten is worked out again.
struct ResultCache {
    private struct Entry {
        /// The key plus one; 0 for what is free. The largest key is that of two constants, which are never kept.
        var key: UInt64 = 0
        var operation: Int32 = 0
        var result: Int32 = 0
    }

    /// As many as a power of two.
    private var entries = [Entry](repeating: Entry(), count: 1 << 10)
    private var stored = 0

    /// Slots at most: 16 MB.
    private static let most = 1 << 20

    /// - Parameters:
    ///   - operation: what was done.
    ///   - key: with what.
    subscript(_ operation: Int, _ key: UInt64) -> Int32? {
        get {
            let entry = entries[slot(operation, key)]
            return entry.key == key &+ 1 && entry.operation == Int32(truncatingIfNeeded: operation)
                ? entry.result : nil
        }
        set {
            guard let newValue else { return }
            stored += 1
            if stored > entries.count, entries.count < Self.most { grow() }
            let entry = Entry(key: key &+ 1, operation: Int32(truncatingIfNeeded: operation), result: newValue)
            entries[slot(operation, key)] = entry
        }
    }

    private func slot(_ operation: Int, _ key: UInt64) -> Int {
        let mixed = (key &+ UInt64(truncatingIfNeeded: operation) << 59) &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: mixed >> 40) & (entries.count - 1)
    }

    private mutating func grow() {
        let old = entries
        entries = [Entry](repeating: Entry(), count: old.count * 4)
        for entry in old where entry.key != 0 { entries[slot(Int(entry.operation), entry.key &- 1)] = entry }
    }
}
