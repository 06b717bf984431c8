internal import COpenSSL
import Synchronization

/// A bundle as OpenSSL works with it. Immutable; any thread may use it.
@safe
internal final class CertificateMaterial: Sendable {
    let chain: [Certificate]
    let key: PrivateKey
    private let made = AtomicLazyReference<IssuerStack>()

    /// - Parameter chain: not empty; known to fit the key.
    init(chain: [Certificate], key: PrivateKey) {
        self.chain = chain
        self.key = key
    }

    /// The issuers as OpenSSL wants them for handshakes, made when they are asked for: most bundles of a control plane show
    /// themselves to nobody. nil for lack of memory.
    var stack: OpaquePointer? {
        if let made = made.load() { return unsafe made.handle }
        guard let fresh = IssuerStack(chain.dropFirst()) else { return nil }
        return unsafe made.storeIfNil(fresh).handle
    }
}

/// Issuers with their public keys. Holds its own references.
@safe
private final class IssuerStack: Sendable {
    // Sound: written in init, only read by OpenSSL afterwards.
    nonisolated(unsafe) let handle: OpaquePointer

    init?(_ issuers: ArraySlice<Certificate>) {
        // Sound: the stack takes a reference on each issuer, given back in deinit.
        guard let stack = unsafe OPENSSL_sk_new_null() else { return nil }
        for issuer in issuers {
            unsafe X509_up_ref(issuer.handle)
            unsafe OPENSSL_sk_push(stack, UnsafeRawPointer(issuer.handle))
        }
        unsafe handle = stack
    }

    deinit {
        for index in 0..<max(0, unsafe OPENSSL_sk_num(handle)) {
            unsafe X509_free(OpaquePointer(OPENSSL_sk_value(handle, index)))
        }
        unsafe OPENSSL_sk_free(handle)
    }
}
