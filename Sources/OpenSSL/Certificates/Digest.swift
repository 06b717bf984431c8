internal import COpenSSL

/// Message digests of short inputs.
internal enum Digest {
    /// SHA-256, 32 bytes.
    static func sha256(_ bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        // Sound: SHA256 writes 32 bytes.
        unsafe bytes.withUnsafeBufferPointer { input in
            _ = unsafe SHA256(input.baseAddress, input.count, &digest)
        }
        return digest
    }

    /// The same of bytes that lie elsewhere.
    static func sha256(_ bytes: Span<UInt8>) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        // Sound: as above; the bytes are read during the call.
        unsafe bytes.withUnsafeBufferPointer { input in
            _ = unsafe SHA256(input.baseAddress, input.count, &digest)
        }
        return digest
    }

    /// The first 16 bytes of SHA-256.
    static func sha256Half(_ bytes: [UInt8]) -> [UInt8] {
        Array(sha256(bytes).prefix(16))
    }
}
