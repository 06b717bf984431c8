/// What a certificate is to say.
package struct CertificateTemplate: Sendable {
    package enum Role: Sendable {
        /// A CA that signs CAs.
        case root
        /// A CA that signs servers and clients only, and only for some names where there are constraints.
        case intermediate
        case server
        case client
        /// An answer to TLS-ALPN-01, with the SHA-256 digest of the key authorization (RFC 8737, section 3).
        case challenge(digest: [UInt8])
    }

    package var role: Role
    /// The common name of the subject; empty for a subject without one, as browsers ask for SAN only.
    package var commonName: String
    /// DNS names (a wildcard begins with `*.`) and IP addresses, for subjectAltName.
    package var names: [String]
    /// Seconds since 1970.
    package var notBefore: Int64
    package var notAfter: Int64
    /// What an intermediate may certify; nil for any name.
    package var constraints: NameConstraints?
    /// The URL at which the issuer's list of revoked certificates is, for servers and clients; nil for none.
    package var revocationList: String?

    package init(role: Role, commonName: String = "", names: [String] = [], notBefore: Int64, notAfter: Int64) {
        self.role = role
        self.commonName = commonName
        self.names = names
        self.notBefore = notBefore
        self.notAfter = notAfter
    }

    /// The extensions in the words of OpenSSL's configuration files, in the order they are added.
    internal func extensions(forKey algorithm: PrivateKey.Algorithm) -> [(nid: Int32, value: String)] {
        let serverUsage =
            algorithm == .rsa ? "critical,digitalSignature,keyEncipherment" : "critical,digitalSignature"
        switch role {
        case .root:
            return [
                (ExtensionID.basicConstraints, "critical,CA:TRUE"),
                (ExtensionID.keyUsage, "critical,keyCertSign,cRLSign"),
                (ExtensionID.subjectKeyIdentifier, "hash"),
            ]
        case .intermediate:
            return [
                (ExtensionID.basicConstraints, "critical,CA:TRUE,pathlen:0"),
                (ExtensionID.keyUsage, "critical,keyCertSign,cRLSign"),
                (ExtensionID.extendedKeyUsage, "serverAuth,clientAuth"),
                (ExtensionID.subjectKeyIdentifier, "hash"),
                (ExtensionID.authorityKeyIdentifier, "keyid:always"),
            ] + (constraints.map { [(ExtensionID.nameConstraints, $0.configuration)] } ?? [])
        case .server: return leaf(serverUsage, "serverAuth")
        case .client: return leaf(serverUsage, "clientAuth")
        case .challenge(let digest):
            // An OCTET STRING that holds the digest.
            let value = Hexadecimal.text([0x04, UInt8(clamping: digest.count)] + digest)
            return [
                (ExtensionID.basicConstraints, "critical,CA:FALSE"),
                (ExtensionID.keyUsage, "critical,digitalSignature"),
                (ExtensionID.acmeIdentifier, "critical,DER:" + value),
            ]
        }
    }

    private func leaf(_ usage: String, _ purpose: String) -> [(nid: Int32, value: String)] {
        [
            (ExtensionID.basicConstraints, "critical,CA:FALSE"),
            (ExtensionID.keyUsage, usage),
            (ExtensionID.extendedKeyUsage, purpose),
            (ExtensionID.subjectKeyIdentifier, "hash"),
            (ExtensionID.authorityKeyIdentifier, "keyid:always"),
        ] + (revocationList.map { [(ExtensionID.distributionPoints, "URI:\($0)")] } ?? [])
    }
}
