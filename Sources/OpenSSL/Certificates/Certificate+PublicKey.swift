internal import COpenSSL
import Synchronization

/// Public keys of certificates, in their usual forms made without OpenSSL's decoders, whose search takes longer than to verify
/// a signature with them: of ECDSA on P-256 and P-384, the curve by its name and the point not compressed (RFC 5480), and of
/// RSA (RFC 8017, appendix A.1.1).
extension Certificate {
    /// Its public key, which lives as long as it does; nil where it has none that OpenSSL can read.
    internal var publicKey: OpaquePointer? {
        if let plain = plainKey.load() { return unsafe plain.handle }
        guard let fresh = unsafe readPlainKey() else { return unsafe X509_get0_pubkey(handle) }
        return unsafe plainKey.storeIfNil(PublicKey(owning: fresh)).handle
    }

    /// - Returns: an EVP_PKEY that is the caller's; nil for what is not as usual.
    private func readPlainKey() -> OpaquePointer? {
        defer { ERR_clear_error() }
        var kind: OpaquePointer?
        var start: UnsafePointer<UInt8>?
        var count: Int32 = 0
        var parameters: UnsafeMutablePointer<X509_ALGOR>?
        // Sound: all of it is the certificate's, and only read.
        guard unsafe X509_PUBKEY_get0_param(&kind, &start, &count, &parameters, X509_get_X509_PUBKEY(contents)) == 1,
            let start = unsafe start
        else { return nil }
        let bytes = unsafe Span(_unsafeStart: start, count: Int(count))
        var type: Int32 = 0
        var name: UnsafeRawPointer?
        unsafe X509_ALGOR_get0(nil, &type, &name, parameters)
        switch unsafe OBJ_obj2nid(kind) {
        case NID_X9_62_id_ecPublicKey where type == V_ASN1_OBJECT:
            return switch unsafe OBJ_obj2nid(OpaquePointer(name)) {
            case NID_X9_62_prime256v1: unsafe PrivateKey.readPoint(bytes, curve: "prime256v1", bytesEach: 32)
            case NID_secp384r1: unsafe PrivateKey.readPoint(bytes, curve: "secp384r1", bytesEach: 48)
            default: nil
            }
        case NID_rsaEncryption where type == V_ASN1_NULL: return unsafe PrivateKey.readModulus(bytes)
        default: return nil
        }
    }
}

/// A public key as OpenSSL has it.
@safe
internal final class PublicKey: Sendable {
    // Sound: OpenSSL's reference count is atomic, and the contents are never changed.
    nonisolated(unsafe) let handle: OpaquePointer

    init(owning handle: OpaquePointer) { unsafe self.handle = handle }

    deinit { unsafe EVP_PKEY_free(handle) }
}
