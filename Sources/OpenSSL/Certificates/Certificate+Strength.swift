internal import COpenSSL

/// What OpenSSL sends to no client, however well it is made: it refuses such a certificate when a handshake asks for it.
extension Certificate {
    /// Bits of security that every key and signature of a chain must have, at the level that contexts are given
    /// (SSL_CTX_set_security_level(3), level 2).
    private static let fewestBits: Int32 = 112

    /// Why no handshake could bring it, as the end of a sentence; nil when one could.
    ///
    /// - Parameter held: its key, where that is at hand.
    internal func faultOfStrength(key held: PrivateKey? = nil) -> String? {
        // The curves of those that are known by their bytes have 128 bits of security, and more.
        if held?.plain == nil {
            // Sound: the certificate is only read; its key lives as long as it does.
            let key = unsafe held?.handle ?? publicKey
            if unsafe EVP_PKEY_get_security_bits(key) < Self.fewestBits {
                return "has a key of \(unsafe EVP_PKEY_get_bits(key)) bits, which is too weak"
            }
        }
        var digest: Int32 = 0
        var bits: Int32 = -1
        // Sound: the certificate is only read; both numbers are written where they are asked for.
        guard unsafe X509_get_signature_info(contents, &digest, nil, &bits, nil) == 1, bits < Self.fewestBits else {
            return nil
        }
        // Nobody looks at how a root signed itself; that it did is known of one that has its key.
        if unsafe X509_get_extension_flags(contents) & UInt32(EXFLAG_SI) != 0,
            unsafe X509_get_extension_flags(handle) & UInt32(EXFLAG_SS) != 0
        {
            return nil
        }
        // Sound: the name is a constant of the library's.
        let name = unsafe OBJ_nid2sn(digest).map { unsafe String(cString: $0) } ?? "a digest"
        return "is signed with \(name), which is too weak"
    }
}
