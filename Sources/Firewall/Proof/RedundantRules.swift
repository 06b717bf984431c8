/// The rules of one way through a host that decide about packets and could go: what comes behind them would do the same
/// with all of these. All that are found could go at once.
///
/// A rule that has a limit, or logs, does something of its own; and what the house lets through is not held against a line
/// that says so.
struct RedundantRules {
    private let rules: [IntentRule]
    private let tree: RegionTree
    /// What those before each take of it.
    private let taken: [PacketFunction]

    /// How many steps (see `DiagramStore`) the search may take beside what it is a part of: about a second. Where it ends,
    /// rules are left unnamed, which no proof goes by.
    private static let mostSteps = 20_000_000

    init(_ rules: [IntentRule], in tree: RegionTree, taken: [PacketFunction]) {
        (self.rules, self.tree, self.taken) = (rules, tree, taken)
    }

    /// By their places, with the places of those that would do the same.
    func search() throws(SpaceExhausted) -> [Int: [Int]] {
        let begin = tree.store.steps
        var found: [Int: [Int]] = [:]
        for index in rules.indices.reversed() where rules[index].origin == .written && rules[index].isPlain {
            guard tree.store.steps - begin < Self.mostSteps else { break }
            var left = try tree.store.combine(tree.regions[index], taken[index], .difference)
            guard left != .none else { continue }
            var others: [Int] = []
            try tree.walk(&left, over: index + 1..<rules.count) { other, left throws(SpaceExhausted) in
                // What decides about nothing, or is to go, does nothing in its place.
                if tree.regions[other] == taken[other] || found[other] != nil { return true }
                let rule = rules[other]
                guard rule.origin.isOfPolicy, rule.isPlain, rule.verdict == rules[index].verdict else { return false }
                left = try tree.store.combine(left, tree.regions[other], .difference)
                others.append(other)
                return true
            }
            if left == .none { found[index] = others }
        }
        return found
    }
}

extension IntentRule {
    /// Whether all that it does with a packet is its verdict.
    fileprivate var isPlain: Bool { limit == nil && !isLogged }
}
