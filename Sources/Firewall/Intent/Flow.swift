import Site

/// One line of the policy, or one derived rule, with its words looked up: connections from one party to another, and
/// what becomes of them. Each host that is concerned gets its part: its egress as a source, its ingress as a
/// destination, and what passes through it as a router.
struct Flow: Sendable {
    let id: String
    let origin: RuleOrigin
    let position: SourcePosition
    let verdict: RuleVerdict
    let sources: Party
    let destinations: Party
    let traffic: TrafficSet
    var ends = FlowEnds.both
    /// The zone of the interface that it comes in by, at its destination and at routers; nil for any.
    var inZone: String?
    /// The zone of the interface that it leaves by, at its source and at routers; nil for any.
    var outZone: String?
    var limit: RuleLimit?
    var isLogged = false
    var expires: Int64?

    /// The rule that one end or a router of the flow gets.
    func rule(_ matches: [PacketMatch]) -> IntentRule {
        var rule = IntentRule(id: id, origin, verdict, matches: matches)
        rule.position = position
        rule.limit = limit
        rule.isLogged = isLogged
        rule.expires = expires
        return rule
    }
}

/// Whose rules a line of the policy makes.
package enum FlowEnds: Sendable, Hashable {
    /// Those of sources and destinations: no connection between hosts of the site is granted by one end alone.
    case both
    /// The sources' egress, and routers between: the other end is not ours to open.
    case outwards
    /// Those of routers and the destinations' ingress: a port forward, whose clients knew another address.
    case inwards
}

extension Flow {
    /// A line of `allow` or `deny`.
    init(
        _ rule: FirewallRule,
        id: String,
        _ verdict: RuleVerdict,
        _ site: SiteModel,
        _ resolver: inout EndpointResolver
    ) {
        self.init(
            id: id,
            origin: .written,
            position: rule.position,
            verdict: verdict,
            sources: resolver.party(rule.from),
            destinations: resolver.party(rule.to),
            traffic: rule.services.isEmpty ? .all : TrafficSet(rule.services, of: site)
        )
        (inZone, outZone) = (rule.inZone, rule.outZone)
        limit = rule.limit.map { RuleLimit($0) }
        isLogged = rule.isLogged
        expires = rule.expires?.seconds
    }

    /// Whether the host is a router that sends here what comes to a port of its own. It knows what it has sent; the host
    /// behind sees no difference.
    func isForwarded(by host: SiteHost) -> Bool {
        ends == .inwards && host.isRouter && host.interfaces(in: inZone) != nil
    }

    /// Whether a host of the site that bears addresses of the destinations gets its part.
    var opensDestinations: Bool { ends != .outwards }

    /// Whether one end can tell the packets of the line: a `deny` that is bound to the other end's zone alone is not its
    /// to carry out, since it would refuse what the line does not speak of. An `allow` takes both ends.
    ///
    /// - Parameter zone: the one that the line names for this end.
    func isTold(by zone: String?) -> Bool { verdict == .accept || zone != nil || inZone == nil && outZone == nil }
}
