/// What is wrong with a certificate, a chain or a key, in words for the person who has to mend it.
package enum CertificateError: Error, Equatable, Sendable, CustomStringConvertible {
    case noCertificate
    case malformedCertificate(reason: String)
    case noKey
    case severalKeys
    case encryptedKey
    /// DER where PEM is expected.
    case binaryCertificate
    case binaryKey
    /// A PEM block that is begun, and cannot be read to its end; counted from 1.
    case damagedBlock(number: Int)
    /// A file is no PKCS #12 file, or not the whole of one.
    case malformedContainer(reason: String)
    /// A PKCS #12 file does not open.
    case closedContainer(reason: String)
    /// A PKCS #12 file without a key.
    case keylessContainer
    case malformedKey(reason: String)
    case unsupportedKey(String)
    case weakKey(bits: Int)
    /// An ECDSA key whose curve is spelled out.
    case unnamedCurve(owner: String)
    case unsupportedCurve(owner: String, curve: String)
    case keyMismatch(subject: String)
    /// Another certificate than its issuer's follows one of a chain.
    case brokenChain(subject: String, issuer: String, next: String, Gap)
    case noNames(subject: String)
    /// It names hosts that its issuer may not certify.
    case forbiddenNames(subject: String, issuer: String)
    /// A key or a signature of the chain is too weak to be sent.
    case weak(subject: String, why: String)
    /// It may not be used where it stands, as clients see it.
    case unfit(subject: String, why: String)
    /// What it says of transparency logs is such that browsers refuse it.
    case intransparent(subject: String, why: String)
    case notYetValid(subject: String, from: String)
    case expired(subject: String, since: String)
    case malformedBundle
    /// A list of revoked certificates.
    case malformedList(reason: String)
    case noList
    case binaryList

    /// Where the issuer's certificate is that does not follow.
    package enum Gap: Equatable, Sendable {
        /// Elsewhere in the chain.
        case misplaced
        /// One of its name is there that did not sign: another CA's, or one of before.
        case namesake
        case missing
    }

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
        case .binaryCertificate:
            "it is binary (DER), where PEM is expected: `openssl x509 -inform der -in FILE -out NEW` writes a certificate "
                + "anew, and `gatehouse certs import NAME --pkcs12 FILE` takes a PKCS #12 file"
        case .binaryKey:
            "it is binary (DER), where PEM is expected: `openssl pkey -inform der -in FILE -out NEW` writes a key anew"
        case .damagedBlock(let number):
            "its PEM block \(number) is cut short or damaged: the file may not have been written to its end; "
                + "obtain it again"
        case .malformedContainer(let reason):
            "it is no PKCS #12 file, or is cut short or damaged (\(reason)): have it written anew, and copied whole"
        case .closedContainer(let reason):
            "the PKCS #12 file does not open with this password (\(reason)); name another with --password-file, or, where "
                + "OpenSSL does not know its old cipher, write it anew with `openssl pkcs12 -legacy`"
        case .keylessContainer:
            "the PKCS #12 file holds no private key; have it written anew with its key"
        case .malformedKey(let reason):
            "the private key cannot be read (\(reason))"
        case .unsupportedKey(let type):
            "keys of type \(type) are not supported; use ECDSA (P-256, P-384, P-521), RSA or Ed25519"
        case .weakKey(let bits):
            "an RSA key of \(bits) bits is too weak; use 2048 or more, or ECDSA P-256"
        case .unnamedCurve(let owner):
            "\(owner) spells its curve out in place of naming it, so that every handshake would fail (RFC 8422); make a key "
                + "with `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out NEW`, and have a certificate "
                + "issued for it"
        case .unsupportedCurve(let owner, let curve):
            "\(owner) is on the curve \(curve), which clients of TLS do not take; make one on P-256 with `openssl genpkey "
                + "-algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out NEW`, and have a certificate issued for it"
        case .keyMismatch(let subject):
            "the private key does not belong to the certificate of \(subject); the first certificate must be the key's own"
        case .brokenChain(let subject, let issuer, let next, .missing):
            "the chain is broken: \(subject) was issued by \(issuer), whose certificate is missing: the next one is \(next); "
                + "add it, and leave out what is not of this chain: the server's certificate first, then each issuer in turn"
        case .brokenChain(let subject, let issuer, _, .namesake):
            "the chain is broken: \(subject) was issued by \(issuer), and the certificate that is there is of that name, but "
                + "another key signed, or it may not sign; take the one that its CA gave with it: a CA of another site may have "
                + "the same name, and each CA has had others before"
        case .brokenChain(let subject, let issuer, let next, .misplaced):
            "the chain is broken: \(subject) was issued by \(issuer), but the next certificate is \(next); "
                + "put the server's certificate first, then each issuer in turn"
        case .noNames(let subject):
            "the certificate of \(subject) names no host: it has no subjectAltName of type DNS or IP"
        case .forbiddenNames(let subject, let issuer):
            "the certificate of \(subject) names hosts that its issuer, \(issuer), may not certify: clients refuse it; "
                + "have it issued for other names, or by another CA"
        case .weak(let subject, let why):
            "the certificate of \(subject) \(why): clients refuse that, and OpenSSL sends it to none, so that every handshake "
                + "would fail; have another one issued"
        case .unfit(let subject, let why):
            "the certificate of \(subject) \(why): there are clients that refuse it; have another one issued"
        case .intransparent(let subject, let why):
            "the certificate of \(subject): \(why), so that browsers refuse it; obtain another one from its issuer"
        case .notYetValid(let subject, let from):
            "the certificate of \(subject) is not valid before \(from); check the clock"
        case .expired(let subject, let since):
            "the certificate of \(subject) expired at \(since); renew it"
        case .malformedList(let reason):
            "the list of revoked certificates cannot be read (\(reason))"
        case .noList:
            "there is no list of revoked certificates: expected a PEM block that begins with -----BEGIN X509 CRL-----"
        case .binaryList:
            "it is binary (DER), where PEM is expected: `openssl crl -inform der -in FILE -out NEW` writes a list anew"
        case .malformedBundle:
            "the certificate bundle is damaged"
        }
    }
}
