internal import Bytes
internal import COpenSSL
import Synchronization

/// An X.509 certificate. Immutable; any thread may use it.
///
/// Making the object that its public key is takes OpenSSL 3.0 ten times as long as all else (0.1 ms for a search through its
/// decoders), so a certificate may be read without: that object is made when it is asked for.
@safe
package final class Certificate: Sendable {
    /// All but its public key, which may be missing here.
    // Sound: OpenSSL's reference count is atomic, and the contents are never changed.
    internal nonisolated(unsafe) let contents: OpaquePointer
    internal let hasKey: Bool
    private let made = AtomicLazyReference<ParsedCertificate>()
    internal let plainKey = AtomicLazyReference<PublicKey>()
    /// What `isSelfSigned` found.
    internal let selfSignature = Atomic<SelfSignature>(.unchecked)

    /// The contents when OpenSSL has looked at the extensions. It says that it failed to where it has no digest for a fingerprint of
    /// all, which one without its key has not, and says so but once.
    internal var examined: OpaquePointer {
        _ = unsafe X509_get_extension_flags(contents)
        return unsafe contents
    }

    /// With its public key, for handshakes.
    internal var handle: OpaquePointer {
        if hasKey { return unsafe contents }
        if let made = made.load() { return unsafe made.handle }
        let der = der
        guard let parsed = unsafe Self.parse(der.span, keyless: false).certificate else {
            // For lack of memory. Whoever needs the key fails for that it is missing.
            ERR_clear_error()
            return unsafe contents
        }
        unsafe X509_check_purpose(parsed, -1, 0)
        return unsafe made.storeIfNil(ParsedCertificate(owning: parsed)).handle
    }

    /// Takes over an object that its maker still fills in, before anybody else sees it.
    internal init(filling handle: OpaquePointer) {
        unsafe contents = handle
        hasKey = true
    }

    /// - Parameter isKeyWanted: makes its public key at once, and not when it is asked for.
    package init(der: Span<UInt8>, isKeyWanted: Bool = true) throws(CertificateError) {
        // What is not quite right with one that is read without its key is found with it.
        if !isKeyWanted {
            let (parsed, rest) = unsafe Self.parse(der, keyless: true)
            if let parsed = unsafe parsed, rest == 0 {
                unsafe contents = parsed
                hasKey = false
                return
            }
            unsafe X509_free(parsed)
            ERR_clear_error()
        }
        let (parsed, rest) = unsafe Self.parse(der, keyless: false)
        guard let parsed = unsafe parsed else { throw .malformedCertificate(reason: OpenSSLError.drainedText()) }
        guard rest == 0 else {
            unsafe X509_free(parsed)
            throw .malformedCertificate(reason: "\(rest) bytes follow it")
        }
        unsafe contents = parsed
        hasKey = true
        unsafe X509_check_purpose(parsed, -1, 0)
    }

    /// A library context without providers, and so without decoders that could be searched.
    // Sound: made once, and only read from then on.
    private static nonisolated(unsafe) let withoutDecoders: OpaquePointer? = {
        let context = unsafe OSSL_LIB_CTX_new()
        guard unsafe OSSL_PROVIDER_load(context, "null") != nil else {
            ERR_clear_error()
            unsafe OSSL_LIB_CTX_free(context)
            return nil
        }
        return unsafe context
    }()

    /// - Returns: the certificate, the caller's; nil when it cannot be read. And how many bytes follow it.
    private static func parse(_ der: Span<UInt8>, keyless: Bool) -> (certificate: OpaquePointer?, rest: Int) {
        var place: OpaquePointer?
        if keyless {
            guard let context = unsafe withoutDecoders else { return (nil, 0) }
            unsafe place = X509_new_ex(context, nil)
        }
        // Sound: d2i_X509 reads within the bytes it is given, and leaves the cursor where the certificate ends. It fills the
        // object that it is given, or frees it and says so in `place`.
        return unsafe der.withUnsafeBufferPointer { bytes in
            var cursor = bytes.baseAddress
            let made = unsafe keyless ? d2i_X509(&place, &cursor, bytes.count) : d2i_X509(nil, &cursor, bytes.count)
            guard let parsed = unsafe made else {
                unsafe X509_free(place)
                return (nil, 0)
            }
            guard let start = bytes.baseAddress, let end = unsafe cursor else { return unsafe (parsed, 0) }
            return unsafe (parsed, bytes.count - (end - start))
        }
    }

    deinit { unsafe X509_free(contents) }

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
                found.append(try Certificate(der: contents.bytes, isKeyWanted: false))
            }
        }
        if found.isEmpty { throw .noCertificate }
        return found
    }

    package var der: [UInt8] {
        var data: UnsafeMutablePointer<UInt8>?
        // Sound: i2d allocates what it writes, which is copied and freed.
        let count = unsafe i2d_X509(contents, &data)
        defer { unsafe CRYPTO_free(data, nil, 0) }
        return unsafe Array(UnsafeBufferPointer(start: data, count: max(0, Int(count))))
    }

    package var pem: String {
        guard let bio = unsafe BIO_new(BIO_s_mem()) else { return "" }
        defer { unsafe BIO_free(bio) }
        unsafe PEM_write_bio_X509(bio, contents)
        return unsafe MemoryBIO.text(bio)
    }

    /// As RFC 2253 writes it.
    package var subject: String { unsafe Name.text(X509_get_subject_name(contents)) }
    package var issuer: String { unsafe Name.text(X509_get_issuer_name(contents)) }

    /// What people call it: its subject or, where that is empty, as CAs have it now, the hosts that it is for.
    internal var label: String {
        let subject = subject
        guard subject.isEmpty else { return subject }
        let hosts = dnsNames.prefix(3).joined(separator: ", ")
        return hosts.isEmpty ? "serial number \(Hexadecimal.text(serialNumber))" : hosts
    }

    /// The first and the last second of its validity, since 1970.
    package var validity: ClosedRange<Int64> {
        let first = unsafe Self.seconds(X509_get0_notBefore(contents))
        return first...max(first, unsafe Self.seconds(X509_get0_notAfter(contents)))
    }

    /// Seconds since 1970; 0 for what is no time.
    internal static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64 {
        var parts = unsafe tm()
        // Sound: fills in `parts`; timegm may normalise it.
        guard unsafe ASN1_TIME_to_tm(time, &parts) == 1 else { return 0 }
        return unsafe Int64(timegm(&parts))
    }

    /// Its key spells its curve out.
    internal var hasUnnamedCurve: Bool { unsafe Curve.isSpelledOut(publicKey) }

    /// Whether its names are among those that `issuer` may certify (RFC 5280, section 4.2.1.10).
    package func isPermitted(by issuer: Certificate) -> Bool {
        // Sound: the decoded extension is ours until NAME_CONSTRAINTS_free; both certificates are only read.
        guard let raw = unsafe X509_get_ext_d2i(issuer.contents, NID_name_constraints, nil, nil) else { return true }
        let constraints = unsafe raw.assumingMemoryBound(to: NAME_CONSTRAINTS.self)
        defer { unsafe NAME_CONSTRAINTS_free(constraints) }
        let status = unsafe NAME_CONSTRAINTS_check(contents, constraints)
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

/// A certificate as OpenSSL has it.
@safe
private final class ParsedCertificate: Sendable {
    // Sound: OpenSSL's reference count is atomic, and the contents are never changed.
    nonisolated(unsafe) let handle: OpaquePointer

    init(owning handle: OpaquePointer) { unsafe self.handle = handle }

    deinit { unsafe X509_free(handle) }
}
