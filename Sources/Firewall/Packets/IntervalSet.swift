/// A set of whole numbers as the shortest list of closed ranges: sorted, disjoint, and never two that touch, so that
/// equal sets are equal values. Union and difference take time linear in the ranges of both, intersection in those that
/// lie near ranges of the other.
package struct IntervalSet<Bound>: Sendable, Hashable
where Bound: FixedWidthInteger & UnsignedInteger & Sendable {
    /// Ascending; between two neighbours at least one number is missing.
    package let ranges: [ClosedRange<Bound>]

    /// The set without a number.
    package init() { ranges = [] }

    /// One number.
    package init(_ single: Bound) { ranges = [single...single] }

    /// The numbers of one range.
    package init(_ range: ClosedRange<Bound>) { ranges = [range] }

    /// The numbers of any of these ranges, which may come in any order and overlap.
    package init(_ list: some Sequence<ClosedRange<Bound>>) {
        self.init(sorted: list.sorted { $0.lowerBound < $1.lowerBound })
    }

    /// Every number that `Bound` can hold.
    package static var all: IntervalSet { IntervalSet(canonical: [Bound.min...Bound.max]) }

    /// - Parameter canonical: as `ranges` is.
    init(canonical: [ClosedRange<Bound>]) { ranges = canonical }

    /// - Parameter sorted: by lower bound; may overlap and touch.
    private init(sorted: some Sequence<ClosedRange<Bound>>) {
        var merged: [ClosedRange<Bound>] = []
        for range in sorted {
            // Bound.max has no successor: whatever comes after a range that ends there lies inside it.
            if let last = merged.last,
                last.upperBound == .max || range.lowerBound <= last.upperBound + 1
            {
                merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        ranges = merged
    }

    package var isEmpty: Bool { ranges.isEmpty }

    /// Whether every number that `Bound` can hold is in the set.
    package var isAll: Bool { ranges.first == Bound.min...Bound.max }

    /// The smallest number of the set; nil when there is none.
    package var first: Bound? { ranges.first?.lowerBound }

    /// Takes time logarithmic in the count of ranges.
    package func contains(_ number: Bound) -> Bool {
        let place = place(of: number)
        return place < ranges.count && ranges[place].lowerBound <= number
    }

    /// The index of the first range that ends at the number or later; the count of ranges when none does.
    private func place(of number: Bound) -> Int {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < number { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The first ranges of both that could have a number in common.
    private func start(with other: IntervalSet) -> (left: Int, right: Int) {
        (other.first.map(place) ?? 0, first.map(other.place) ?? 0)
    }

    package func isSubset(of other: IntervalSet) -> Bool { subtracting(other).isEmpty }

    package func intersects(_ other: IntervalSet) -> Bool {
        var (left, right) = start(with: other)
        while left < ranges.count, right < other.ranges.count {
            if ranges[left].overlaps(other.ranges[right]) { return true }
            if ranges[left].upperBound < other.ranges[right].upperBound { left += 1 } else { right += 1 }
        }
        return false
    }

    package func union(_ other: IntervalSet) -> IntervalSet {
        if other.isEmpty { return self }
        if isEmpty { return other }
        return IntervalSet(ranges + other.ranges)
    }

    package func intersection(_ other: IntervalSet) -> IntervalSet {
        if isAll { return other }
        if other.isAll { return self }
        var common: [ClosedRange<Bound>] = []
        var (left, right) = start(with: other)
        while left < ranges.count, right < other.ranges.count {
            let (one, two) = (ranges[left], other.ranges[right])
            if one.overlaps(two) {
                common.append(max(one.lowerBound, two.lowerBound)...min(one.upperBound, two.upperBound))
            }
            if one.upperBound < two.upperBound { left += 1 } else { right += 1 }
        }
        return IntervalSet(canonical: common)
    }

    package func subtracting(_ other: IntervalSet) -> IntervalSet {
        if isEmpty || other.isEmpty { return self }
        return intersection(other.complement)
    }

    /// Every number of `Bound` that is not in the set.
    package var complement: IntervalSet {
        var gaps: [ClosedRange<Bound>] = []
        var next: Bound? = .min
        for range in ranges {
            // A range after one that ends at Bound.max cannot be.
            guard let start = next else { break }
            if start < range.lowerBound { gaps.append(start...(range.lowerBound - 1)) }
            next = range.upperBound == .max ? nil : range.upperBound + 1
        }
        if let start = next { gaps.append(start...Bound.max) }
        return IntervalSet(canonical: gaps)
    }
}
