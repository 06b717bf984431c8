import Linux
import Site

/// How a CA comes to see that the names are this site's, and what is seen of that from here beforehand.
extension CertificateProvider {
    /// What can be answered: all that the site file names, but for what no listener of the gateway could show. After
    /// each failure another one comes first.
    internal func solvers(
        _ settings: CertificateSettings,
        _ acme: ACMESettings,
        _ outside: Outside,
        failures: Int
    ) -> [any ACMEChallengeSolver] {
        let wait = { [isAlone = site.gatewayHosts.count < 2] in
            if !isAlone { Self.pause(seconds: GatewayChallenge.timeOfOthers) }
        }
        let able = acme.challenges.compactMap { challenge -> (any ACMEChallengeSolver)? in
            switch challenge {
            case .http01:
                guard hasPlainListener else { return nil }
                return GatewayChallenge(.http, in: store, publish: outside.publish, wait: wait)
            case .tlsALPN01:
                guard hasSealedListener else { return nil }
                return GatewayChallenge(.handshake, in: store, publish: outside.publish, wait: wait)
            case .dns01:
                return acme.dns.map { DNSChallenge($0, for: settings.name, in: store, pause: Self.pause) }
            }
        }
        guard !able.isEmpty else { return [] }
        let first = failures % able.count
        return Array(able[first...] + able[..<first])
    }

    /// A look at the DNS, where the transport can take one.
    internal func preflight(
        _ settings: CertificateSettings,
        _ session: ACMESession,
        _ solvers: [any ACMEChallengeSolver],
        _ transport: any ACMETransport
    ) throws(ACMEProblem) -> Preflight {
        guard let lookup = transport as? any NameLookup else { return Preflight() }
        let methods = solvers.map(\.type)
        let identities = try session.directory().caaIdentities
        return Preflight(
            of: names(settings),
            identities.isEmpty ? nil : CAAPolicy(identities: identities, account: session.account, methods: methods),
            isReached: methods.contains { $0 != "dns-01" },
            own: ownAddresses,
            lookup
        )
    }

    /// Those of this machine, and of the site's gateways.
    private var ownAddresses: Set<IPAddress> {
        let here = InterfaceAddresses.all().map { address -> IPAddress in
            address.isIPv6
                ? .v6(UInt128(address.high) << 64 | UInt128(address.low)) : .v4(UInt32(truncatingIfNeeded: address.low))
        }
        return Set(here + site.gatewayHosts.flatMap(\.allAddresses).map(\.address))
    }

    internal static func pause(seconds: Int64) { Thread.pause(milliseconds: Int(seconds) * 1000) }
}
