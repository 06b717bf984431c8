/// Finds what was probably meant.
enum NearestWord {
    /// The candidate that takes the fewest slips of the fingers to reach: letters left out, put in, mistaken or swapped
    /// (Damerau and Levenshtein's distance, in its optimal-string-alignment form). nil when none is near: more than a third of the word would have to change.
    ///
    /// Words beyond 64 bytes are not looked at, so that one fault costs at most a few milliseconds among thousands of candidates.
    static func to(_ word: String, among candidates: some Sequence<String>) -> String? {
        let target = Array(word.lowercased().utf8)
        guard target.count <= 64 else { return nil }
        var best: String?
        var limit = max(1, target.count / 3)
        for candidate in candidates {
            let bytes = Array(candidate.lowercased().utf8)
            guard abs(bytes.count - target.count) <= limit, bytes.count <= 64 else { continue }
            guard let distance = distance(target, bytes, atMost: limit) else { continue }
            // Among equals the first in the alphabet, so that the same fault always gets the same answer.
            if distance < limit || best.map({ candidate < $0 }) ?? true { best = candidate }
            limit = distance
        }
        return best
    }

    /// The distance, or nil when it is above `limit`.
    private static func distance(_ one: [UInt8], _ other: [UInt8], atMost limit: Int) -> Int? {
        var beforeLast = [Int](repeating: 0, count: other.count + 1)
        var last = Array(0...other.count)
        for row in 0..<one.count {
            var current = [row + 1]
            current.reserveCapacity(other.count + 1)
            var smallest = row + 1
            for column in 0..<other.count {
                var cost = last[column] + (one[row] == other[column] ? 0 : 1)
                cost = min(cost, last[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, one[row] == other[column - 1], one[row - 1] == other[column] {
                    cost = min(cost, beforeLast[column - 1] + 1)
                }
                current.append(cost)
                smallest = min(smallest, cost)
            }
            // A swap may still come from the row before the last, at one more.
            if smallest > limit + 1 { return nil }
            beforeLast = last
            last = current
        }
        return last[other.count] <= limit ? last[other.count] : nil
    }
}
