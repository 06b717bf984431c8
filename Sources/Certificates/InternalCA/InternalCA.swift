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

    /// What clients are to trust.
    package let rootCertificate: Certificate
    /// nil when it was taken off the machine.
    private let rootKey: PrivateKey?
    private let intermediate: Certificate.Authority

    /// What signs.
    package var signingCertificate: Certificate { intermediate.certificate }

    /// A fresh one.
    package init(named name: String, now: Int64) throws(CertificateProblem) {
        do throws(OpenSSLError) {
            let root = try InternalCA.authority(
                .root,
                "\(name) root CA",
                InternalCA.validity(InternalCA.rootLifetime, now),
                by: nil
            )
            rootCertificate = root.certificate
            rootKey = root.key
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

    private init(root: Certificate, key: PrivateKey?, intermediate: Certificate.Authority) {
        rootCertificate = root
        rootKey = key
        self.intermediate = intermediate
    }

    private static func validity(
        _ lifetime: Int64,
        _ now: Int64,
        within issuer: Certificate? = nil
    ) -> ClosedRange<Int64> {
        let end = min(now + lifetime, issuer?.validity.upperBound ?? .max)
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
            if let key = fresh.rootKey {
                try store.save(bundle([fresh.rootCertificate], key), as: rootName, reason: reason, now: now)
            }
            try store.save(fresh.signer, as: intermediateName, reason: reason, now: now)
            return fresh
        }
        let root = try Self.root(in: store)
        do throws(CertificateError) {
            try root.requireValid(at: now)
        } catch {
            throw .contents(path: "\(store.folder)/\(rootName)", error)
        }
        let intermediate = try store.load(intermediateName)
        let kept = InternalCA(
            root: root,
            key: nil,
            intermediate: Certificate.Authority(certificate: intermediate.leaf, key: intermediate.key)
        )
        guard intermediate.leaf.validity.upperBound - now < 2 * leafLifetime else { return kept }
        guard hasRootKey(in: store) else {
            // What it signs ends with it: who is told has 47 days from the first certificate that lives shorter.
            guard intermediate.leaf.validity.upperBound > now else { throw .rootKeyAway(folder: store.folder) }
            return kept
        }
        let reason = "the intermediate ends soon"
        return try renewIntermediate(in: store, rootKey: nil, named: name, reason: reason, now: now)
    }

    /// A new intermediate of the root in `store`, which signs from then on. The store is locked.
    ///
    /// - Parameter rootKey: the root's, where the store has it no longer; it is not kept.
    package static func renewIntermediate(
        in store: CertificateStore,
        rootKey: PrivateKey?,
        named name: String,
        reason: String,
        now: Int64
    ) throws(CertificateProblem) -> InternalCA {
        let root = try Self.root(in: store)
        if rootKey == nil, !hasRootKey(in: store) { throw .rootKeyAway(folder: store.folder) }
        let key: PrivateKey
        if let rootKey { key = rootKey } else { key = try store.load(rootName).key }
        guard key.belongs(to: root) else {
            throw .contents(path: try rootPath(in: store), .keyMismatch(subject: root.subject))
        }
        let fresh: Certificate.Authority
        do throws(OpenSSLError) {
            fresh = try authority(
                .intermediate,
                "\(name) intermediate CA",
                validity(intermediateLifetime, now, within: root),
                by: Certificate.Authority(certificate: root, key: key)
            )
        } catch {
            throw .library(error)
        }
        let renewed = InternalCA(root: root, key: nil, intermediate: fresh)
        try store.save(renewed.signer, as: intermediateName, reason: reason, now: now)
        return renewed
    }

    /// Whether the root's key is on this machine.
    private static func hasRootKey(in store: CertificateStore) -> Bool { store.hasKey(of: rootName) }

    /// Takes the root's key out of `store`: what is done with it before is `body`'s matter. The store is locked.
    package static func detachRoot(
        from store: CertificateStore,
        now: Int64,
        _ body: (PrivateKey) throws(CertificateProblem) -> Void
    ) throws(CertificateProblem) {
        guard try store.contains(rootName), hasRootKey(in: store) else { throw .rootKeyAway(folder: store.folder) }
        try body(try store.load(rootName).key)
        try store.removeKeys(of: rootName, reason: "the root's key was taken off this machine", now: now)
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
            try InternalCA.bundle([intermediate.certificate, rootCertificate], intermediate.key)
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
