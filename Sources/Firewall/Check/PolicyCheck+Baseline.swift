import Site

/// Lines of `deny` that are asked too late: the baseline comes before them.
extension PolicyCheck {
    /// Lines that name services of which the baseline lets packets through before they are asked, on some host. One of
    /// everything means to leave in what a host needs to work.
    mutating func checkBaseline() {
        var order: [IntentRule] = []
        var taking: [String: Set<String>] = [:]
        for host in intent.hosts {
            for path in PacketPath.allCases {
                let rules = host.rules(path)
                let baseline = rules.filter { $0.verdict == .accept && $0.isOfBaselineForOthers }
                for rule in rules where rule.origin == .written && rule.verdict != .accept {
                    for first in baseline where taking[rule.id]?.contains(first.id) != true {
                        guard Self.takes(first, of: rule, path) else { continue }
                        if taking[rule.id] == nil { order.append(rule) }
                        taking[rule.id, default: []].insert(first.id)
                    }
                }
            }
        }
        for rule in order {
            let parts = FirewallBaseline.allCases.map(\.rawValue).filter { taking[rule.id]?.contains($0) == true }
            let names = parts.map { "`\($0)`" }.joined(separator: ", ")
            report(
                .warning,
                .ineffective,
                rule.position,
                "the baseline (\(names)) lets packets of the rule `\(rule.id)` through before this line is asked",
                help: "switch that off in `baseline`, and allow what is left"
            )
        }
    }

    /// Whether a rule of the baseline takes packets that begin something, and that a later one names.
    private static func takes(_ first: IntentRule, of rule: IntentRule, _ path: PacketPath) -> Bool {
        let isNamed = rule.matches.contains { match in
            guard !match.traffic.isAll else { return false }
            return first.matches.contains {
                $0.traffic.intersects(match.traffic) && !$0.states.isDisjoint(with: beginning)
            }
        }
        return isNamed && (try? overlap(first, rule, path)) ?? false
    }

    private static let beginning: ConnectionStates = [.new, .untracked]

    private static func overlap(
        _ one: IntentRule,
        _ other: IntentRule,
        _ path: PacketPath
    ) throws(SpaceExhausted) -> Bool {
        let store = DiagramStore()
        let space = IntentSpace(in: store)
        var box = Box()
        box.restrict(.state, to: beginning.numbers)
        let asked = try store.combine(
            try PossiblePackets.region(path, in: store),
            try store.region(box),
            .intersection
        )
        let both = try store.combine(try space.region(one, path), try space.region(other, path), .intersection)
        return try store.combine(both, asked, .intersection) != .none
    }
}

extension IntentRule {
    /// Whether it is of the baseline, and not about what the host says to itself.
    fileprivate var isOfBaselineForOthers: Bool {
        guard case .baseline(let id) = origin else { return false }
        return id != FirewallBaseline.loopback.rawValue
    }
}
