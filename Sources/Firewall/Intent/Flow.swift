import Site

/// One line of the policy, or one derived rule, with its words looked up: connections from one party to another, and
/// what becomes of them. Each host that is concerned gets its part: its egress as a source, its ingress as a
/// destination, and what passes through it as a router. So no rule is ever granted by one end alone.
struct Flow: Sendable {
    let id: String
    let origin: RuleOrigin
    let position: SourcePosition
    let verdict: RuleVerdict
    let sources: Party
    let destinations: Party
    let traffic: TrafficSet
    /// Opens the sources' egress alone: the other end is not ours to open.
    var isOutwardsOnly = false

    /// The rule that one end or a router of the flow gets.
    func rule(_ matches: [PacketMatch]) -> IntentRule {
        var rule = IntentRule(id: id, origin, verdict, matches: matches)
        rule.position = position
        return rule
    }
}
