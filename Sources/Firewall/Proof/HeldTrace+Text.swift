extension HeldTrace {
    /// The steps, a line each: the chain, the rule by its comment or handle, and what it makes of the packet.
    package func described(in ruleset: HeldRuleset) -> [String] {
        steps.compactMap { step in
            guard ruleset.chains.indices.contains(step.chain) else { return nil }
            let chain = ruleset.chains[step.chain]
            var text = "\(chain.title): "
            if let number = step.rule, chain.rules.indices.contains(number) {
                let rule = chain.rules[number]
                text += rule.comment.map { "\"\($0)\"" } ?? "the rule with handle \(rule.handle)"
            } else {
                text += "the chain's policy"
            }
            if let word = step.outcomes.deciding { text += " \(word)" }
            if let unknown = step.unknown { text += ", which hangs on what is not understood: \(unknown)" }
            return text
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

extension ProtocolNumber {
    /// A protocol as `text` writes it, or its number.
    package init?(word: String) {
        let known: [ProtocolNumber] = [.tcp, .udp, .icmp, .icmpv6, .sctp]
        if let named = known.first(where: { $0.text == word }) {
            self = named
        } else if let number = UInt8(word) {
            self.init(rawValue: number)
        } else {
            return nil
        }
    }
}
