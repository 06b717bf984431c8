internal import COpenSSL

extension PrivateKey {
    /// The algorithm of its JSON Web Signatures (RFC 7518, section 3.1); nil for a key that has none here.
    package var signatureAlgorithm: String? {
        switch kind {
        case .ecdsaP256: "ES256"
        case .ecdsaP384: "ES384"
        case .rsa2048, .rsa3072, .rsa4096: "RS256"
        case .ed25519, nil: nil
        }
    }

    /// The digest that it signs certificates, requests and lists with; nil for Ed25519, which needs none (RFC 8410,
    /// section 3).
    internal var signingDigest: OpaquePointer? {
        switch kind {
        case .ecdsaP384: unsafe EVP_sha384()
        case .ed25519: nil
        default: unsafe EVP_sha256()
        }
    }

    /// A signature as JSON Web Signatures have it (RFC 7518, sections 3.3 and 3.4): of an ECDSA key r and s, each as long
    /// as the field; of an RSA key PKCS #1's.
    package func jsonSignature(of bytes: [UInt8]) throws(OpenSSLError) -> [UInt8] {
        guard signatureAlgorithm != nil else {
            throw OpenSSLError("sign", reason: "JSON Web Signatures know no such key")
        }
        guard let context = unsafe EVP_MD_CTX_new() else { throw .drained("sign") }
        defer { unsafe EVP_MD_CTX_free(context) }
        let digest = unsafe kind == .ecdsaP384 ? EVP_sha384() : EVP_sha256()
        var raw = [UInt8](repeating: 0, count: 1024)
        var count = raw.count
        // Sound: OpenSSL reads the bytes during the call and writes at most `count` of them.
        guard unsafe EVP_DigestSignInit(context, nil, digest, nil, handle) == 1,
            unsafe EVP_DigestSign(context, &raw, &count, bytes, bytes.count) == 1
        else { throw .drained("sign") }
        let signature = Array(raw.prefix(count))
        guard let fieldSize else { return signature }
        return try Self.joined(der: signature, fieldSize)
    }

    /// Bytes of a coordinate of an ECDSA key; nil for an RSA key.
    private var fieldSize: Int? {
        switch kind {
        case .ecdsaP256: 32
        case .ecdsaP384: 48
        default: nil
        }
    }

    /// The two numbers of a DER signature, each padded to the size of the field.
    private static func joined(der: [UInt8], _ size: Int) throws(OpenSSLError) -> [UInt8] {
        let parsed = unsafe der.withUnsafeBufferPointer { bytes in
            var cursor = bytes.baseAddress
            return unsafe d2i_ECDSA_SIG(nil, &cursor, bytes.count)
        }
        guard let signature = unsafe parsed else { throw .drained("read the signature") }
        defer { unsafe ECDSA_SIG_free(signature) }
        var raw = [UInt8](repeating: 0, count: 2 * size)
        // Sound: each number is at most `size` bytes long, and has its half of the room.
        let isWhole = unsafe raw.withUnsafeMutableBufferPointer { room in
            unsafe BN_bn2binpad(ECDSA_SIG_get0_r(signature), room.baseAddress, Int32(size)) == size
                && BN_bn2binpad(ECDSA_SIG_get0_s(signature), room.baseAddress?.advanced(by: size), Int32(size)) == size
        }
        guard isWhole else { throw .drained("read the signature") }
        return raw
    }

    /// The coordinates of the public point of an ECDSA key, each as long as the field (RFC 7518, section 6.2.1).
    package func publicPoint() throws(OpenSSLError) -> (x: [UInt8], y: [UInt8]) {
        guard let size = fieldSize else {
            throw OpenSSLError("read the point", reason: "it is no key on a known curve")
        }
        return (try number("qx", size), try number("qy", size))
    }

    /// The modulus and exponent of an RSA key, without leading zeros (RFC 7518, section 6.3.1).
    package func publicNumbers() throws(OpenSSLError) -> (modulus: [UInt8], exponent: [UInt8]) {
        (try number("n", nil), try number("e", nil))
    }

    /// - Parameter size: bytes to pad to; nil for as many as it takes.
    private func number(_ name: String, _ size: Int?) throws(OpenSSLError) -> [UInt8] {
        var number: OpaquePointer?
        guard unsafe EVP_PKEY_get_bn_param(handle, name, &number) == 1, let number = unsafe number else {
            throw .drained("read \(name) of the key")
        }
        defer { unsafe BN_free(number) }
        let count = unsafe size ?? Int((BN_num_bits(number) + 7) / 8)
        var bytes = [UInt8](repeating: 0, count: count)
        guard unsafe BN_bn2binpad(number, &bytes, Int32(count)) == count else {
            throw .drained("read \(name) of the key")
        }
        return bytes
    }
}
