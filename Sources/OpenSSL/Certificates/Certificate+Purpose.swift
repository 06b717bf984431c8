internal import COpenSSL

/// What a certificate may be used for (RFC 5280, sections 4.2.1.3, 4.2.1.9 and 4.2.1.12), by OpenSSL's own judgement where
/// it has one.
extension Certificate {
    /// Why clients would not take it of a server, as the end of a sentence; nil when they would.
    internal var faultAsServer: String? {
        if let fault = faultOfExtensions { return fault }
        // Sound: the certificate is only read; what these look at was worked out when it was made.
        guard unsafe X509_check_purpose(handle, X509_PURPOSE_SSL_SERVER, 0) == 1 else {
            return "is not for servers (its extended key usage lacks serverAuth, or its key usage what TLS needs)"
        }
        // Absent usages are all there. Every handshake of TLS 1.3, and those of 1.2 that are spoken here, sign.
        guard unsafe X509_get_key_usage(handle) & UInt32(KU_DIGITAL_SIGNATURE) != 0 else {
            return "has a key that may not sign handshakes (its key usage lacks digitalSignature)"
        }
        guard unsafe X509_get_ext_by_NID(handle, NID_tlsfeature, -1) < 0 else {
            return "asks for an OCSP answer in each handshake (must-staple), and the gateway gives none"
        }
        return nil
    }

    /// Why clients would not take it as an issuer in a server's chain; nil when they would.
    ///
    /// - Parameter below: how many issuers stand between it and the server's certificate.
    internal func faultAsIssuer(of below: Int) -> String? {
        if let fault = faultOfExtensions { return fault }
        // Sound: as above.
        let verdict = unsafe X509_check_purpose(handle, X509_PURPOSE_SSL_SERVER, 1)
        // 3 stands for a root of the first version of X.509, which has no extensions, 4 for one with keyCertSign alone.
        guard verdict == 1 || ((verdict == 3 || verdict == 4) && subject == issuer) else {
            return "may not issue certificates of servers (it is no CA, or its usages do not allow that)"
        }
        let most = unsafe X509_get_pathlen(handle)
        guard most < 0 || below <= most else { return "allows \(most) issuers below it, and the chain has \(below)" }
        return nil
    }

    private var faultOfExtensions: String? {
        // Sound: as above.
        let flags = unsafe X509_get_extension_flags(handle)
        if flags & UInt32(EXFLAG_INVALID) != 0 { return "has an extension that is malformed" }
        if flags & UInt32(EXFLAG_CRITICAL) != 0 { return "has a critical extension that clients do not know" }
        return nil
    }
}
