internal import Bytes
internal import COpenSSL

/// An X.509 certificate. Immutable; any thread may use it.
@safe
package final class Certificate: Sendable {
    // Sound: OpenSSL's reference count is atomic, and the contents are never changed.
    internal nonisolated(unsafe) let handle: OpaquePointer

    /// Takes over an object that its maker still fills in, before anybody else sees it.
    internal init(filling handle: OpaquePointer) {
        unsafe self.handle = handle
    }

    package init(der: Span<UInt8>) throws(CertificateError) {
        var rest = 0
        // Sound: d2i_X509 reads within the bytes it is given, and leaves the cursor where the certificate ends.
        let parsed = unsafe der.withUnsafeBufferPointer { bytes in
            var cursor = bytes.baseAddress
            let parsed = unsafe d2i_X509(nil, &cursor, bytes.count)
            if let start = bytes.baseAddress, let end = unsafe cursor { rest = unsafe bytes.count - (end - start) }
            return unsafe parsed
        }
        guard let parsed = unsafe parsed else { throw .malformedCertificate(reason: OpenSSLError.drainedText()) }
        guard rest == 0 else {
            unsafe X509_free(parsed)
            throw .malformedCertificate(reason: "\(rest) bytes follow it")
        }
        unsafe handle = parsed
        unsafe X509_check_purpose(parsed, -1, 0)
    }

    deinit { unsafe X509_free(handle) }

    /// All certificates of a PEM file, at least one.
    ///
    /// - Parameter issuers: where those after the first are taken from, and left for others.
    package static func load(
        pem: Span<UInt8>,
        sharing issuers: IssuerPool? = nil
    ) throws(CertificateError) -> [Certificate] {
        try load(PEMBlock.all(in: pem, ifBinary: .binaryCertificate), sharing: issuers)
    }

    internal static func load(
        _ blocks: [PEMBlock],
        sharing issuers: IssuerPool? = nil
    ) throws(CertificateError) -> [Certificate] {
        var found: [Certificate] = []
        for block in blocks where block.label == "CERTIFICATE" || block.label == "X509 CERTIFICATE" {
            let contents = block.contents
            if let issuers, !found.isEmpty {
                found.append(try issuers.certificate(der: contents.bytes))
            } else {
                found.append(try Certificate(der: contents.bytes))
            }
        }
        if found.isEmpty { throw .noCertificate }
        return found
    }

    package var der: [UInt8] {
        var data: UnsafeMutablePointer<UInt8>?
        // Sound: i2d allocates what it writes, which is copied and freed.
        let count = unsafe i2d_X509(handle, &data)
        defer { unsafe CRYPTO_free(data, nil, 0) }
        return unsafe Array(UnsafeBufferPointer(start: data, count: max(0, Int(count))))
    }

    package var pem: String {
        guard let bio = unsafe BIO_new(BIO_s_mem()) else { return "" }
        defer { unsafe BIO_free(bio) }
        unsafe PEM_write_bio_X509(bio, handle)
        return unsafe MemoryBIO.text(bio)
    }

    /// As RFC 2253 writes it.
    package var subject: String { unsafe Name.text(X509_get_subject_name(handle)) }
    package var issuer: String { unsafe Name.text(X509_get_issuer_name(handle)) }

    /// What people call it: its subject or, where that is empty, as CAs have it now, the hosts that it is for.
    internal var label: String {
        let subject = subject
        guard subject.isEmpty else { return subject }
        let hosts = dnsNames.prefix(3).joined(separator: ", ")
        return hosts.isEmpty ? "serial number \(Hexadecimal.text(serialNumber))" : hosts
    }

    /// The first and the last second of its validity, since 1970.
    package var validity: ClosedRange<Int64> {
        let first = unsafe Self.seconds(X509_get0_notBefore(handle))
        return first...max(first, unsafe Self.seconds(X509_get0_notAfter(handle)))
    }

    /// Seconds since 1970; 0 for what is no time.
    internal static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64 {
        var parts = unsafe tm()
        // Sound: fills in `parts`; timegm may normalise it.
        guard unsafe ASN1_TIME_to_tm(time, &parts) == 1 else { return 0 }
        return unsafe Int64(timegm(&parts))
    }

    /// Its key spells its curve out.
    internal var hasUnnamedCurve: Bool { unsafe Curve.isSpelledOut(X509_get0_pubkey(handle)) }

    /// `issuer` signed this certificate.
    package func isIssued(by issuer: Certificate) -> Bool {
        // Sound: both are only read.
        let fits =
            unsafe X509_check_issued(issuer.handle, handle) == X509_V_OK
            && X509_verify(handle, X509_get0_pubkey(issuer.handle)) == 1
        ERR_clear_error()
        return fits
    }

    /// Whether its names are among those that `issuer` may certify (RFC 5280, section 4.2.1.10).
    package func isPermitted(by issuer: Certificate) -> Bool {
        // Sound: the decoded extension is ours until NAME_CONSTRAINTS_free; both certificates are only read.
        guard let raw = unsafe X509_get_ext_d2i(issuer.handle, NID_name_constraints, nil, nil) else { return true }
        let constraints = unsafe raw.assumingMemoryBound(to: NAME_CONSTRAINTS.self)
        defer { unsafe NAME_CONSTRAINTS_free(constraints) }
        let status = unsafe NAME_CONSTRAINTS_check(handle, constraints)
        ERR_clear_error()
        return status == X509_V_OK
    }

    /// Fails when it is not valid at `now` (seconds since 1970).
    package func requireValid(at now: Int64) throws(CertificateError) {
        let validity = self.validity
        if now < validity.lowerBound { throw .notYetValid(subject: label, from: UTC.text(validity.lowerBound)) }
        if now > validity.upperBound { throw .expired(subject: label, since: UTC.text(validity.upperBound)) }
    }
}
