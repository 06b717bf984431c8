internal import COpenSSL

/// A message digest of bytes that come piece by piece (EVP_DigestInit_ex(3)). Belongs to one thread.
@safe
package final class MessageDigest {
    package enum Algorithm: Sendable {
        /// Where a protocol demands it, as RFC 6455 does; it protects nothing.
        case sha1
        case sha256
    }

    private let context: OpaquePointer
    private let algorithm: Algorithm

    /// - Throws: when OpenSSL has no memory, or its configuration forbids the algorithm.
    package init(_ algorithm: Algorithm) throws(OpenSSLError) {
        guard let context = unsafe EVP_MD_CTX_new() else { throw .drained("make a digest") }
        unsafe self.context = context
        self.algorithm = algorithm
        guard restart() else { throw .drained("start a digest") }
    }

    deinit { unsafe EVP_MD_CTX_free(context) }

    /// Takes more bytes in.
    package func update(_ bytes: Span<UInt8>) {
        // Sound: OpenSSL reads that many bytes during the call.
        unsafe bytes.withUnsafeBytes { _ = unsafe EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
    }

    /// The digest of all that came since the last call: 20 bytes for SHA-1, 32 for SHA-256. Starts anew.
    package func finish() -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        // Sound: no digest is longer than the room.
        unsafe EVP_DigestFinal_ex(context, &digest, &count)
        _ = restart()
        return Array(digest.prefix(Int(count)))
    }

    private func restart() -> Bool {
        let method = unsafe algorithm == .sha1 ? EVP_sha1() : EVP_sha256()
        return unsafe EVP_DigestInit_ex(context, method, nil) == 1
    }
}
