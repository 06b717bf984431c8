import OpenSSL

/// Digests by which texts are known again.
package enum TextDigest {
    /// SHA-256 (FIPS 180-4) in hexadecimal.
    package static func sha256(_ text: String) -> String { sha256(Array(text.utf8)) }

    /// SHA-256 (FIPS 180-4) in hexadecimal.
    package static func sha256(_ bytes: [UInt8]) -> String {
        let digest: MessageDigest
        do {
            digest = try MessageDigest(.sha256)
        } catch {
            // Every configuration of OpenSSL has SHA-256: TLS 1.3 is made of it.
            fatalError("no SHA-256: \(error)")
        }
        digest.update(bytes.span)
        return digest.finish().map { byte in
            let text = String(byte, radix: 16)
            return text.count == 1 ? "0" + text : text
        }.joined()
    }
}
