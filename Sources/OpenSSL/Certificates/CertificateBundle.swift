internal import COpenSSL

/// A certificate with the chain up to its root, and its private key: known to fit each other.
/// Immutable; any thread may use it.
@safe
package final class CertificateBundle: Sendable {
    /// The server's own certificate first, then each issuer in turn.
    package let chain: [Certificate]
    package let key: PrivateKey
    package let use = CertificateUse()
    /// The issuers as OpenSSL wants them. Holds its own references.
    // Sound: written in init, only read by OpenSSL afterwards.
    internal nonisolated(unsafe) let stack: OpaquePointer

    /// Checks that the key is the first certificate's and that each certificate is issued by the next.
    /// Dates are checked by `requireValid(at:)`, since an expired bundle may still be shown and kept.
    package convenience init(chain: [Certificate], key: PrivateKey) throws(CertificateError) {
        guard let leaf = chain.first else { throw .noCertificate }
        if !key.belongs(to: leaf) { throw .keyMismatch(subject: leaf.subject) }
        for index in chain.indices.dropLast() where !chain[index].isIssued(by: chain[index + 1]) {
            throw .brokenChain(
                subject: chain[index].subject,
                issuer: chain[index].issuer,
                next: chain[index + 1].subject
            )
        }
        try self.init(checked: chain, key: key)
    }

    /// A chain and a key of which it is known that they fit: it is not empty.
    internal init(checked chain: [Certificate], key: PrivateKey) throws(CertificateError) {
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

    /// Loads a chain and a key, which may be in one file.
    package convenience init(certificatePEM: Span<UInt8>, keyPEM: Span<UInt8>) throws(CertificateError) {
        try self.init(chain: try Certificate.load(pem: certificatePEM), key: try PrivateKey(pem: keyPEM))
    }

    deinit {
        for index in 0..<max(0, unsafe OPENSSL_sk_num(stack)) {
            unsafe X509_free(OpaquePointer(OPENSSL_sk_value(stack, index)))
        }
        unsafe OPENSSL_sk_free(stack)
    }

    package var leaf: Certificate { chain[0] }

    /// The hosts it is good for, as `Certificate.dnsNames` has them.
    package var names: [String] { leaf.dnsNames }

    /// Fails when it names no host, and so can serve none.
    package func requireNames() throws(CertificateError) {
        if leaf.dnsNames.isEmpty && leaf.addresses.isEmpty { throw .noNames(subject: leaf.subject) }
    }

    /// Fails when any certificate of the chain is not valid at `now` (seconds since 1970).
    package func requireValid(at now: Int64) throws(CertificateError) {
        for certificate in chain { try certificate.requireValid(at: now) }
    }
}
