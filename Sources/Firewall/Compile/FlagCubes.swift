/// Sets of TCP's byte of flags as conditions of the kind "these bits have these values".
enum FlagCubes {
    /// Conditions of which at least one holds for each value of the set, and none for any other: the widest first, few of
    /// them. The condition for all values has the mask 0.
    static func cover(_ set: IntervalSet<UInt8>) -> [(mask: UInt8, value: UInt8)] {
        guard !set.isAll else { return [(0, 0)] }
        let all = (UInt8.min...UInt8.max).filter(set.contains)
        var missing = Set(all)
        // Masks with few bits make wide conditions; among equals the order is fixed, so that the text is.
        let masks = (UInt8.min...UInt8.max).sorted { ($0.nonzeroBitCount, $0) < ($1.nonzeroBitCount, $1) }
        var cover: [(mask: UInt8, value: UInt8)] = []
        for mask in masks where !missing.isEmpty {
            let groups = Dictionary(grouping: all) { $0 & mask }
            // A condition with so many bits holds for so many values.
            let width = 1 << (8 - mask.nonzeroBitCount)
            for (value, members) in groups.sorted(by: { $0.key < $1.key }) {
                guard members.count == width, members.contains(where: missing.contains) else { continue }
                cover.append((mask, value))
                missing.subtract(members)
            }
        }
        return cover
    }
}
