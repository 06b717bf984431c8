enum CertificateRules {
    /// The internal CA certifies no other names than it is given.
    static func namesAreCertifiable(_ site: SiteModel, _ collector: inout DiagnosticCollector) {
        guard let permitted = site.internalCA.names else { return }
        for certificate in site.certificates.inFileOrder(\.position)
        where certificate.issuer == .internal || certificate.standby == .internal {
            let alien = certificate.names.filter { name in !permitted.contains { $0.contains(name) } }
            guard !alien.isEmpty else { continue }
            collector.report(
                .conflict,
                at: SourceRange(certificate.namesPosition),
                "the internal CA may not certify \(alien.map { "\($0)" }.joined(separator: ", "))",
                help: "add what is missing to `names` of `internal-ca` in line \(site.internalCA.position.line)"
            )
        }
    }

    /// A list that nothing serves is missed by the clients that ask for it.
    static func listsAreServed(_ site: SiteModel, _ collector: inout DiagnosticCollector) {
        guard let place = site.internalCA.revocationList, let gateway = site.gateway else { return }
        let port = place.split(separator: ":").dropFirst(2).first.flatMap { UInt16($0) } ?? 80
        let plain = gateway.listeners.filter { $0.tls == nil }
        guard !plain.contains(where: { $0.port == port }) else { return }
        collector.report(
            .ineffective,
            .warning,
            at: SourceRange(site.internalCA.position),
            "no listener speaks HTTP without TLS on port \(port), where clients look for \(place)",
            help: "add `{ port: \(port), redirect: https }` to `gateway.listen`, or "
                + (plain.isEmpty
                    ? "remove `revocation-list`" : "name the port of one, unless a router changes it on the way")
        )
    }

    /// Browsers take no Ed25519, and neither does nearly every public CA.
    static func keysAreTaken(_ site: SiteModel, _ collector: inout DiagnosticCollector) {
        for certificate in site.certificates.inFileOrder(\.position) where certificate.key == .ed25519 {
            let directories = [certificate.issuer, certificate.standby].compactMap { issuer -> String? in
                if case .acme(let acme) = issuer { acme.directory } else { nil }
            }
            guard let directory = directories.first else { continue }
            collector.report(
                .ineffective,
                .warning,
                at: SourceRange(certificate.keyPosition),
                "\(directory) will hardly take a key of type ed25519: \(CertificateSettings.KeyType.refusalOfEd25519)",
                help: "write `key: ecdsa-p256`"
            )
        }
    }

    /// Who goes to an address asks for no name, and gets the default certificate or none.
    static func addressesAreShown(_ site: SiteModel, _ collector: inout DiagnosticCollector) {
        let listeners = site.gateway?.listeners.compactMap(\.tls) ?? []
        let shown = Set(listeners.flatMap(\.certificates))
        let defaults = Set(listeners.filter { $0.unknownName == .default }.compactMap(\.certificates.first))
        for certificate in site.certificates.inFileOrder(\.position)
        where shown.contains(certificate.name) && !defaults.contains(certificate.name)
            && certificate.names.allSatisfy(\.isAddress)
        {
            collector.report(
                .ineffective,
                .warning,
                at: SourceRange(certificate.namesPosition),
                "no client gets the certificate \(quoted(certificate.name)): it is for addresses, and no listener has it first, "
                    + "with `unknown-name: default`",
                help: "write it first in a listener's `certificates`, with `unknown-name: default`"
            )
        }
    }
}

extension HostPattern {
    fileprivate var isAddress: Bool {
        guard case .exact(let text) = self else { return false }
        return IPAddress(text) != nil
    }
}
