package import OpenSSL
package import Site

/// What the internal CA of a site makes from now on. What is there already stays as it is.
package struct InternalCAPolicy: Sendable, Equatable {
    /// What the next intermediate may certify; nil for any name.
    package var constraints: NameConstraints?
    /// The kind of the next keys of root and intermediate.
    package var key = PrivateKey.Kind.ecdsaP256
    /// Where clients find its lists of revoked certificates, as `http://HOST`; nil when certificates do not say.
    package var address: String?

    /// More names than this, of which none lies below another, are not listed in an intermediate: it goes out with each
    /// handshake.
    private static let mostDerived = 64

    package init() {}

    /// That of a site: constraints as its file says them, else its domain and the names of its own certificates.
    ///
    /// - Parameter names: others that are to be certified, as a site file writes them.
    package init(_ site: SiteModel, for names: [String] = []) {
        key = site.internalCA.key.kind
        address = site.internalCA.revocationList
        if let wanted = site.internalCA.names {
            constraints =
                NameConstraints(
                    domains: wanted.compactMap(\.domain),
                    networks: wanted.compactMap(\.network).map { network in
                        NameConstraints.Network(address: network.address.bytes, prefix: network.prefixLength)
                    }
                ).simplified
            return
        }
        let own = site.certificates.values.filter { settings in
            // The internal CA stands in for an ACME server, and may make the standby of files.
            if case .files = settings.issuer { settings.standby == .internal } else { true }
        }
        let all = [site.name] + own.flatMap { $0.names.map { "\($0)" } } + names
        let derived = NameConstraints(covering: all)
        constraints = derived.count > Self.mostDerived ? nil : derived
    }
}

extension NameConstraints {
    /// Those that permit these names and addresses, and what is below the names.
    fileprivate init(covering names: [String]) {
        var made = NameConstraints()
        for name in names {
            if let address = IPAddress(name) {
                made.networks.append(Network(address: address.bytes, prefix: address.width))
            } else {
                made.domains.append(name.withoutWildcard)
            }
        }
        self = made.simplified
    }

    /// Those of `names` that may not be certified.
    internal func outside(_ names: [String]) -> [String] {
        names.filter { name in
            if let address = IPAddress(name) { return !permits(address: address.bytes) }
            return !permits(name: name)
        }
    }
}

extension CertificateSettings.KeyType {
    /// As keys are made.
    internal var kind: PrivateKey.Kind {
        switch self {
        case .ecdsaP256: .ecdsaP256
        case .ecdsaP384: .ecdsaP384
        case .rsa2048: .rsa2048
        case .rsa3072: .rsa3072
        case .rsa4096: .rsa4096
        case .ed25519: .ed25519
        }
    }
}
