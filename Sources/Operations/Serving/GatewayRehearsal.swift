import Certificates
import Control
package import Linux
import Site

/// A start without its effects, beside the gateway that runs: what an upgrade has the new program do before the one that
/// runs makes room for it. What it finds wanting would else leave a data plane that nobody guards.
package enum GatewayRehearsal {
    /// - Parameters:
    ///   - options: those of the gateway that runs.
    ///   - own: where that one listens, for listeners and metrics.
    /// - Throws: what would keep the new program from starting, in words that say what to do.
    package static func run(_ options: ServeOptions, besides own: [SocketAddress]) throws {
        let outcome = SiteFile.load(path: options.path)
        guard let site = outcome.model else { throw ConfigurationError.site(outcome) }
        guard let gateway = site.gateway else { throw ConfigurationError.noGateway(options.path) }
        let findings =
            ReferenceCheck.findings(site, file: options.path, whereDenied: .error)
            + CertificateCheck.findings(site, file: options.path, whereAbsent: .error)
        guard !findings.contains(where: { $0.severity == .error }) else {
            throw ConfigurationError.site(outcome.adding(findings.filter { $0.severity == .error }))
        }
        // A store that is away, as one that is not mounted, would be made anew, with a CA that no client trusts.
        let served = Set(gateway.listeners.flatMap { $0.tls?.certificates ?? [] })
        if served.contains(where: { site.certificates[$0]?.issuer.isStored == true }),
            CertificateStore(folder: site.certificateStore).isVacant
        {
            let state = FileStamp(site.certificateStore) == nil ? "is not there" : "is empty"
            throw ServeFailure(
                "certificate-store: \(site.certificateStore) \(state): mount it; when it is to be a new one, stop the gateway and "
                    + "start it",
                exit: 1
            )
        }
        _ = try MachineHost.find(site, named: options.host, addresses: InterfaceAddresses.all())
        _ = try GatewayStart.user(gateway.user)
        try requireAddresses(of: gateway, besides: own)
    }

    /// Fails where it could not be listened as `gateway` has it, for clients or for metrics.
    ///
    /// - Parameter own: where the gateway that runs listens.
    internal static func requireAddresses(of gateway: GatewaySettings, besides own: [SocketAddress]) throws {
        try ListenerSet.rehearse(gateway.listeners.flatMap(\.requests), besides: own)
        if let metrics = gateway.metrics {
            try MetricsListener.rehearse(metrics, besides: own)
        }
    }
}
