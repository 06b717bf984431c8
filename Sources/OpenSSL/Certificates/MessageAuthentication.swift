internal import COpenSSL

/// HMAC with SHA-256 (RFC 2104).
package enum MessageAuthentication {
    /// 32 bytes.
    package static func sha256(_ bytes: [UInt8], key: Span<UInt8>) throws(OpenSSLError) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: 32)
        var count: UInt32 = 0
        // Sound: OpenSSL reads both during the call and writes 32 bytes.
        let made = unsafe key.withUnsafeBytes { key in
            unsafe HMAC(EVP_sha256(), key.baseAddress, Int32(key.count), bytes, bytes.count, &code, &count) != nil
        }
        guard made, count == 32 else { throw .drained("make an HMAC") }
        return code
    }
}
