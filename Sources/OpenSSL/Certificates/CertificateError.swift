/// What is wrong with a certificate, a chain or a key, in words for the person who has to mend it.
package enum CertificateError: Error, Equatable, Sendable, CustomStringConvertible {
    case noCertificate
    case malformedCertificate(reason: String)
    case noKey
    case severalKeys
    case encryptedKey
    /// A PKCS #12 file does not open.
    case closedContainer(reason: String)
    case malformedKey(reason: String)
    case unsupportedKey(String)
    case weakKey(bits: Int)
    case keyMismatch(subject: String)
    case brokenChain(subject: String, issuer: String, next: String)
    case noNames(subject: String)
    case notYetValid(subject: String, from: String)
    case expired(subject: String, since: String)
    case malformedBundle

    package var description: String {
        switch self {
        case .noCertificate:
            "there is no certificate: expected a PEM block that begins with -----BEGIN CERTIFICATE-----"
        case .malformedCertificate(let reason):
            "the certificate cannot be read (\(reason)); obtain it again from its issuer"
        case .noKey:
            "there is no private key: expected a PEM block that begins with -----BEGIN PRIVATE KEY-----"
        case .severalKeys:
            "there is more than one private key; keep the one of the first certificate"
        case .encryptedKey:
            "the private key is encrypted with a passphrase, which a server cannot be asked for; "
                + "decrypt it with `openssl pkey -in KEY -out NEW` and keep the file to its owner alone (mode 0600)"
        case .closedContainer(let reason):
            "the PKCS #12 file does not open with this password (\(reason)); name another with --password-file, or, where "
                + "OpenSSL does not know its old cipher, write it anew with `openssl pkcs12 -legacy`"
        case .malformedKey(let reason):
            "the private key cannot be read (\(reason))"
        case .unsupportedKey(let type):
            "keys of type \(type) are not supported; use ECDSA (P-256, P-384, P-521) or RSA"
        case .weakKey(let bits):
            "an RSA key of \(bits) bits is too weak; use 2048 or more, or ECDSA P-256"
        case .keyMismatch(let subject):
            "the private key does not belong to the certificate of \(subject); the first certificate must be the key's own"
        case .brokenChain(let subject, let issuer, let next):
            "the chain is broken: \(subject) was issued by \(issuer), but the next certificate is \(next); "
                + "put the server's certificate first, then each issuer in turn"
        case .noNames(let subject):
            "the certificate of \(subject) names no host: it has no subjectAltName of type DNS or IP"
        case .notYetValid(let subject, let from):
            "the certificate of \(subject) is not valid before \(from); check the clock"
        case .expired(let subject, let since):
            "the certificate of \(subject) expired at \(since); renew it"
        case .malformedBundle:
            "the certificate bundle is damaged"
        }
    }
}
