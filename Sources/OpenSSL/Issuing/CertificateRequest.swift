internal import COpenSSL

/// A certification request (PKCS #10, RFC 2986): which names a key is to be certified for.
package enum CertificateRequest {
    /// Names in subjectAltName and no subject, as ACME's CAs take them; signed by the key.
    ///
    /// - Parameter names: DNS names (a wildcard begins with `*.`) and IP addresses.
    /// - Returns: DER.
    package static func make(names: [String], key: PrivateKey) throws(OpenSSLError) -> [UInt8] {
        guard let request = unsafe X509_REQ_new() else { throw .drained("make a request") }
        defer { unsafe X509_REQ_free(request) }
        unsafe X509_REQ_set_version(request, 0)
        unsafe X509_REQ_set_pubkey(request, key.handle)
        var text = ""
        for name in names {
            let isAddress = unsafe a2i_IPADDRESS(name).map { unsafe ASN1_OCTET_STRING_free($0) } != nil
            ERR_clear_error()
            guard isAddress || Certificate.isHostName(name) else {
                throw OpenSSLError("ask for the name \(name)", reason: "neither a host name nor an address")
            }
            text += (text.isEmpty ? "" : ",") + (isAddress ? "IP:" : "DNS:") + name
        }
        guard let made = unsafe X509V3_EXT_conf_nid(nil, nil, ExtensionID.subjectAltName, text) else {
            throw .drained("ask for the names \(text)")
        }
        guard let stack = unsafe OPENSSL_sk_new_null() else {
            unsafe X509_EXTENSION_free(made)
            throw .drained("make a request")
        }
        unsafe OPENSSL_sk_push(stack, UnsafeRawPointer(made))
        let added = unsafe X509_REQ_add_extensions(request, stack)
        unsafe OPENSSL_sk_free(stack)
        unsafe X509_EXTENSION_free(made)
        guard added == 1, unsafe X509_REQ_sign(request, key.handle, key.signingDigest) > 0 else {
            throw .drained("sign the request")
        }
        var data: UnsafeMutablePointer<UInt8>?
        // Sound: i2d allocates what it writes, which is copied and freed.
        let count = unsafe i2d_X509_REQ(request, &data)
        defer { unsafe CRYPTO_free(data, nil, 0) }
        guard count > 0 else { throw .drained("write the request") }
        return unsafe Array(UnsafeBufferPointer(start: data, count: Int(count)))
    }
}
