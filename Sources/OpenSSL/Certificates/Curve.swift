internal import COpenSSL

/// The curves of ECDSA keys. TLS knows them by their names alone (RFC 8422, section 5.1.1; RFC 5480, section 2.1.1): a
/// certificate whose key spells its curve out loads, and fails in every handshake.
internal enum Curve {
    /// Those that clients of TLS take for signatures, as OpenSSL names them.
    private static let usable = ["prime256v1", "secp384r1", "secp521r1"]

    /// Why TLS cannot work with an ECDSA key; nil when it can.
    ///
    /// - Parameter owner: whose key it is, for the error.
    static func fault(of key: OpaquePointer, _ owner: String) -> CertificateError? {
        if unsafe isSpelledOut(key) { return .unnamedCurve(owner: owner) }
        var name = [CChar](repeating: 0, count: 64)
        var count = 0
        // Sound: OpenSSL writes the name and a zero within the size that it is given.
        guard unsafe EVP_PKEY_get_group_name(key, &name, name.count, &count) == 1 else {
            ERR_clear_error()
            return .unnamedCurve(owner: owner)
        }
        let text = String(decoding: name.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return usable.contains(text) ? nil : .unsupportedCurve(owner: owner, curve: text)
    }

    /// The same of any public key; other algorithms have no curve that could be spelled out.
    static func isSpelledOut(_ key: OpaquePointer?) -> Bool {
        var number: Int32 = 0
        // Sound: only read.
        let isKnown = unsafe EVP_PKEY_get_int_param(key, explicit.cString, &number) == 1
        ERR_clear_error()
        return isKnown && number == 1
    }

    /// OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, also where the parameters are those of a curve that has a name.
    private static let explicit: StaticString = "decoded-from-explicit"
}
