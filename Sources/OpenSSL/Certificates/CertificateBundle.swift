import Synchronization

/// A certificate with the chain up to its root, and its private key: known to fit each other.
/// Immutable; any thread may use it.
///
/// One that another process has checked and serialised stays bytes until it is asked for: of ten thousand certificates,
/// a data plane reads those that clients ask for, each when the first one does, which costs that handshake 0.2 ms
/// (`d2i_X509` alone takes 0.12 in OpenSSL 3.0).
package final class CertificateBundle: Sendable {
    /// What another process has checked, in its form.
    internal struct Sealed: Sendable {
        let bytes: KeyMaterial
        /// Where issuers are taken from, and left for others.
        let issuers: IssuerPool
    }

    /// The hosts it is good for, as `Certificate.dnsNames` has them.
    package let names: [String]
    /// The algorithm of its key.
    package let algorithm: PrivateKey.Algorithm
    package let use = CertificateUse()
    /// SHA-256 of the first certificate and of all, where they were still bytes.
    private let digests: (leaf: [UInt8], chain: [UInt8])?
    private let made = AtomicLazyReference<CertificateMaterial>()
    private let sealed: Mutex<Sealed?>

    /// Checks that the key is the first certificate's and that each certificate is issued by the next, which
    /// may issue for these names.
    /// Dates are checked by `requireValid(at:)`, since an expired bundle may still be shown and kept.
    package init(chain: [Certificate], key: PrivateKey) throws(CertificateError) {
        guard let leaf = chain.first else { throw .noCertificate }
        let isPlain = key.isSpelled(in: leaf)
        if !isPlain, !key.belongs(to: leaf) { throw .keyMismatch(subject: leaf.label) }
        for index in chain.indices.dropLast() where !chain[index].isIssued(by: chain[index + 1]) {
            throw .brokenChain(
                subject: chain[index].label,
                issuer: chain[index].issuer,
                next: chain[index + 1].label,
                CertificateBundle.gap(behind: chain[index], in: chain)
            )
        }
        // The keys of issuers, too: who verifies the chain meets them.
        for certificate in chain.dropFirst(isPlain ? 1 : 0) where certificate.hasUnnamedCurve {
            throw .unnamedCurve(owner: "the certificate of \(certificate.label)")
        }
        for issuer in chain.dropFirst() where !leaf.isPermitted(by: issuer) {
            throw .forbiddenNames(subject: leaf.label, issuer: issuer.subject)
        }
        names = leaf.dnsNames
        algorithm = key.algorithm
        digests = nil
        sealed = Mutex(nil)
        _ = made.storeIfNil(CertificateMaterial(chain: chain, key: key))
    }

    private static func gap(behind certificate: Certificate, in chain: [Certificate]) -> CertificateError.Gap {
        let namesakes = chain.filter(certificate.namesIssuer)
        if namesakes.isEmpty { return .missing }
        return namesakes.contains(where: certificate.isIssued(by:)) ? .misplaced : .namesake
    }

    /// Loads a chain and a key, which may be in one file.
    package convenience init(certificatePEM: Span<UInt8>, keyPEM: Span<UInt8>) throws(CertificateError) {
        try self.init(chain: try Certificate.load(pem: certificatePEM), key: try PrivateKey(pem: keyPEM))
    }

    /// One whose bytes have the right form.
    internal init(
        _ sealed: Sealed,
        names: [String],
        _ algorithm: PrivateKey.Algorithm,
        digests: (leaf: [UInt8], chain: [UInt8])
    ) {
        self.names = names
        self.algorithm = algorithm
        self.digests = digests
        self.sealed = Mutex(sealed)
    }

    /// What OpenSSL works with; nil when it cannot be made, for lack of memory.
    internal var material: CertificateMaterial? {
        if let made = made.load() { return made }
        return sealed.withLock { sealed in
            if let made = made.load() { return made }
            guard let held = sealed, let fresh = try? CertificateMaterial(held) else { return nil }
            // Wiped with this.
            sealed = nil
            return made.storeIfNil(fresh)
        }
    }

    private var whole: CertificateMaterial {
        guard let material else { fatalError("no memory for a certificate that the control plane could read") }
        return material
    }

    /// Has everything read that the first handshake would else have to.
    package func prepare() {
        guard let material else { return }
        _ = unsafe (material.chain[0].handle, material.stack)
    }

    /// The server's own certificate first, then each issuer in turn.
    package var chain: [Certificate] { whole.chain }
    package var key: PrivateKey { whole.key }
    package var leaf: Certificate { whole.chain[0] }

    /// SHA-256 of the first certificate in DER, in hexadecimal.
    package var fingerprint: String { digests.map { Hexadecimal.text($0.leaf) } ?? leaf.fingerprint }

    /// Whether both have the same certificates.
    package func hasCertificates(of other: CertificateBundle) -> Bool {
        if let mine = digests?.chain, let others = other.digests?.chain { return mine == others }
        return chain.elementsEqual(other.chain) { $0.der == $1.der }
    }

    /// Whether it serves the same names with the same kind of key as another.
    package func isAlike(_ other: CertificateBundle) -> Bool {
        algorithm == other.algorithm && Set(names) == Set(other.names)
    }

    /// Fails when clients would refuse it whatever their clock and their roots are, or not get it: it names no host, or a
    /// certificate of the chain is too weak, or may not be used where it stands.
    package func requireServable() throws(CertificateError) {
        if leaf.dnsNames.isEmpty && leaf.addresses.isEmpty { throw .noNames(subject: leaf.label) }
        try requireStrength()
        if let why = leaf.faultAsServer { throw .unfit(subject: leaf.label, why: why) }
        var below = 0
        for issuer in chain.dropFirst() {
            if let why = issuer.faultAsIssuer(of: below) { throw .unfit(subject: issuer.label, why: why) }
            // Section 6.1.4 of RFC 5280: what a CA issued to itself, for a new key, does not lengthen the path.
            if issuer.subject != issuer.issuer { below += 1 }
        }
    }

    /// Fails when a key or a signature of the chain is too weak to be sent.
    package func requireStrength() throws(CertificateError) {
        for (index, certificate) in chain.enumerated() {
            if let why = certificate.faultOfStrength(key: index == 0 ? key : nil) {
                throw .weak(subject: certificate.label, why: why)
            }
        }
    }

    /// Fails when a certificate of the chain whose dates count is not valid at `now` (seconds since 1970).
    package func requireValid(at now: Int64) throws(CertificateError) {
        for certificate in chain.withoutRoot { try certificate.requireValid(at: now) }
    }
}

extension [Certificate] {
    /// Those of a chain whose dates count: all but a root that follows its issuers. That need not be sent (RFC 8446, section
    /// 4.4.2), and whoever trusts it goes by his own copy, which may be a later one of the same key.
    package var withoutRoot: ArraySlice<Certificate> {
        guard count > 1, let top = last, top.isSelfSigned else { return self[...] }
        return dropLast()
    }
}
