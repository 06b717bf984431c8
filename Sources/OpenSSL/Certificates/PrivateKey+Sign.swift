internal import COpenSSL

extension PrivateKey {
    /// An ECDSA signature with SHA-256 as JSON Web Signatures have it (RFC 7518, section 3.4): r and s, 32 bytes each.
    ///
    /// - Throws: when the key is not on P-256.
    package func signatureES256(of bytes: [UInt8]) throws(OpenSSLError) -> [UInt8] {
        guard kind == .ecdsaP256 else { throw OpenSSLError("sign with ES256", reason: "the key is not on P-256") }
        guard let context = unsafe EVP_MD_CTX_new() else { throw .drained("sign") }
        defer { unsafe EVP_MD_CTX_free(context) }
        var der = [UInt8](repeating: 0, count: 128)
        var count = der.count
        // Sound: OpenSSL reads the bytes during the call and writes at most `count` of them.
        guard unsafe EVP_DigestSignInit(context, nil, EVP_sha256(), nil, handle) == 1,
            unsafe EVP_DigestSign(context, &der, &count, bytes, bytes.count) == 1
        else { throw .drained("sign") }
        return try Self.joined(der: Array(der.prefix(count)))
    }

    /// The two numbers of a DER signature, each padded to the size of the field.
    private static func joined(der: [UInt8]) throws(OpenSSLError) -> [UInt8] {
        let parsed = unsafe der.withUnsafeBufferPointer { bytes in
            var cursor = bytes.baseAddress
            return unsafe d2i_ECDSA_SIG(nil, &cursor, bytes.count)
        }
        guard let signature = unsafe parsed else { throw .drained("read the signature") }
        defer { unsafe ECDSA_SIG_free(signature) }
        var raw = [UInt8](repeating: 0, count: 64)
        // Sound: each number is at most 32 bytes long, and has its half of the room.
        let isWhole = unsafe raw.withUnsafeMutableBufferPointer { room in
            unsafe BN_bn2binpad(ECDSA_SIG_get0_r(signature), room.baseAddress, 32) == 32
                && BN_bn2binpad(ECDSA_SIG_get0_s(signature), room.baseAddress?.advanced(by: 32), 32) == 32
        }
        guard isWhole else { throw .drained("read the signature") }
        return raw
    }

    /// The coordinates of the public point of a key on P-256, 32 bytes each (RFC 7518, section 6.2.1).
    package func publicPoint() throws(OpenSSLError) -> (x: [UInt8], y: [UInt8]) {
        guard kind == .ecdsaP256 else { throw OpenSSLError("read the point", reason: "the key is not on P-256") }
        return (try coordinate("qx"), try coordinate("qy"))
    }

    private func coordinate(_ name: String) throws(OpenSSLError) -> [UInt8] {
        var number: OpaquePointer?
        guard unsafe EVP_PKEY_get_bn_param(handle, name, &number) == 1, let number = unsafe number else {
            throw .drained("read \(name) of the key")
        }
        defer { unsafe BN_free(number) }
        var bytes = [UInt8](repeating: 0, count: 32)
        guard unsafe BN_bn2binpad(number, &bytes, 32) == 32 else { throw .drained("read \(name) of the key") }
        return bytes
    }
}
