/// What TLS-ALPN-01 shows a CA (RFC 8737): a certificate that signs itself, good for nothing else.
package enum ChallengeCertificate {
    /// The one protocol that the CA offers in its handshake.
    package static let applicationProtocol = "acme-tls/1"

    /// Seconds that it is good for, before and after now: no CA looks at its dates.
    private static let lifetime: Int64 = 7 * 86_400

    /// - Parameters:
    ///   - name: a DNS name or an IP address.
    ///   - keyAuthorization: what proves the account; its digest is what the CA looks for (section 3).
    ///   - now: seconds since 1970.
    package static func make(
        for name: String,
        keyAuthorization: String,
        now: Int64
    ) throws(OpenSSLError) -> CertificateBundle {
        let key = try PrivateKey.generate(.ecdsaP256)
        let template = CertificateTemplate(
            role: .challenge(digest: Fingerprint.digest(Array(keyAuthorization.utf8))),
            commonName: "ACME challenge",
            names: [name],
            notBefore: now - lifetime,
            notAfter: now + lifetime
        )
        let certificate = try Certificate.issue(template, for: key, by: nil)
        do throws(CertificateError) {
            return try CertificateBundle(chain: [certificate], key: key)
        } catch {
            throw OpenSSLError("make the answer to a challenge", reason: "\(error)")
        }
    }
}
