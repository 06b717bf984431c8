internal import COpenSSL

/// A CA's list of the certificates that it has taken back (RFC 5280, section 5): whole, of version 2. Immutable.
package struct RevocationList: Sendable, Equatable {
    package struct Entry: Sendable, Equatable {
        /// As `Certificate.serialNumber` has it.
        package let serial: [UInt8]
        /// When it was taken back: seconds since 1970.
        package let moment: Int64
        /// The code of section 5.3.1; 0 for none.
        package let reason: Int

        package init(serial: [UInt8], moment: Int64, reason: Int) {
            self.serial = serial
            self.moment = moment
            self.reason = reason
        }
    }

    package let entries: [Entry]
    /// Rises with each list of the CA; 0 when the list has none.
    package let number: Int64
    /// From when on it counts, and when there is another one at the latest: seconds since 1970.
    package let update: ClosedRange<Int64>
    package let der: [UInt8]

    /// Signs a list.
    ///
    /// - Parameter update: when it is made, and when there will be another one at the latest.
    package init(
        _ entries: [Entry],
        number: Int64,
        update: ClosedRange<Int64>,
        by authority: Certificate.Authority
    ) throws(OpenSSLError) {
        // Sound: the list is ours, and owns its entries once they are added; OpenSSL copies times and names.
        guard let list = unsafe X509_CRL_new() else { throw .drained("make a revocation list") }
        defer { unsafe X509_CRL_free(list) }
        unsafe X509_CRL_set_version(list, 1)
        unsafe X509_CRL_set_issuer_name(list, X509_get_subject_name(authority.certificate.contents))
        let first = unsafe ASN1_TIME_set(nil, Int(update.lowerBound))
        let last = unsafe ASN1_TIME_set(nil, Int(update.upperBound))
        defer {
            unsafe ASN1_TIME_free(first)
            unsafe ASN1_TIME_free(last)
        }
        guard unsafe X509_CRL_set1_lastUpdate(list, first) == 1, unsafe X509_CRL_set1_nextUpdate(list, last) == 1 else {
            throw .drained("date a revocation list")
        }
        for entry in entries { unsafe try Self.add(entry, to: list) }
        unsafe X509_CRL_sort(list)
        unsafe try Self.addExtensions(to: list, number: number, issuer: authority.certificate)
        guard unsafe X509_CRL_sign(list, authority.key.handle, authority.key.signingDigest) > 0 else {
            throw .drained("sign a revocation list")
        }
        var data: UnsafeMutablePointer<UInt8>?
        // Sound: i2d allocates what it writes, which is copied and freed.
        let count = unsafe i2d_X509_CRL(list, &data)
        defer { unsafe CRYPTO_free(data, nil, 0) }
        guard count > 0 else { throw .drained("write a revocation list") }
        der = unsafe Array(UnsafeBufferPointer(start: data, count: Int(count)))
        self.entries = entries
        self.number = number
        self.update = update
    }

    private static func add(_ entry: Entry, to list: OpaquePointer) throws(OpenSSLError) {
        guard let revoked = unsafe X509_REVOKED_new() else { throw .drained("list a certificate") }
        let number = unsafe BN_bin2bn(entry.serial, Int32(entry.serial.count), nil)
        defer { unsafe BN_free(number) }
        let serial = unsafe BN_to_ASN1_INTEGER(number, nil)
        defer { unsafe ASN1_INTEGER_free(serial) }
        let time = unsafe ASN1_TIME_set(nil, Int(entry.moment))
        defer { unsafe ASN1_TIME_free(time) }
        var isWhole =
            unsafe X509_REVOKED_set_serialNumber(revoked, serial) == 1
            && X509_REVOKED_set_revocationDate(revoked, time) == 1
        if isWhole, entry.reason != 0 {
            // Section 5.3.1: "unspecified" is left out.
            let reason = unsafe ASN1_ENUMERATED_new()
            defer { unsafe ASN1_ENUMERATED_free(reason) }
            isWhole =
                unsafe ASN1_ENUMERATED_set(reason, entry.reason) == 1
                && X509_REVOKED_add1_ext_i2d(revoked, NID_crl_reason, reason, 0, 0) == 1
        }
        guard isWhole, unsafe X509_CRL_add0_revoked(list, revoked) == 1 else {
            unsafe X509_REVOKED_free(revoked)
            throw .drained("list a certificate")
        }
    }

    private static func addExtensions(
        to list: OpaquePointer,
        number: Int64,
        issuer: Certificate
    ) throws(OpenSSLError) {
        var context = unsafe X509V3_CTX()
        unsafe X509V3_set_ctx(&context, issuer.contents, nil, nil, list, 0)
        guard
            let key = unsafe X509V3_EXT_conf_nid(nil, &context, ExtensionID.authorityKeyIdentifier, "keyid:always")
        else { throw .drained("name the issuer of a revocation list") }
        defer { unsafe X509_EXTENSION_free(key) }
        let count = unsafe ASN1_INTEGER_new()
        defer { unsafe ASN1_INTEGER_free(count) }
        guard unsafe ASN1_INTEGER_set_int64(count, number) == 1, unsafe X509_CRL_add_ext(list, key, -1) == 1,
            unsafe X509_CRL_add1_ext_i2d(list, NID_crl_number, count, 0, 0) == 1
        else { throw .drained("number a revocation list") }
    }

    // MARK: Reading

    /// Reads a list that `issuer` signed.
    package init(der: Span<UInt8>, issuer: Certificate) throws(CertificateError) {
        // Sound: d2i_X509_CRL reads within the bytes it is given; the list is ours.
        let parsed = unsafe der.withUnsafeBufferPointer { bytes in
            var cursor = bytes.baseAddress
            return unsafe d2i_X509_CRL(nil, &cursor, bytes.count)
        }
        guard let list = unsafe parsed else { throw .malformedList(reason: OpenSSLError.drainedText()) }
        defer { unsafe X509_CRL_free(list) }
        guard unsafe X509_CRL_verify(list, issuer.publicKey) == 1 else {
            ERR_clear_error()
            throw .malformedList(reason: "\(issuer.subject) did not sign it")
        }
        let first = unsafe Certificate.seconds(X509_CRL_get0_lastUpdate(list))
        update = first...max(first, unsafe Certificate.seconds(X509_CRL_get0_nextUpdate(list)))
        number = unsafe Self.number(X509_CRL_get_ext_d2i(list, NID_crl_number, nil, nil)) ?? 0
        var entries: [Entry] = []
        if let revoked = unsafe X509_CRL_get_REVOKED(list) {
            for index in 0..<max(0, unsafe OPENSSL_sk_num(revoked)) {
                guard let entry = unsafe OPENSSL_sk_value(revoked, index) else { continue }
                let pointer = OpaquePointer(entry)
                let reason = unsafe Self.number(X509_REVOKED_get_ext_d2i(pointer, NID_crl_reason, nil, nil))
                entries.append(
                    Entry(
                        serial: unsafe Certificate.contents(X509_REVOKED_get0_serialNumber(pointer)),
                        moment: unsafe Certificate.seconds(X509_REVOKED_get0_revocationDate(pointer)),
                        reason: Int(reason ?? 0)
                    )
                )
            }
        }
        self.entries = entries
        var bytes: [UInt8] = []
        for index in der.indices { bytes.append(der[index]) }
        self.der = bytes
    }

    /// The value of a decoded INTEGER or ENUMERATED, which is freed; nil for none, or one that is too large.
    private static func number(_ decoded: UnsafeMutableRawPointer?) -> Int64? {
        guard let decoded = unsafe decoded else { return nil }
        let number = unsafe decoded.assumingMemoryBound(to: ASN1_INTEGER.self)
        defer { unsafe ASN1_INTEGER_free(number) }
        var value: Int64 = 0
        // Sound: both types are ASN1_STRINGs, told apart by their own tag, which each function wants.
        let status =
            unsafe ASN1_STRING_type(number) == V_ASN1_ENUMERATED
            ? ASN1_ENUMERATED_get_int64(&value, number) : ASN1_INTEGER_get_int64(&value, number)
        ERR_clear_error()
        return status == 1 ? value : nil
    }

    package var pem: String {
        guard let bio = unsafe BIO_new(BIO_s_mem()) else { return "" }
        defer { unsafe BIO_free(bio) }
        // Sound: OpenSSL reads that many bytes during the call.
        unsafe der.withUnsafeBufferPointer { bytes in
            _ = unsafe PEM_write_bio(bio, "X509 CRL", "", bytes.baseAddress, bytes.count)
        }
        return unsafe MemoryBIO.text(bio)
    }
}
