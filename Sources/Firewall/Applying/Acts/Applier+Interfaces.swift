package import Linux
package import Site

extension Applier {
    /// What the site file of the ruleset that is in force, or waits for its confirmation, says otherwise of the machine's
    /// interfaces: `MissingInterfaces`, `MisplacedAddresses`, `UnnamedAddresses`, `UnrenewedAddresses` and `PassedPackets` of
    /// its host, by the copy that is kept of the file. Empty when nothing was applied.
    ///
    /// - Parameters:
    ///   - present: see `MissingInterfaces`.
    ///   - own: see `MisplacedAddresses`.
    ///   - speaking: see `UnnamedAddresses`.
    package func interfaceWarnings(
        present: [String],
        own: [(interface: String, address: IPAddress)],
        speaking: [(interface: String, address: IPAddress)],
        leases: [UnrenewedAddresses.Lease]
    ) throws(ApplyError) -> [Diagnostic] {
        guard let current = try state().current else { return [] }
        let path = folder.path(of: .site, current.generation)
        guard let host = SiteFile.load(path: path).model?.hosts[current.host] else { return [] }
        return MissingInterfaces.warnings(host, present: present, file: path)
            + MisplacedAddresses.warnings(host, own: own, file: path)
            + UnnamedAddresses.warnings(host, speaking: speaking, file: path)
            + UnrenewedAddresses.warnings(host, leases: leases, file: path)
            + PassedPackets.warnings(host, settings, file: path)
    }

    /// What `MarkedWays` says of the ruleset that is in force, or waits for its confirmation; nil when nothing was applied.
    package func wayWarning(_ rules: [RoutingRule]) throws(ApplyError) -> String? {
        guard let current = try state().current, let intent = policy(of: current).intent else { return nil }
        return MarkedWays.warning(intent, rules: rules)
    }
}
