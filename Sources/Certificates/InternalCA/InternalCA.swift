package import OpenSSL

/// A certificate authority of the site's own: a root that clients are told to trust, and an
/// intermediate that signs. Both are ECDSA P-256.
package struct InternalCA: Sendable {
    /// How long each lasts, in seconds. Leaves end before the intermediate, and that before the root.
    private static let rootLifetime: Int64 = 3650 * 86_400
    private static let intermediateLifetime: Int64 = 1825 * 86_400
    /// What CA/B SC-081v3 allows from 2029 on.
    package static let leafLifetime: Int64 = 47 * 86_400
    /// Clocks differ: certificates begin this much before they are made.
    private static let backdating: Int64 = 3600

    /// The names under which a store keeps the two.
    private static let rootName = "internal-ca-root"
    private static let intermediateName = "internal-ca"

    private let root: Certificate.Authority
    private let intermediate: Certificate.Authority

    /// What clients are to trust.
    package var rootCertificate: Certificate { root.certificate }

    /// A fresh one.
    package init(named name: String, now: Int64) throws(CertificateProblem) {
        do throws(OpenSSLError) {
            root = try InternalCA.authority(
                .root,
                "\(name) root CA",
                InternalCA.validity(InternalCA.rootLifetime, now),
                by: nil
            )
            intermediate = try InternalCA.authority(
                .intermediate,
                "\(name) intermediate CA",
                InternalCA.validity(InternalCA.intermediateLifetime, now),
                by: root
            )
        } catch {
            throw .library(error)
        }
    }

    private init(root: Certificate.Authority, intermediate: Certificate.Authority) {
        self.root = root
        self.intermediate = intermediate
    }

    private static func validity(
        _ lifetime: Int64,
        _ now: Int64,
        within issuer: Certificate.Authority? = nil
    ) -> ClosedRange<Int64> {
        let end = min(now + lifetime, issuer?.certificate.validity.upperBound ?? .max)
        return (now - backdating)...max(now, end)
    }

    private static func authority(
        _ role: CertificateTemplate.Role,
        _ name: String,
        _ validity: ClosedRange<Int64>,
        by issuer: Certificate.Authority?
    ) throws(OpenSSLError) -> Certificate.Authority {
        let template = CertificateTemplate(
            role: role,
            commonName: name,
            notBefore: validity.lowerBound,
            notAfter: validity.upperBound
        )
        let key = try PrivateKey.generate(.ecdsaP256)
        return Certificate.Authority(certificate: try Certificate.issue(template, for: key, by: issuer), key: key)
    }

    /// The one in `store`, or a fresh one that is then kept there. An intermediate that ends before two leaves
    /// would is replaced by a new one of the same root.
    package static func loadOrCreate(
        in store: CertificateStore,
        named name: String,
        now: Int64
    ) throws(CertificateProblem) -> InternalCA {
        guard try store.contains(intermediateName) else {
            let fresh = try InternalCA(named: name, now: now)
            // The intermediate last: only when it is there does the CA exist.
            let reason = "there was no internal CA"
            try store.save(bundle([fresh.root.certificate], fresh.root.key), as: rootName, reason: reason, now: now)
            try store.save(fresh.signer, as: intermediateName, reason: reason, now: now)
            return fresh
        }
        let root = try store.load(rootName)
        do throws(CertificateError) {
            try root.requireValid(at: now)
        } catch {
            throw .contents(path: "\(store.folder)/\(rootName)", error)
        }
        let intermediate = try store.load(intermediateName)
        let kept = InternalCA(
            root: Certificate.Authority(certificate: root.leaf, key: root.key),
            intermediate: Certificate.Authority(certificate: intermediate.leaf, key: intermediate.key)
        )
        guard intermediate.leaf.validity.upperBound - now < 2 * leafLifetime else { return kept }
        let renewed = try kept.withFreshIntermediate(named: name, now: now)
        try store.save(renewed.signer, as: intermediateName, reason: "the intermediate ends soon", now: now)
        return renewed
    }

    /// The file that changes with the certificate that signs.
    package static func pointer(in store: CertificateStore) -> String { store.pointer(of: intermediateName) }

    /// The certificate that signs, from `store`, without its key; nil when the CA does not exist yet.
    package static func signer(in store: CertificateStore) throws(CertificateProblem) -> Certificate? {
        guard try store.contains(intermediateName) else { return nil }
        return try store.loadChain(intermediateName).first
    }

    /// The root certificate, from `store`, without its key.
    package static func root(in store: CertificateStore) throws(CertificateProblem) -> Certificate {
        try store.loadChain(rootName)[0]
    }

    /// The file of the root certificate in `store`, for those who are to trust it.
    package static func rootPath(in store: CertificateStore) throws(CertificateProblem) -> String {
        try store.chainPath(rootName)
    }

    /// The intermediate with the root that issued it.
    private var signer: CertificateBundle {
        get throws(CertificateProblem) {
            try InternalCA.bundle([intermediate.certificate, root.certificate], intermediate.key)
        }
    }

    private func withFreshIntermediate(named name: String, now: Int64) throws(CertificateProblem) -> InternalCA {
        do throws(OpenSSLError) {
            let fresh = try InternalCA.authority(
                .intermediate,
                "\(name) intermediate CA",
                InternalCA.validity(InternalCA.intermediateLifetime, now, within: root),
                by: root
            )
            return InternalCA(root: root, intermediate: fresh)
        } catch {
            throw .library(error)
        }
    }

    /// A server certificate for DNS names and IP addresses, with the chain that servers send (not the root).
    package func issue(
        names: [String],
        key kind: PrivateKey.Kind = .ecdsaP256,
        lifetime: Int64 = InternalCA.leafLifetime,
        now: Int64
    ) throws(CertificateProblem) -> CertificateBundle {
        try issue(.server, commonName: "", names: names, kind, lifetime, now)
    }

    /// A client certificate, for mutual TLS, whose subject is `CN=commonName`.
    package func issueClient(
        commonName: String,
        key kind: PrivateKey.Kind = .ecdsaP256,
        lifetime: Int64 = InternalCA.leafLifetime,
        now: Int64
    ) throws(CertificateProblem) -> CertificateBundle {
        try issue(.client, commonName: commonName, names: [], kind, lifetime, now)
    }

    private func issue(
        _ role: CertificateTemplate.Role,
        commonName: String,
        names: [String],
        _ kind: PrivateKey.Kind,
        _ lifetime: Int64,
        _ now: Int64
    ) throws(CertificateProblem) -> CertificateBundle {
        let template = CertificateTemplate(
            role: role,
            commonName: commonName,
            names: names,
            notBefore: now - InternalCA.backdating,
            notAfter: min(now + lifetime, intermediate.certificate.validity.upperBound)
        )
        let key: PrivateKey
        let leaf: Certificate
        do throws(OpenSSLError) {
            key = try PrivateKey.generate(kind)
            leaf = try Certificate.issue(template, for: key, by: intermediate)
        } catch {
            throw .library(error)
        }
        return try InternalCA.bundle([leaf, intermediate.certificate], key)
    }

    private static func bundle(
        _ chain: [Certificate],
        _ key: PrivateKey
    ) throws(CertificateProblem) -> CertificateBundle {
        do throws(CertificateError) {
            return try CertificateBundle(chain: chain, key: key)
        } catch {
            throw .issued(error)
        }
    }
}
