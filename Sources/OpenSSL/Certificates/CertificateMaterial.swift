internal import COpenSSL

/// A bundle as OpenSSL works with it. Immutable; any thread may use it.
@safe
internal final class CertificateMaterial: Sendable {
    let chain: [Certificate]
    let key: PrivateKey
    /// The issuers as OpenSSL wants them. Holds its own references.
    // Sound: written in init, only read by OpenSSL afterwards.
    nonisolated(unsafe) let stack: OpaquePointer

    /// - Parameter chain: not empty; known to fit the key.
    init(chain: [Certificate], key: PrivateKey) throws(CertificateError) {
        // Sound: the stack takes a reference on each issuer, given back in deinit.
        guard let stack = unsafe OPENSSL_sk_new_null() else { throw .malformedCertificate(reason: "out of memory") }
        for issuer in chain.dropFirst() {
            unsafe X509_up_ref(issuer.handle)
            unsafe OPENSSL_sk_push(stack, UnsafeRawPointer(issuer.handle))
        }
        self.chain = chain
        self.key = key
        unsafe self.stack = stack
    }

    deinit {
        for index in 0..<max(0, unsafe OPENSSL_sk_num(stack)) {
            unsafe X509_free(OpaquePointer(OPENSSL_sk_value(stack, index)))
        }
        unsafe OPENSSL_sk_free(stack)
    }
}
