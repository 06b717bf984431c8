internal import COpenSSL

extension PrivateKey {
    package enum Kind: String, Sendable, CaseIterable {
        case ecdsaP256 = "ecdsa-p256"
        case ecdsaP384 = "ecdsa-p384"
        case rsa2048 = "rsa-2048"
        case rsa3072 = "rsa-3072"
        case rsa4096 = "rsa-4096"
        /// RFC 8410. Browsers, and most public CAs, take none.
        case ed25519
    }

    /// What this key could have been generated as; nil for sizes and curves that are not generated here.
    package var kind: Kind? {
        // Sound: only read.
        switch (algorithm, unsafe plain?.bits ?? EVP_PKEY_get_bits(handle)) {
        case (.ecdsa, 256): .ecdsaP256
        case (.ecdsa, 384): .ecdsaP384
        case (.rsa, 2048): .rsa2048
        case (.rsa, 3072): .rsa3072
        case (.rsa, 4096): .rsa4096
        case (.ed25519, _): .ed25519
        default: nil
        }
    }

    /// A fresh key. RSA takes up to seconds.
    package static func generate(_ kind: Kind) throws(OpenSSLError) -> PrivateKey {
        let type =
            switch kind {
            case .ecdsaP256, .ecdsaP384: EVP_PKEY_EC
            case .rsa2048, .rsa3072, .rsa4096: EVP_PKEY_RSA
            case .ed25519: EVP_PKEY_ED25519
            }
        // Sound: the context is ours, the key is owned by what is returned.
        let context = unsafe EVP_PKEY_CTX_new_id(type, nil)
        defer { unsafe EVP_PKEY_CTX_free(context) }
        guard unsafe EVP_PKEY_keygen_init(context) == 1 else { throw .drained("make a key") }
        let status: Int32 =
            switch kind {
            case .ed25519: 1
            case .ecdsaP256: unsafe EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1)
            case .ecdsaP384: unsafe EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_secp384r1)
            case .rsa2048: unsafe EVP_PKEY_CTX_set_rsa_keygen_bits(context, 2048)
            case .rsa3072: unsafe EVP_PKEY_CTX_set_rsa_keygen_bits(context, 3072)
            case .rsa4096: unsafe EVP_PKEY_CTX_set_rsa_keygen_bits(context, 4096)
            }
        var made: OpaquePointer?
        guard status == 1, unsafe EVP_PKEY_keygen(context, &made) == 1, let made = unsafe made else {
            throw .drained("make a key")
        }
        do throws(CertificateError) {
            return unsafe try PrivateKey(owning: made)
        } catch {
            throw OpenSSLError("make a key", reason: error.description)
        }
    }

    /// The key as unencrypted PKCS #8 PEM.
    package var pem: KeyMaterial {
        // Sound: the BIO's memory is copied, and wiped by OpenSSL when the BIO goes.
        guard let bio = unsafe BIO_new(BIO_s_mem()) else { return KeyMaterial(copying: [UInt8]().span) }
        defer { unsafe BIO_free(bio) }
        unsafe PEM_write_bio_PKCS8PrivateKey(bio, handle, nil, nil, 0, nil, nil)
        var data: UnsafeMutableRawPointer?
        let count = unsafe BIO_ctrl(bio, BIO_CTRL_INFO, 0, &data)
        return unsafe KeyMaterial(copying: UnsafeRawBufferPointer(start: data, count: max(0, count)))
    }
}
