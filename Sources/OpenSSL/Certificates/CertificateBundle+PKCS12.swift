internal import COpenSSL

extension CertificateBundle {
    /// The certificate, its issuers and its key of a PKCS #12 file (RFC 7292), as Windows and Java write them.
    ///
    /// - Parameter password: its bytes; empty for none.
    package convenience init(pkcs12 bytes: Span<UInt8>, password: Span<UInt8>) throws(CertificateError) {
        // A C string, which ends with a zero.
        let secret = KeyMaterial(joining: password, [UInt8(0)].span)
        var key: OpaquePointer?
        var leaf: OpaquePointer?
        var others: OpaquePointer?
        // Sound: OpenSSL reads the bytes during the calls; the three results are ours.
        let status = unsafe bytes.withUnsafeBufferPointer { bytes -> Int32 in
            var cursor = bytes.baseAddress
            guard let file = unsafe d2i_PKCS12(nil, &cursor, bytes.count) else { return -1 }
            defer { unsafe PKCS12_free(file) }
            let text = secret.bytes
            return unsafe text.withUnsafeBytes {
                unsafe PKCS12_parse(file, $0.assumingMemoryBound(to: CChar.self).baseAddress, &key, &leaf, &others)
            }
        }
        defer { if let others = unsafe others { unsafe OPENSSL_sk_free(others) } }
        var found: [Certificate] = []
        if let leaf = unsafe leaf { unsafe found.append(Certificate(filling: leaf)) }
        if let others = unsafe others {
            for index in 0..<max(0, unsafe OPENSSL_sk_num(others)) {
                guard let other = unsafe OPENSSL_sk_value(others, index) else { continue }
                unsafe found.append(Certificate(filling: OpaquePointer(other)))
            }
        }
        guard status == 1 else {
            if let key = unsafe key { unsafe EVP_PKEY_free(key) }
            let reason = OpenSSLError.drainedText()
            if status < 0 { throw .malformedContainer(reason: reason) }
            throw .closedContainer(reason: reason)
        }
        ERR_clear_error()
        guard let key = unsafe key else { throw .keylessContainer }
        let owned = unsafe try PrivateKey(owning: key)
        guard !found.isEmpty else { throw .noCertificate }
        try self.init(chain: Self.ordered(found), key: owned)
    }

    /// From the first certificate up; what leads nowhere, and a root, are left out.
    private static func ordered(_ found: [Certificate]) -> [Certificate] {
        var chain = [found[0]]
        var rest = found.dropFirst()
        while let place = rest.firstIndex(where: { chain[chain.count - 1].isIssued(by: $0) }) {
            let next = rest.remove(at: place)
            if next.isSelfSigned { break }
            chain.append(next)
        }
        return chain
    }
}
