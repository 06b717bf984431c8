internal import COpenSSL

/// HMAC with SHA-256 (RFC 2104).
package enum MessageAuthentication {
    /// 32 bytes.
    package static func sha256(_ bytes: [UInt8], key: [UInt8]) throws(OpenSSLError) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: 32)
        var count: UInt32 = 0
        // Sound: OpenSSL reads both during the call and writes 32 bytes.
        guard unsafe HMAC(EVP_sha256(), key, Int32(key.count), bytes, bytes.count, &code, &count) != nil, count == 32
        else { throw .drained("make an HMAC") }
        return code
    }
}
