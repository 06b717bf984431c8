/// How much is too much. Proofs know packets that are above a limit and packets that are not; that a kernel draws the line
/// where it is meant to be is told by the rules' ids, since no packet shows it.
extension HeldRuleset {
    /// A rule of ours that counts otherwise than the rule of the policy with its id; nil when none does.
    func limitOtherThanMeant(_ intent: HostIntent) -> String? {
        let logged = AddressFamily.allCases.map { HeldLimit(.rate(RuleLimit.logged), $0) }
        var meant: [String: Set<HeldLimit>] = [:]
        for rule in PacketPath.allCases.flatMap(intent.rules) {
            for measure in rule.limit?.measures ?? [] {
                meant[rule.id, default: []].formUnion(AddressFamily.allCases.map { HeldLimit(measure, $0) })
            }
        }
        for chain in chains {
            for rule in chain.rules {
                for case .condition(.excess(let limit, let isAbove)) in rule.statements {
                    let isMeant = isAbove ? meant[rule.id ?? ""]?.contains(limit) == true : logged.contains(limit)
                    if !isMeant {
                        let name = rule.comment ?? "the rule with handle \(rule.handle)"
                        return "\(chain.title): \(name) has another limit than is meant"
                    }
                }
            }
        }
        return nil
    }
}
