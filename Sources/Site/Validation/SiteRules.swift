/// Rules that look at more than one part of a site. Each reports what breaks it, and stands what is missing: the model
/// may hold only the parts that were free of faults.
enum SiteRules {
    typealias Rule = @Sendable (SiteModel, inout DiagnosticCollector) -> Void

    /// What makes a site impossible.
    private static let errors: [Rule] = [
        HostRules.addressesAreUnique,
        HostRules.addressesAreNotOfLoopback,
        FirewallNameRules.namesAreUnambiguous,
        FirewallNameRules.idsAreUnique,
        FirewallNameRules.forwardsLeadSomewhere,
        FirewallNameRules.forwardsLeadToHosts,
        FirewallFamilyRules.endsHaveOneInCommon,
        ListenerRules.listenersAreDistinct,
        RouteRules.routesAreDistinct,
        PoolRules.serversAreDistinct,
        PoolRules.serversCanBeReached,
        CertificateRules.namesAreCertifiable,
    ]

    /// What makes it doubtful. Held back until there are no errors: after one, something may only seem unused.
    private static let warnings: [Rule] = [
        HostRules.addressesAreOfOneHost,
        FirewallNameRules.hostsHaveAddresses,
        ListenerRules.addressesAreTheGateways,
        RouteRules.poolsAreUsed,
        RouteRules.namesAreCovered,
        PoolRules.someServerHasWeight,
        CertificateRules.listsAreServed,
        CertificateRules.keysAreTaken,
        CertificateRules.addressesAreShown,
    ]

    static func check(_ site: SiteModel, reporting collector: inout DiagnosticCollector) {
        for rule in errors { rule(site, &collector) }
        guard !collector.hasErrors else { return }
        for rule in warnings { rule(site, &collector) }
    }
}

extension Dictionary {
    /// The values in the order in which the file has them.
    func inFileOrder(_ position: (Value) -> SourcePosition) -> [Value] {
        values.sorted { one, other in
            let (one, other) = (position(one), position(other))
            return (one.line, one.column) < (other.line, other.column)
        }
    }
}
