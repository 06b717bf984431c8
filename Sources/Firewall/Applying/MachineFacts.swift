package import Linux
package import Site

/// What a machine tells of itself, to be held against what the site file says of its host and what its rules expect.
package struct MachineFacts: Sendable {
    /// See `MissingInterfaces`.
    package var present: [String] = []
    /// See `MisplacedAddresses`.
    package var own: [(interface: String, address: IPAddress)] = []
    /// See `UnnamedAddresses`.
    package var speaking: [(interface: String, address: IPAddress)] = []
    package var leases: [UnrenewedAddresses.Lease] = []
    /// The interfaces of its network.
    package var links: [NetworkLink] = []
    /// The rules by which it chooses ways.
    package var routingRules: [RoutingRule] = []
    package var settings = MachineSettings()

    package init() {}

    /// One warning for each thing that is otherwise.
    ///
    /// - Parameters:
    ///   - intent: what the host's rules are meant to do; nil where that is not known.
    ///   - file: the site file, as it is to be named.
    package func warnings(_ host: SiteHost, _ intent: HostIntent?, file: String) -> [Diagnostic] {
        var warnings = MissingInterfaces.warnings(host, present: present, file: file)
        warnings += MisplacedAddresses.warnings(host, own: own, file: file)
        warnings += UnnamedAddresses.warnings(host, speaking: speaking, file: file)
        warnings += UnrenewedAddresses.warnings(host, leases: leases, file: file)
        warnings += PassedPackets.warnings(host, intent, settings, file: file)
        warnings += FilteredBridges.warnings(host, settings, links: links, file: file)
        if let intent { warnings += MarkedWays.warnings(host, intent, rules: routingRules, file: file) }
        return warnings
    }
}
