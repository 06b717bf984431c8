internal import COpenSSL

/// Bytes that are wiped from memory when the last reference goes.
@safe
package final class KeyMaterial: Sendable {
    // Sound: written in init only, freed in deinit.
    private nonisolated(unsafe) let base: UnsafeMutableRawPointer
    package let count: Int

    /// Copies `bytes`; wiping the original stays the caller's part.
    package init(copying bytes: Span<UInt8>) {
        count = bytes.count
        unsafe base = .allocate(byteCount: max(1, count), alignment: 16)
        unsafe bytes.withUnsafeBytes { source in
            if let first = source.baseAddress { unsafe base.copyMemory(from: first, byteCount: count) }
        }
    }

    /// Copies `first`, then `second`.
    package init(joining first: Span<UInt8>, _ second: Span<UInt8>) {
        count = first.count + second.count
        unsafe base = .allocate(byteCount: max(1, count), alignment: 16)
        unsafe first.withUnsafeBytes { source in
            if let start = source.baseAddress { unsafe base.copyMemory(from: start, byteCount: source.count) }
        }
        unsafe second.withUnsafeBytes { source in
            if let start = source.baseAddress {
                unsafe base.advanced(by: first.count).copyMemory(from: start, byteCount: source.count)
            }
        }
    }

    /// Draws `randomCount` bytes from OpenSSL's generator for secrets; nil when it fails.
    package init?(randomCount: Int) {
        count = randomCount
        unsafe base = .allocate(byteCount: max(1, count), alignment: 16)
        let drawn = unsafe RAND_priv_bytes(base.assumingMemoryBound(to: UInt8.self), Int32(count))
        if drawn != 1 { return nil }
    }

    internal convenience init(copying bytes: UnsafeRawBufferPointer) {
        // Sound: the span ends with this call.
        let typed = unsafe bytes.assumingMemoryBound(to: UInt8.self)
        unsafe self.init(copying: Span(_unsafeElements: typed))
    }

    deinit {
        unsafe OPENSSL_cleanse(base, count)
        unsafe base.deallocate()
    }

    package var bytes: Span<UInt8> {
        @_lifetime(borrow self) get {
            // Sound: the memory lives and stays as it is while self does.
            let first = unsafe UnsafePointer(base.assumingMemoryBound(to: UInt8.self))
            return unsafe _overrideLifetime(Span(_unsafeStart: first, count: count), borrowing: self)
        }
    }
}
