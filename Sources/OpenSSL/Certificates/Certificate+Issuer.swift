internal import COpenSSL
internal import Synchronization

/// Who signed a certificate.
extension Certificate {
    /// `issuer` signed this certificate: it has the name and the identifier that are told here, it may issue, and the signature
    /// is of its key. By the contents of both alone: how they were read says nothing.
    package func isIssued(by issuer: Certificate) -> Bool {
        defer { ERR_clear_error() }
        return names(issuer) && isSigned(by: issuer)
    }

    /// Signed with its own key, as a root is (RFC 5280, section 3.2). Found out when it is first asked for: a signature costs
    /// more to check than all else of a look at a chain's dates.
    package var isSelfSigned: Bool {
        let known = selfSignature.load(ordering: .relaxed)
        if known != .unchecked { return known == .right }
        let found: SelfSignature = isIssued(by: self) ? .right : .wrong
        // Whoever else finds it out at once finds the same.
        selfSignature.store(found, ordering: .relaxed)
        return found == .right
    }

    internal enum SelfSignature: UInt8, AtomicRepresentable {
        case unchecked, wrong, right
    }

    /// Whether `other` has the name that is told here for the issuer, whoever signed.
    internal func namesIssuer(_ other: Certificate) -> Bool {
        // Sound: both are only read.
        unsafe X509_NAME_cmp(X509_get_subject_name(other.contents), X509_get_issuer_name(contents)) == 0
    }

    /// As `X509_check_issued`, which wants a digest of all of the certificate, which one without its key has not: subject and
    /// issuer, their keys' identifiers, and that the issuer may issue. That the algorithms fit shows with the signature.
    private func names(_ issuer: Certificate) -> Bool {
        let authority = unsafe issuer.examined
        // Sound: both are only read.
        guard namesIssuer(issuer),
            unsafe X509_get_extension_flags(contents) & UInt32(EXFLAG_INVALID | EXFLAG_PROXY) == 0,
            unsafe X509_get_extension_flags(authority) & UInt32(EXFLAG_INVALID) == 0,
            unsafe X509_get_key_usage(authority) & UInt32(KU_KEY_CERT_SIGN) != 0
        else { return false }
        guard let raw = unsafe X509_get_ext_d2i(contents, NID_authority_key_identifier, nil, nil) else { return true }
        // Sound: the decoded extension is ours until AUTHORITY_KEYID_free.
        let identifier = unsafe raw.assumingMemoryBound(to: AUTHORITY_KEYID.self)
        defer { unsafe AUTHORITY_KEYID_free(identifier) }
        return unsafe X509_check_akid(authority, identifier) == X509_V_OK
    }

    /// As `X509_verify`, which takes its algorithms from the library context of the certificate, where one that is read
    /// without its key has none.
    private func isSigned(by issuer: Certificate) -> Bool {
        let der = der
        var reader = DERReader(der.indices)
        guard let whole = reader.take(DERReader.sequence, in: der.span) else { return false }
        var inner = DERReader(whole)
        guard inner.take(DERReader.sequence, in: der.span) != nil else { return false }
        let signed = der[whole.lowerBound..<inner.rest.lowerBound]
        var algorithm: UnsafePointer<X509_ALGOR>?
        var signature: UnsafePointer<ASN1_BIT_STRING>?
        unsafe X509_get0_signature(&signature, &algorithm, contents)
        // Sound: the bytes are copied to an object that is ours; all else is only read.
        guard unsafe X509_ALGOR_cmp(algorithm, X509_get0_tbs_sigalg(contents)) == 0,
            let element = unsafe signed.withUnsafeBufferPointer({ bytes in
                var cursor = bytes.baseAddress
                return unsafe d2i_ASN1_TYPE(nil, &cursor, bytes.count)
            })
        else { return false }
        defer { unsafe ASN1_TYPE_free(element) }
        return unsafe ASN1_item_verify(ASN1_ANY_it(), algorithm, signature, element, issuer.publicKey) == 1
    }
}
