internal import COpenSSL

/// How CAs name a certificate of theirs.
extension Certificate {
    /// The identifier of the issuer's key, as the certificate has it (RFC 5280, section 4.2.1.1); nil without one.
    package var authorityKeyIdentifier: [UInt8]? { unsafe octets(X509_get0_authority_key_id(examined)) }

    /// The identifier of its own key (RFC 5280, section 4.2.1.2); nil without one.
    package var subjectKeyIdentifier: [UInt8]? { unsafe octets(X509_get0_subject_key_id(examined)) }

    private func octets(_ string: UnsafePointer<ASN1_OCTET_STRING>?) -> [UInt8]? {
        // Sound: the string belongs to the certificate and is copied.
        guard let string = unsafe string else { return nil }
        return unsafe Array(
            UnsafeBufferPointer(start: ASN1_STRING_get0_data(string), count: Int(ASN1_STRING_length(string)))
        )
    }

    /// The contents of the serial number in DER: a leading zero, which keeps it positive, is there.
    package var serialNumber: [UInt8] { unsafe Self.contents(X509_get0_serialNumber(contents)) }

    /// The contents of an INTEGER in DER.
    internal static func contents(_ number: UnsafePointer<ASN1_INTEGER>?) -> [UInt8] {
        var data: UnsafeMutablePointer<UInt8>?
        // Sound: i2d allocates what it writes, which is copied and freed.
        let count = unsafe Int(i2d_ASN1_INTEGER(number, &data))
        defer { unsafe CRYPTO_free(data, nil, 0) }
        guard count > 2 else { return [] }
        // A tag and a length of one byte each: no serial number takes 128 bytes.
        return unsafe Array(UnsafeBufferPointer(start: data, count: count).dropFirst(2))
    }
}
