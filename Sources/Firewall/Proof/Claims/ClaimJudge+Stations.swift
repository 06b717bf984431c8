/// Where a connection of an `allow` may be stopped: as it leaves, on its way, and where it ends.
extension ClaimJudge {
    /// What a claim says nothing of.
    struct Exemption: Hashable {
        /// A line that opens one end alone says nothing of the other.
        let ends: FlowEnds
        /// The line that sends the connections on; nil for what goes where it was sent.
        let line: String?
        /// A line of `allow` yields to those of `deny`; what is to be let through exactly does not.
        let yields: Bool
        /// One that is bound to zones says nothing of routers that have none of them.
        let isOfZones: Bool

        init(_ claim: Claim) {
            ends = claim.ends
            line = claim.ends == .inwards ? claim.id : nil
            yields = claim.kind == .allow
            isOfZones = claim.isBoundToInterfaces
        }
    }

    func out(_ exemption: Exemption) throws(SpaceExhausted) -> SiteWays.Ends {
        exemption.ends == .inwards ? .open : try ways.egress()
    }

    func through(_ exemption: Exemption) throws(SpaceExhausted) -> SiteWays.Ends {
        if let line = exemption.line {
            if let known = knownSentOn[line] { return known }
            let sentOn = try ways.forwarding(by: line, to: end)
            knownSentOn[line] = sentOn
            return sentOn
        }
        if end == .elsewhere { return try ways.forwardingElsewhere(isOfZones: exemption.isOfZones) }
        if let knownForwarding { return knownForwarding }
        let forwarding = try ways.forwarding(to: end)
        knownForwarding = forwarding
        return forwarding
    }

    func inwards(_ exemption: Exemption) throws(SpaceExhausted) -> SiteWays.Ends {
        if let line = exemption.line { return try ways.ending(try ingress(), by: line, at: end) }
        return exemption.ends == .outwards ? .open : try ingress()
    }
}
