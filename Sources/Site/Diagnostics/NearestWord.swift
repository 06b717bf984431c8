/// Finds what was probably meant.
package enum NearestWord {
    /// The candidate that takes the fewest slips of the fingers to reach: letters left out, put in, mistaken or swapped
    /// (Damerau and Levenshtein's distance, in its optimal-string-alignment form). nil when none is near: more than a
    /// third of the word would have to change.
    ///
    /// Case makes no difference. Words beyond 64 bytes are not looked at, so that one fault costs at most a few
    /// milliseconds among thousands of candidates.
    package static func to(_ word: String, among candidates: some Sequence<String>) -> String? {
        let target = folded(word)
        // One letter for another is no slip when there is but one.
        guard (2...64).contains(target.count) else { return nil }
        var best: String?
        var limit = max(1, target.count / 3)
        for candidate in candidates where abs(candidate.utf8.count - target.count) <= limit {
            guard let distance = distance(target[...], folded(candidate)[...], atMost: limit) else { continue }
            // Among equals the first in the alphabet, so that the same fault always gets the same answer.
            if distance < limit || best.map({ candidate < $0 }) ?? true { best = candidate }
            limit = distance
        }
        return best
    }

    private static func folded(_ word: String) -> [UInt8] {
        word.utf8.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
    }

    /// The distance, or nil when it is above `limit`.
    private static func distance(_ one: ArraySlice<UInt8>, _ other: ArraySlice<UInt8>, atMost limit: Int) -> Int? {
        // What the words begin and end with alike costs nothing, and most of names such as app-0417 is that.
        let prefix = zip(one, other).prefix { $0 == $1 }.count
        let suffix = zip(one.dropFirst(prefix).reversed(), other.dropFirst(prefix).reversed()).prefix { $0 == $1 }.count
        let one = Array(one.dropFirst(prefix).dropLast(suffix))
        let other = Array(other.dropFirst(prefix).dropLast(suffix))
        guard !one.isEmpty, !other.isEmpty else {
            let distance = max(one.count, other.count)
            return distance <= limit ? distance : nil
        }
        var beforeLast = [Int](repeating: 0, count: other.count + 1)
        var last = Array(0...other.count)
        for row in 0..<one.count {
            var current = [row + 1]
            current.reserveCapacity(other.count + 1)
            for column in 0..<other.count {
                var cost = last[column] + (one[row] == other[column] ? 0 : 1)
                cost = min(cost, last[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, one[row] == other[column - 1], one[row - 1] == other[column] {
                    cost = min(cost, beforeLast[column - 1] + 1)
                }
                current.append(cost)
            }
            // A swap may still come from the row before the last, at one more.
            guard current.contains(where: { $0 <= limit + 1 }) else { return nil }
            beforeLast = last
            last = current
        }
        return last[other.count] <= limit ? last[other.count] : nil
    }
}
