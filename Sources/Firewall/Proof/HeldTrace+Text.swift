import Site

extension HeldTrace {
    /// The steps, a line each: the chain, the rule by its comment or handle, and what it makes of the packet.
    package func described(in ruleset: HeldRuleset) -> [String] {
        steps.compactMap { $0.described(in: ruleset) }
    }

    /// The first step of which it is not known what it does; nil when all are.
    func doubt(in ruleset: HeldRuleset) -> String? {
        steps.first { $0.unknown != nil }?.described(in: ruleset)
    }
}

extension HeldTrace.Step {
    /// What the rule makes of addresses; nil when it changes none.
    package func translation(in ruleset: HeldRuleset) -> HeldTranslation? {
        guard let rule, ruleset.chains.indices.contains(chain), ruleset.chains[chain].rules.indices.contains(rule)
        else { return nil }
        return ruleset.chains[chain].rules[rule].statements.lazy.compactMap { statement in
            if case .translation(let change) = statement { change } else { nil }
        }.first
    }

    fileprivate func described(in ruleset: HeldRuleset) -> String? {
        guard ruleset.chains.indices.contains(chain) else { return nil }
        let held = ruleset.chains[chain]
        var text = "\(held.title): "
        if let number = rule, held.rules.indices.contains(number) {
            let rule = held.rules[number]
            text += rule.comment.map { "\"\($0)\"" } ?? "the rule with handle \(rule.handle)"
        } else {
            text += "the chain's policy"
        }
        if let word = translation(in: ruleset)?.word ?? outcomes.deciding { text += " \(word)" }
        if let unknown { text += ", which hangs on what is not understood: \(unknown)" }
        return text
    }
}

extension HeldTranslation {
    fileprivate var word: String {
        switch self {
        case .masquerade: "changes the source"
        case .source(let address): "changes the source to \(address)"
        case .destination(let address): "changes the destination to \(address)"
        case .redirect(let port): "sends it to the host's own port \(port)"
        case .other(let text): text
        }
    }
}

extension Outcomes {
    /// `accepted`, `dropped`, or that it is not known.
    package var word: String {
        contains([.accept, .drop]) ? "unknown" : contains(.accept) ? "accepted" : "dropped"
    }

    /// What a rule does; nil when it has another chain decide.
    fileprivate var deciding: String? {
        if contains([.accept, .drop]) { return "accepts or drops" }
        if contains(.accept) { return "accepts" }
        if contains(.drop) { return "drops" }
        return nil
    }
}
