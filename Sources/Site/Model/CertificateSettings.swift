/// One entry of `certificates`.
package struct CertificateSettings: Sendable, Equatable {
    /// Its key in `certificates`.
    package var name: String
    /// The names it covers: exact or wildcard, never `any`, never empty. An exact one may be an IP address.
    package var names: [HostPattern]
    package var issuer: Issuer
    /// The kind of key to make. Of no meaning when the issuer is `files`.
    package var key: KeyType = .ecdsaP256
    /// `reuse-key`: what follows it has the same key. Of no meaning when the issuer is `files`.
    package var reusesKey = false
    /// `deploy`: who else on this host is told of a new one.
    package var deploy: DeploySettings?
    /// `canary`: a new one is shown to a share of the clients first; nil for all at once.
    package var canary: CanarySettings?
    /// `standby`: another issuer, whose certificate is kept ready.
    package var standby: Issuer?
    package var position = SourcePosition.none
    /// Where its `names`, `issuer`, `standby` and `key` say what they say.
    package var namesPosition = SourcePosition.none
    package var issuerPosition = SourcePosition.none
    package var standbyPosition = SourcePosition.none
    package var keyPosition = SourcePosition.none

    /// The standby as a certificate of its own, which has a name of its own in the store; nil without one.
    package var standbyCertificate: CertificateSettings? {
        guard let standby else { return nil }
        var settings = CertificateSettings(name: name + Self.standbySuffix, names: names, issuer: standby)
        settings.key = key
        settings.reusesKey = reusesKey
        settings.position = position
        settings.namesPosition = namesPosition
        settings.issuerPosition = standbyPosition
        settings.keyPosition = keyPosition
        return settings
    }

    /// What a standby's name has after that of its certificate. No certificate of a site file ends so.
    package static let standbySuffix = ".standby"

    package init(name: String, names: [HostPattern], issuer: Issuer) {
        self.name = name
        self.names = names
        self.issuer = issuer
    }

    /// Names under which the certificate store keeps the internal CA itself, and what is no certificate.
    package static let reservedNames: Set = [
        "internal-ca", "internal-ca-root", "plans", "acme-accounts", "acme-challenges", "hook-output", "deployed",
        "audit.log",
    ]

    /// Where a certificate comes from.
    package enum Issuer: Sendable, Equatable {
        /// The site's own CA.
        case `internal`
        /// A CA that speaks ACME (RFC 8555).
        case acme(ACMESettings)
        /// PEM files, made elsewhere. Several pairs stand for the same names with keys of different kinds. Never empty.
        case files([CertificateFiles])
    }

    package enum KeyType: String, Sendable, CaseIterable {
        case ecdsaP256 = "ecdsa-p256"
        case ecdsaP384 = "ecdsa-p384"
        case rsa2048 = "rsa-2048"
        case rsa3072 = "rsa-3072"
        case rsa4096 = "rsa-4096"
        case ed25519

        /// What is against it where browsers are the clients.
        package static let refusalOfEd25519 = "no browser takes it, and of the public CAs nearly none"
    }
}

/// How a new certificate is tried with a share of the clients before the others get it.
package struct CanarySettings: Sendable, Equatable {
    /// Of a hundred clients.
    package var share = 10
    /// How long the trial lasts.
    package var time = Duration.seconds(600)
    /// After so many clients that were shown it, it ends before its time.
    package var clients = 1_000

    package init() {}
}

/// The program that is run after a certificate was replaced.
package struct DeploySettings: Sendable, Equatable {
    /// The path of the program, then its first arguments. Never empty.
    package var command: [String] = []
    /// How long one run of it may take.
    package var timeout = Duration.seconds(60)

    package init() {}
}

/// A PEM certificate chain and the key of its first certificate. Paths are resolved against the site file's directory.
package struct CertificateFiles: Sendable, Equatable {
    package var certificate: String
    package var key: String
    package var certificatePosition = SourcePosition.none
    package var keyPosition = SourcePosition.none

    package init(certificate: String, key: String) {
        self.certificate = certificate
        self.key = key
    }
}
