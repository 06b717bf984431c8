enum HostRules {
    /// An address names one host, or no rule about that host would mean anything.
    static func addressesAreUnique(_ site: SiteModel, _ collector: inout DiagnosticCollector) {
        var bearers: [IPAddress: SiteHost] = [:]
        for host in site.hosts.inFileOrder(\.position) {
            for address in host.allAddresses.map(\.address) {
                guard let other = bearers.updateValue(host, forKey: address) else { continue }
                let subject = other.name == host.name ? "the host itself" : "the host \(quoted(other.name))"
                collector.report(
                    .duplicate,
                    at: SourceRange(host.position),
                    "the address \(address) of \(quoted(host.name)) is that of \(subject) too",
                    help: "it stands in line \(other.position.line) already"
                )
            }
        }
    }
}
