/// Which limit of the policy each limit of a kernel is. Proofs know packets that are above a limit and packets that are
/// not; no packet shows that a kernel draws the line where it is meant to be. So a limit is taken for the one of the
/// rule that its comment names when it counts by the same, as much, and remembers as long; every other is not known.
/// That a limit is missing packets show: those above it are let through.
struct LimitMatch {
    /// With the policy's own limits in place of those that are the same.
    private(set) var ruleset: HeldRuleset
    /// The first limit that is none of the policy's; nil when there is none.
    private(set) var doubt: String?

    init(of held: HeldRuleset, with intent: HostIntent) {
        ruleset = held
        var meant: [String: [(limit: PacketLimit, isOfConnections: Bool)]] = [:]
        for rule in PacketPath.allCases.flatMap(intent.rules) where rule.limit != nil {
            meant[rule.id, default: []] += rule.limits.map { ($0, rule.countsConnections) }
        }
        for chain in held.chains.indices {
            for (index, rule) in held.chains[chain].rules.enumerated() {
                for (place, statement) in rule.statements.enumerated() {
                    guard case .condition(.excess(let limit, let isAbove)) = statement else { continue }
                    var condition = HeldCondition.excess(limit, isAbove: isAbove)
                    let known = meant[rule.id ?? ""]?.first {
                        limit.isSame(as: $0.limit.measure) && limit.isOfConnections == $0.isOfConnections
                    }
                    if isAbove, let known {
                        var same = limit
                        same.counter = known.limit
                        condition = .excess(same, isAbove: true)
                    } else if isAbove || !limit.isSame(as: .rate(RuleLimit.logged)) {
                        condition = .unknown("a limit of \(limit.measure.text) that is none of the policy's")
                        let name = rule.comment ?? "the rule with handle \(rule.handle)"
                        doubt = doubt ?? "\(held.chains[chain].title): \(name) has another limit than is meant"
                    }
                    ruleset.chains[chain].rules[index].statements[place] = .condition(condition)
                }
            }
        }
        doubt = doubt ?? sharing()
    }

    /// A set that counts for several limits, or a limit that several sets count for on one way: each source would have
    /// less of it than is meant, or more.
    private func sharing() -> String? {
        var limitOfSet: [String: PacketLimit] = [:]
        for path in PacketPath.allCases {
            var setOfLimit: [Count: String] = [:]
            for index in ruleset.chains(on: path).sorted() {
                let chain = ruleset.chains[index]
                for rule in chain.rules {
                    for case .condition(.excess(let limit, _)) in rule.statements {
                        let count = Count(limit: limit.counter, key: limit.key)
                        guard limitOfSet[limit.set, default: limit.counter] == limit.counter else {
                            return "\(chain.title): the set \(limit.set) counts for several limits"
                        }
                        guard setOfLimit[count, default: limit.set] == limit.set else {
                            return "\(chain.title): several sets count for the limit \(limit.counter.text)"
                        }
                        limitOfSet[limit.set] = limit.counter
                        setOfLimit[count] = limit.set
                    }
                }
            }
        }
        return nil
    }

    private struct Count: Hashable {
        let limit: PacketLimit
        let key: HeldLimit.Key?
    }
}

extension HeldLimit {
    /// Whether each source of some family is counted as this measure of the policy has it counted.
    fileprivate func isSame(as measure: LimitMeasure) -> Bool {
        AddressFamily.allCases.contains { family in
            let meant = HeldLimit(measure, family, set: set)
            return self.measure == measure && key == meant.key && memory == meant.memory
        }
    }
}

extension HeldRuleset {
    /// The chains that packets may come to on a way through the host.
    fileprivate func chains(on path: PacketPath) -> Set<Int> {
        var found: Set<Int> = []
        var open = bases(on: path)
        while let chain = open.popLast() {
            guard found.insert(chain).inserted else { continue }
            for statement in chains[chain].rules.flatMap(\.statements) {
                switch statement {
                case .verdict(let verdict): open += verdict.target.map { [$0] } ?? []
                case .verdictMap(_, let entries): open += entries.compactMap(\.verdict.target)
                case .condition, .translation, .untracking, .unknown: continue
                }
            }
        }
        return found
    }
}

extension HeldVerdict {
    /// The chain that it leads to.
    fileprivate var target: Int? {
        switch self {
        case .jump(let chain), .goto(let chain): chain
        default: nil
        }
    }
}
