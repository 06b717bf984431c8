import OpenSSL

/// One input: a file of certificates and keys, as PEM, as DER and as PKCS #12 without a password.
///
/// What must hold, or it traps: reading ends in certificates or an error; what was read is written and read again as the
/// same; and whatever can be asked of a certificate has an answer.
@c(LLVMFuzzerTestOneInput)
public func fuzzPEM(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    // Sound: libFuzzer lends `count` bytes for the length of this call.
    let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    var found = (try? Certificate.load(pem: bytes.span)) ?? []
    if let one = try? Certificate(der: bytes.span) {
        found.append(one)
        guard let keyless = try? Certificate(der: bytes.span, isKeyWanted: false) else {
            preconditionFailure("what is read with its key is read without it")
        }
        precondition(keyless.isIssued(by: one) == one.isIssued(by: one), "and verified alike")
        found.append(keyless)
    }
    for certificate in found {
        let der = certificate.der
        guard let again = try? Certificate(der: der.span) else { preconditionFailure("what was written is read again") }
        precondition(again.der == der, "and is the same")
        _ = (certificate.subject, certificate.issuer, certificate.dnsNames, certificate.addresses)
        _ = (certificate.authorityKeyIdentifier, certificate.serialNumber, certificate.fingerprint)
        _ = (certificate.subjectKeyIdentifier, certificate.nameConstraints?.text, try? certificate.signedTimestamps())
        precondition(certificate.validity.lowerBound <= certificate.validity.upperBound)
    }
    let password: [UInt8] = []
    if let bundle = try? CertificateBundle(pkcs12: bytes.span, password: password.span) {
        precondition(bundle.key.belongs(to: bundle.leaf), "a bundle's key fits")
    }
    guard let key = try? PrivateKey(pem: bytes.span) else { return 0 }
    precondition((try? PrivateKey(pem: key.pem.bytes)) != nil, "a key that was written is read again")
    if let bundle = try? CertificateBundle(chain: found, key: key) { precondition(key.belongs(to: bundle.leaf)) }
    return 0
}
