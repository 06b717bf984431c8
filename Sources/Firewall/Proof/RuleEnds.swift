/// What is meant and what is held at one moment: rules that end by the clock hold until then and not after.

extension IntentRule {
    /// Whether the rule has not ended.
    func lasts(at moment: Int64) -> Bool { expires.map { moment < $0 } ?? true }
}

extension HostIntent {
    /// When rules end, in seconds since 1970.
    var ends: Set<Int64> { Set((input + forward + output).compactMap(\.expires)) }

    /// The rules that have not ended.
    package func at(_ moment: Int64) -> HostIntent {
        func lasting(_ rules: [IntentRule]) -> [IntentRule] { rules.filter { $0.lasts(at: moment) } }
        var intent = self
        intent.input = lasting(input)
        intent.forward = lasting(forward)
        intent.output = lasting(output)
        intent.translations.removeAll { translation in translation.expires.map { $0 <= moment } ?? false }
        return intent
    }
}

extension HeldRuleset {
    /// When conditions of the clock end, in seconds since 1970.
    var ends: Set<Int64> {
        var ends: Set<Int64> = []
        for chain in chains {
            for rule in chain.rules {
                for case .condition(.before(let end)) in rule.statements { ends.insert(end) }
            }
        }
        return ends
    }

    /// The same rules with what the clock says in place of the clock.
    package func at(_ moment: Int64) -> HeldRuleset {
        var ruleset = self
        for chain in ruleset.chains.indices {
            for rule in ruleset.chains[chain].rules.indices {
                ruleset.chains[chain].rules[rule].statements = chains[chain].rules[rule].statements.map { statement in
                    guard case .condition(.before(let end)) = statement else { return statement }
                    // No entry to be in: never; not in one of them: always.
                    return .condition(.fields([.family], entries: [], isNegated: moment < end))
                }
            }
        }
        return ruleset
    }
}
