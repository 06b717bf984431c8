internal import Bytes

/// Bundles between processes of one machine: the number of host names (4 bytes, big endian), then each; the number of
/// certificates, then each; and at last the key (`PrivateKey.serialized`). Each has its length (4 bytes) before it.
extension CertificateBundle {
    /// The bundle as bytes that are wiped when they go.
    package func serialized() throws(OpenSSLError) -> KeyMaterial {
        let certificates = chain.map(\.der)
        let secret = try key.serialized()
        let size =
            12 + secret.count + certificates.reduce(0) { $0 + $1.count + 4 }
            + names.reduce(0) { $0 + $1.utf8.count + 4 }
        // As large as needed, so that it does not grow and leave a copy of the key behind.
        let buffer = ByteBuffer(capacity: size)
        defer { buffer.wipe() }
        buffer.append(length: names.count)
        for name in names {
            let text = Array(name.utf8)
            buffer.append(length: text.count)
            buffer.append(text)
        }
        buffer.append(length: certificates.count)
        for certificate in certificates {
            buffer.append(length: certificate.count)
            buffer.append(certificate)
        }
        buffer.append(length: secret.count)
        buffer.append(secret.bytes)
        return KeyMaterial(copying: buffer.readable)
    }

    /// A bundle that another process serialised, which has checked that its parts fit. They are looked at when they are
    /// needed for the first time; what is checked here is that they are there.
    ///
    /// - Parameter issuers: where the certificates after the first are taken from, and left for others.
    package convenience init(
        serialized bytes: Span<UInt8>,
        sharing issuers: IssuerPool = IssuerPool()
    ) throws(CertificateError) {
        let parts = try SerializedParts(bytes)
        guard let kind = parts.key.first, let algorithm = PrivateKey.Algorithm(rawValue: bytes[kind]) else {
            throw .malformedBundle
        }
        self.init(
            Sealed(bytes: KeyMaterial(copying: bytes), issuers: issuers),
            names: parts.names.map { range in String(decoding: range.map { bytes[$0] }, as: UTF8.self) },
            algorithm,
            digests: (
                leaf: Digest.sha256(bytes.extracting(parts.certificates[0])),
                chain: Digest.sha256(bytes.extracting(0..<(parts.key.lowerBound - 4)))
            )
        )
    }
}

extension CertificateMaterial {
    /// Reads what another process has checked.
    internal convenience init(_ sealed: CertificateBundle.Sealed) throws(CertificateError) {
        let held = sealed.bytes
        let bytes = held.bytes
        let parts = try SerializedParts(bytes)
        var chain: [Certificate] = []
        for range in parts.certificates {
            let der = bytes.extracting(range)
            chain.append(try chain.isEmpty ? Certificate(der: der) : sealed.issuers.certificate(der: der))
        }
        self.init(chain: chain, key: try PrivateKey(serialized: bytes.extracting(parts.key)))
    }
}

/// Where the parts of a serialised bundle are.
private struct SerializedParts {
    let names: [Range<Int>]
    /// Never empty.
    let certificates: [Range<Int>]
    let key: Range<Int>

    init(_ bytes: Span<UInt8>) throws(CertificateError) {
        var reader = RecordReader(position: 0)
        names = try Self.list(&reader, bytes)
        certificates = try Self.list(&reader, bytes)
        guard let key = reader.next(in: bytes), reader.position == bytes.count, !certificates.isEmpty else {
            throw .malformedBundle
        }
        self.key = key
    }

    private static func list(
        _ reader: inout RecordReader,
        _ bytes: Span<UInt8>
    ) throws(CertificateError) -> [Range<Int>] {
        guard let count = reader.number(in: bytes) else { throw .malformedBundle }
        var ranges: [Range<Int>] = []
        // Each takes at least its length, so `count` cannot make this loop longer than the input.
        for _ in 0..<count {
            guard let range = reader.next(in: bytes) else { throw .malformedBundle }
            ranges.append(range)
        }
        return ranges
    }
}

extension ByteBuffer {
    fileprivate func append(length: Int) {
        for shift in [24, 16, 8, 0] { append(UInt8(truncatingIfNeeded: length >> shift)) }
    }
}
