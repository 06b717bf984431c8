internal import COpenSSL

/// A transparency log's promise to show a certificate (RFC 6962, section 3.2), as far as it says itself: its signature is
/// a matter for those who know the logs.
package struct SignedTimestamp: Sendable, Equatable {
    /// The log: the SHA-256 of its key.
    package let log: [UInt8]
    /// When the log saw the certificate: milliseconds since 1970.
    package let milliseconds: UInt64
}

extension Certificate {
    /// What RFC 6962, section 3.1, has CAs show to logs: no certificate, though signed like one.
    package var isPrecertificate: Bool { unsafe X509_get_ext_by_NID(handle, NID_ct_precert_poison, -1) >= 0 }

    /// The promises that are in the certificate (RFC 6962, section 3.3); nil when it has no such extension.
    ///
    /// - Throws: when the list is malformed. Promises of a later version are passed over.
    package func signedTimestamps() throws(CertificateError) -> [SignedTimestamp]? {
        let place = unsafe X509_get_ext_by_NID(handle, NID_ct_precert_scts, -1)
        guard place >= 0, let value = unsafe X509_EXTENSION_get_data(X509_get_ext(handle, place)) else { return nil }
        // Sound: the string belongs to the certificate and is copied.
        let bytes = unsafe Array(
            UnsafeBufferPointer(start: ASN1_STRING_get0_data(value), count: Int(ASN1_STRING_length(value)))
        )
        guard let list = SignedTimestamp.list(bytes.span) else {
            throw .intransparent(subject: label, why: "its list of transparency logs is malformed")
        }
        return list
    }
}

extension SignedTimestamp {
    /// The SignedCertificateTimestampList in an OCTET STRING; nil when it is malformed.
    internal static func list(_ bytes: Span<UInt8>) -> [SignedTimestamp]? {
        var outer = DERReader(bytes.indices)
        guard let content = outer.take(DERReader.octetString, in: bytes), outer.rest.isEmpty else { return nil }
        var reader = ShortReader(content)
        guard let whole = reader.take(in: bytes), reader.rest.isEmpty, !whole.isEmpty else { return nil }
        var entries = ShortReader(whole)
        var found: [SignedTimestamp] = []
        while !entries.rest.isEmpty {
            guard let entry = entries.take(in: bytes), !entry.isEmpty else { return nil }
            guard bytes[entry.lowerBound] == 0 else { continue }
            // Version (1), log (32), timestamp (8), extensions, then hash (1), algorithm (1) and signature.
            guard entry.count >= 41 else { return nil }
            let log = (entry.lowerBound + 1)..<(entry.lowerBound + 33)
            var rest = ShortReader((entry.lowerBound + 41)..<entry.upperBound)
            guard rest.take(in: bytes) != nil, rest.rest.count >= 2 else { return nil }
            var signature = ShortReader((rest.rest.lowerBound + 2)..<rest.rest.upperBound)
            guard let last = signature.take(in: bytes), !last.isEmpty, signature.rest.isEmpty else { return nil }
            found.append(
                SignedTimestamp(
                    log: log.map { bytes[$0] },
                    milliseconds: (log.upperBound..<log.upperBound + 8).reduce(0) { $0 << 8 | UInt64(bytes[$1]) }
                )
            )
        }
        return found
    }
}

/// Reads runs of bytes that are each preceded by their length (2 bytes, big endian), as TLS writes vectors.
private struct ShortReader {
    private(set) var rest: Range<Int>

    init(_ range: Range<Int>) {
        rest = range
    }

    mutating func take(in bytes: Span<UInt8>) -> Range<Int>? {
        guard rest.count >= 2 else { return nil }
        let length = Int(bytes[rest.lowerBound]) << 8 | Int(bytes[rest.lowerBound + 1])
        let first = rest.lowerBound + 2
        guard length <= rest.upperBound - first else { return nil }
        rest = (first + length)..<rest.upperBound
        return first..<(first + length)
    }
}
