internal import COpenSSL

extension Certificate {
    /// Who signs.
    package struct Authority: Sendable {
        package let certificate: Certificate
        package let key: PrivateKey

        package init(certificate: Certificate, key: PrivateKey) {
            self.certificate = certificate
            self.key = key
        }
    }

    /// Makes a certificate for the public half of `key`, signed by `authority`, or by itself when that is nil.
    package static func issue(
        _ template: CertificateTemplate,
        for key: PrivateKey,
        by authority: Authority?
    ) throws(OpenSSLError) -> Certificate {
        // Sound: the X509 is ours alone until it is returned, and freed by its owner; OpenSSL copies
        // or takes a reference on what it is given.
        guard let handle = unsafe X509_new() else { throw .drained("make a certificate") }
        let certificate = unsafe Certificate(filling: handle)
        unsafe X509_set_version(handle, 2)
        try certificate.setSerialNumber()
        unsafe ASN1_TIME_set(X509_getm_notBefore(handle), Int(template.notBefore))
        unsafe ASN1_TIME_set(X509_getm_notAfter(handle), Int(template.notAfter))
        if !template.commonName.isEmpty {
            let added = unsafe X509_NAME_add_entry_by_txt(
                X509_get_subject_name(handle),
                "CN",
                MBSTRING_UTF8,
                template.commonName,
                -1,
                -1,
                0
            )
            if added != 1 { throw .drained("set the common name \(template.commonName)") }
        }
        let issuer = authority?.certificate ?? certificate
        unsafe X509_set_issuer_name(handle, X509_get_subject_name(issuer.contents))
        unsafe X509_set_pubkey(handle, key.handle)
        try certificate.addExtensions(template, key: key.algorithm, issuer: issuer)
        let signer = authority?.key ?? key
        guard unsafe X509_sign(handle, signer.handle, signer.signingDigest) > 0 else {
            throw .drained("sign the certificate")
        }
        return try certificate.reparsed()
    }

    /// 126 random bits or so (CA/B baseline requirements 7.1: at least 64), positive.
    private func setSerialNumber() throws(OpenSSLError) {
        var bytes = [UInt8](repeating: 0, count: 16)
        guard unsafe RAND_bytes(&bytes, 16) == 1 else { throw .drained("draw a serial number") }
        bytes[0] = bytes[0] & 0x3F | 0x40
        let number = unsafe BN_bin2bn(bytes, 16, nil)
        defer { unsafe BN_free(number) }
        guard unsafe BN_to_ASN1_INTEGER(number, X509_get_serialNumber(handle)) != nil else {
            throw .drained("set the serial number")
        }
    }

    private func addExtensions(
        _ template: CertificateTemplate,
        key: PrivateKey.Algorithm,
        issuer: Certificate
    ) throws(OpenSSLError) {
        var context = unsafe X509V3_CTX()
        unsafe X509V3_set_ctx(&context, issuer.contents, handle, nil, nil, 0)
        for (nid, value) in template.extensions(forKey: key) {
            guard let made = unsafe X509V3_EXT_conf_nid(nil, &context, nid, value) else {
                throw .drained("make the extension \(value)")
            }
            defer { unsafe X509_EXTENSION_free(made) }
            guard unsafe X509_add_ext(handle, made, -1) == 1 else { throw .drained("add the extension \(value)") }
        }
        if !template.names.isEmpty { try addNames(template.names, critical: template.commonName.isEmpty) }
    }

    /// subjectAltName; critical when the subject is empty (RFC 5280 section 4.2.1.6).
    private func addNames(_ names: [String], critical: Bool) throws(OpenSSLError) {
        guard let stack = unsafe OPENSSL_sk_new_null() else { throw .drained("list the names") }
        // Sound: the stack owns its entries, and each entry the string set in it.
        defer { unsafe GENERAL_NAMES_free(stack) }
        for name in names {
            guard let entry = unsafe GENERAL_NAME_new() else { throw .drained("add the name \(name)") }
            unsafe OPENSSL_sk_push(stack, entry)
            if let address = unsafe a2i_IPADDRESS(name) {
                unsafe GENERAL_NAME_set0_value(entry, GEN_IPADD, address)
                continue
            }
            ERR_clear_error()
            guard let text = unsafe ASN1_IA5STRING_new() else { throw .drained("add the name \(name)") }
            unsafe GENERAL_NAME_set0_value(entry, GEN_DNS, text)
            guard Certificate.isHostName(name), unsafe ASN1_STRING_set(text, name, Int32(name.utf8.count)) == 1 else {
                throw OpenSSLError("add the name \(name)", reason: "neither a host name nor an address")
            }
        }
        let added = unsafe X509_add1_ext_i2d(
            handle,
            ExtensionID.subjectAltName,
            UnsafeMutableRawPointer(stack),
            critical ? 1 : 0,
            0
        )
        if added != 1 { throw .drained("add the names") }
    }

    /// A name as `dnsNames` would give it back.
    internal static func isHostName(_ name: String) -> Bool {
        let bytes = Array(name.withoutWildcard.utf8)
        return ServerNameExtension.normalized(bytes.span) != nil
    }

    /// A fresh object from the signed bytes, so that nothing cached while it was made remains.
    private func reparsed() throws(OpenSSLError) -> Certificate {
        let encoded = der
        do throws(CertificateError) {
            return try Certificate(der: encoded.span, isKeyWanted: false)
        } catch {
            throw OpenSSLError("read back the certificate", reason: error.description)
        }
    }
}
