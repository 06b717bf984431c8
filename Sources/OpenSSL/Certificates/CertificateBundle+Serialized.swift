internal import Bytes

/// Bundles between processes of one machine: the number of certificates (4 bytes, big endian), then each
/// and at last the key (`PrivateKey.serialized`), with their lengths (4 bytes) before them.
extension CertificateBundle {
    /// The bundle as bytes that are wiped when they go.
    package func serialized() throws(OpenSSLError) -> KeyMaterial {
        let certificates = chain.map(\.der)
        let secret = try key.serialized()
        let size = 8 + secret.count + certificates.reduce(0) { $0 + $1.count + 4 }
        // As large as needed, so that it does not grow and leave a copy of the key behind.
        let buffer = ByteBuffer(capacity: size)
        defer { buffer.wipe() }
        buffer.append(length: certificates.count)
        for certificate in certificates {
            buffer.append(length: certificate.count)
            buffer.append(certificate)
        }
        buffer.append(length: secret.count)
        buffer.append(secret.bytes)
        return KeyMaterial(copying: buffer.readable)
    }

    /// A bundle that another process serialised, which has checked that its parts fit.
    ///
    /// - Parameter issuers: where the certificates after the first are taken from, and left for others.
    package convenience init(
        serialized bytes: Span<UInt8>,
        sharing issuers: IssuerPool = IssuerPool()
    ) throws(CertificateError) {
        guard bytes.count >= 4 else { throw .malformedBundle }
        let count = (0..<4).reduce(0) { $0 << 8 | Int(bytes[$1]) }
        var reader = RecordReader(position: 4)
        var chain: [Certificate] = []
        // Each certificate takes at least its length, so `count` cannot make this loop longer than the input.
        for _ in 0..<count {
            guard let range = reader.next(in: bytes) else { throw .malformedBundle }
            let der = bytes.extracting(range)
            chain.append(try chain.isEmpty ? Certificate(der: der) : issuers.certificate(der: der))
        }
        guard let range = reader.next(in: bytes), reader.position == bytes.count, !chain.isEmpty else {
            throw .malformedBundle
        }
        try self.init(checked: chain, key: try PrivateKey(serialized: bytes.extracting(range)))
    }
}

extension ByteBuffer {
    fileprivate func append(length: Int) {
        for shift in [24, 16, 8, 0] { append(UInt8(truncatingIfNeeded: length >> shift)) }
    }
}
