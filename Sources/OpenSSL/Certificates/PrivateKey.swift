internal import COpenSSL
import Synchronization

/// A private key: ECDSA, RSA or Ed25519. Immutable; any thread may use it. It is wiped when the last reference goes.
///
/// The object that OpenSSL works with has a curve of its own, and takes longer to make than all else that a key is read and
/// checked by: a key for ECDSA in its usual form stays bytes until somebody signs with it.
@safe
package final class PrivateKey: Sendable {
    package enum Algorithm: UInt8, Sendable {
        case ecdsa = 1
        case rsa = 2
        case ed25519 = 3
    }

    package let algorithm: Algorithm
    /// What it is made of, where that is known; nil where there is nothing but the object.
    internal let plain: PlainKey?
    private let made = AtomicLazyReference<KeyObject>()

    /// The object that OpenSSL works with. It lives as long as this.
    internal var handle: OpaquePointer {
        if let made = made.load() { return unsafe made.handle }
        guard let held = plain?.serialized, let fresh = unsafe PrivateKey.object(serialized: held.bytes) else {
            fatalError("no memory for a key that could be read")
        }
        return unsafe made.storeIfNil(KeyObject(owning: fresh)).handle
    }

    internal init(_ plain: PlainKey) {
        algorithm = .ecdsa
        self.plain = plain
    }

    /// Takes over the caller's reference, also when it throws.
    internal init(owning handle: OpaquePointer) throws(CertificateError) {
        let kind: Algorithm
        do throws(CertificateError) {
            kind = unsafe try PrivateKey.algorithm(of: handle)
        } catch {
            unsafe EVP_PKEY_free(handle)
            throw error
        }
        algorithm = kind
        plain = nil
        _ = unsafe made.storeIfNil(KeyObject(owning: handle))
    }

    /// Loads the one private key of a PEM file: PKCS #8, SEC 1 or PKCS #1, not encrypted.
    package convenience init(pem: Span<UInt8>) throws(CertificateError) {
        try self.init(PEMBlock.all(in: pem, ifBinary: .binaryKey))
    }

    internal convenience init(_ blocks: [PEMBlock]) throws(CertificateError) {
        var found: PEMBlock?
        for block in blocks where block.label.hasSuffix("PRIVATE KEY") {
            if block.isEncrypted || block.label.hasPrefix("ENCRYPTED") { throw .encryptedKey }
            if found != nil { throw .severalKeys }
            found = block
        }
        guard let contents = found?.contents else { throw .noKey }
        let bytes = contents.bytes
        if let plain = PrivateKey.readPlain(der: bytes) {
            self.init(plain)
            return
        }
        var parsed = unsafe PrivateKey.read(der: bytes)
        if unsafe parsed == nil {
            // Sound: d2i_AutoPrivateKey reads within the bytes it is given.
            unsafe parsed = bytes.withUnsafeBufferPointer { bytes in
                var cursor = bytes.baseAddress
                return unsafe d2i_AutoPrivateKey(nil, &cursor, bytes.count)
            }
        }
        guard let parsed = unsafe parsed else { throw .malformedKey(reason: OpenSSLError.drainedText()) }
        ERR_clear_error()
        unsafe try self.init(owning: parsed)
        try requireWhole()
    }

    private static func algorithm(of handle: OpaquePointer) throws(CertificateError) -> Algorithm {
        // Sound: only read.
        switch unsafe EVP_PKEY_get_base_id(handle) {
        case EVP_PKEY_EC:
            if let fault = unsafe Curve.fault(of: handle, "the private key") { throw fault }
            return .ecdsa
        case EVP_PKEY_RSA:
            let bits = unsafe EVP_PKEY_get_bits(handle)
            if bits < 2048 { throw .weakKey(bits: Int(bits)) }
            return .rsa
        case EVP_PKEY_ED25519:
            return .ed25519
        default:
            let name = unsafe EVP_PKEY_get0_type_name(handle)
            throw .unsupportedKey(unsafe name.map { unsafe String(cString: $0) } ?? "unknown")
        }
    }

    package func isSame(as other: PrivateKey) -> Bool {
        defer { ERR_clear_error() }
        return unsafe EVP_PKEY_eq(handle, other.handle) == 1
    }

    /// The key of `certificate`.
    package func belongs(to certificate: Certificate) -> Bool {
        let same = unsafe EVP_PKEY_eq(handle, certificate.publicKey) == 1
        ERR_clear_error()
        return same
    }
}

/// A key for ECDSA on P-256 or P-384 whose halves are known to fit.
internal struct PlainKey: Sendable {
    /// The curve, as OpenSSL numbers it.
    let curve: Int32
    let bits: Int32
    /// The public half, not compressed.
    let point: [UInt8]
    /// The whole, as it goes to another process.
    let serialized: KeyMaterial
}

/// A key as OpenSSL has it.
@safe
private final class KeyObject: Sendable {
    // Sound: OpenSSL's reference count is atomic, and the contents are never changed.
    nonisolated(unsafe) let handle: OpaquePointer

    init(owning handle: OpaquePointer) { unsafe self.handle = handle }

    deinit { unsafe EVP_PKEY_free(handle) }
}
