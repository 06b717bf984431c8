package import OpenSSL

/// The CA in its store: made once, loaded after that, its intermediate replaced when it is time to.
extension InternalCA {
    /// An intermediate with less left than this is replaced, so that no leaf is cut short.
    internal static let intermediateMargin: Int64 = 2 * leafLifetime

    /// The one in `store`, or a fresh one that is then kept there. The store is locked.
    ///
    /// An intermediate that ends before two leaves would, or may not certify `names`, is replaced by a new one of the same
    /// root, where the root's key is here.
    ///
    /// - Parameters:
    ///   - names: what is to be certified, as `CertificateTemplate` has it.
    ///   - isWanted: an operator asks for one, also where there was another that is lost, or is not the one that is there.
    package static func loadOrCreate(
        in store: CertificateStore,
        named name: String,
        policy: InternalCAPolicy = InternalCAPolicy(),
        for names: [String] = [],
        isWanted: Bool = false,
        now: Int64
    ) throws(CertificateProblem) -> InternalCA {
        try require(names, permittedBy: policy)
        func renewed(_ reason: String) throws(CertificateProblem) -> InternalCA {
            try renewIntermediate(in: store, rootKey: nil, named: name, policy: policy, reason: reason, now: now)
        }
        guard try store.contains(intermediateName) else {
            if !isWanted { try requireNoLoss(in: store) }
            guard try store.contains(rootName) else {
                return try create(in: store, named: name, policy: policy, now: now)
            }
            _ = try validRoot(in: store, isWanted: isWanted, now: now)
            return try renewed("there was no intermediate")
        }
        let root = try validRoot(in: store, isWanted: isWanted, now: now)
        let stored = try store.load(intermediateName)
        let kept = InternalCA(
            root: root,
            intermediate: Certificate.Authority(certificate: stored.leaf, key: stored.key),
            policy: policy
        )
        let outside = stored.leaf.nameConstraints?.outside(names) ?? []
        guard let reason = reasonToRenew(stored.leaf, of: root, outside, now) else { return kept }
        guard hasRootKey(in: store) else {
            if let constraints = stored.leaf.nameConstraints, !outside.isEmpty {
                throw .constrainedNames(outside, permitted: constraints.text, folder: store.folder)
            }
            // What it signs ends with it: who is told has 47 days from the first certificate that lives shorter.
            guard stored.leaf.validity.contains(now) else { throw .rootKeyAway(folder: store.folder) }
            return kept
        }
        return try renewed(reason)
    }

    /// Fails where the site file keeps the CA from certifying any of `names`.
    private static func require(
        _ names: [String],
        permittedBy policy: InternalCAPolicy
    ) throws(CertificateProblem) {
        guard let constraints = policy.constraints else { return }
        let excluded = constraints.outside(names)
        guard excluded.isEmpty else { throw .excludedNames(excluded, permitted: constraints.text) }
    }

    private static func validRoot(
        in store: CertificateStore,
        isWanted: Bool,
        now: Int64
    ) throws(CertificateProblem) -> Certificate {
        let root = try Self.root(in: store)
        if isWanted { try acknowledge(root, in: store, now: now) }
        try requireKnown(root, in: store)
        do throws(CertificateError) {
            try root.requireValid(at: now)
        } catch {
            throw .contents(path: "\(store.folder)/\(rootName)", error)
        }
        return root
    }

    private static func create(
        in store: CertificateStore,
        named name: String,
        policy: InternalCAPolicy,
        now: Int64
    ) throws(CertificateProblem) -> InternalCA {
        let fresh = try InternalCA(named: name, policy: policy, now: now)
        // The intermediate last: only when it is there does the CA exist.
        let reason = "there was no internal CA"
        if let key = fresh.rootKey {
            try store.save(bundle([fresh.rootCertificate], key), as: rootName, reason: reason, now: now)
            let root = Certificate.Authority(certificate: fresh.rootCertificate, key: key)
            try makeRootList(of: root, in: store, now: now)
        }
        try store.save(fresh.signer, as: intermediateName, reason: reason, now: now)
        return fresh
    }

    /// Why another intermediate is needed; nil when it is not.
    private static func reasonToRenew(
        _ intermediate: Certificate,
        of root: Certificate,
        _ outside: [String],
        _ now: Int64
    ) -> String? {
        let validity = intermediate.validity
        if now < validity.lowerBound { return "the intermediate is not valid yet" }
        // One that ends with its root gains nothing by being made anew.
        if validity.upperBound - now < intermediateMargin, validity.upperBound < root.validity.upperBound {
            return "the intermediate ends soon"
        }
        return outside.isEmpty ? nil : "the intermediate may not certify \(outside.joined(separator: ", "))"
    }

    /// A new intermediate of the root in `store`, which signs from then on. The store is locked.
    ///
    /// - Parameters:
    ///   - rootKey: the root's, and the file that it was in, where the store has it no longer; it is not kept.
    ///   - revocation: those before are put on the root's list, for this reason; nil for that they are not.
    package static func renewIntermediate(
        in store: CertificateStore,
        rootKey: (key: PrivateKey, path: String)?,
        named name: String,
        policy: InternalCAPolicy = InternalCAPolicy(),
        revoking revocation: RevocationReason? = nil,
        reason: String,
        now: Int64
    ) throws(CertificateProblem) -> InternalCA {
        let root = try Self.root(in: store)
        try requireKnown(root, in: store)
        if rootKey == nil, !hasRootKey(in: store) { throw .rootKeyAway(folder: store.folder) }
        let key: PrivateKey
        if let rootKey {
            key = rootKey.key
            guard key.belongs(to: root) else {
                throw .foreignRootKey(path: rootKey.path, folder: store.folder, subject: root.subject)
            }
        } else {
            key = try store.load(rootName).key
        }
        let fresh: Certificate.Authority
        do throws(OpenSSLError) {
            fresh = try authority(
                .intermediate,
                "\(name) intermediate CA",
                validity(intermediateLifetime, now, within: root),
                policy,
                by: Certificate.Authority(certificate: root, key: key)
            )
        } catch {
            throw .library(error)
        }
        let renewed = InternalCA(root: root, intermediate: fresh, policy: policy)
        let earlier = revocation == nil ? [] : try intermediates(in: store, now: now)
        // The keys of those before sign lists for as long as their leaves live, unless they are good for nothing.
        let living = revocation == nil ? try livingIntermediates(in: store, now: now) : []
        var arrival = CertificateStore.Arrival(name: intermediateName, bundle: try renewed.signer, reason: reason)
        arrival.keeping = Set(living.map(\.number))
        try store.save([arrival], now: now)
        // After it: what signs must not be on a list. And anew in any case, since it must outlast what signs.
        try makeRootList(
            adding: earlier.map(\.certificate),
            revocation ?? .unspecified,
            of: Certificate.Authority(certificate: root, key: key),
            in: store,
            now: now
        )
        for (number, certificate) in earlier {
            let event = AuditEvent(
                .revoked,
                certificate: intermediateName,
                generation: number,
                fingerprint: certificate.fingerprint,
                issuer: certificate.issuer,
                reason: (revocation ?? .unspecified).rawValue
            )
            try store.audit.append(event, now: now)
        }
        return renewed
    }

    /// Fails where the CA in `store` could not sign: what a start finds out too late for the certificates that are due.
    internal static func requireUsable(in store: CertificateStore) throws(CertificateProblem) {
        guard try store.contains(intermediateName) else { return try requireNoLoss(in: store) }
        try store.requireOwnFolder(of: intermediateName)
        try store.requireOwnFolder(of: rootName)
        try requireKnown(try root(in: store), in: store)
        _ = try store.load(intermediateName)
        if hasRootKey(in: store) { _ = try store.load(rootName) }
    }

    /// Fails where the CA in `store` may not certify `names`, and could have no other intermediate for them.
    internal static func requireRight(
        toCertify names: [String],
        in store: CertificateStore,
        _ policy: InternalCAPolicy
    ) throws(CertificateProblem) {
        try require(names, permittedBy: policy)
        guard !hasRootKey(in: store), let constraints = try signer(in: store)?.nameConstraints else { return }
        let outside = constraints.outside(names)
        guard outside.isEmpty else {
            throw .constrainedNames(outside, permitted: constraints.text, folder: store.folder)
        }
    }

    /// Whether the root's key is on this machine.
    internal static func hasRootKey(in store: CertificateStore) -> Bool { store.hasKey(of: rootName) }

    /// Takes the root's key out of `store`: what is done with it before is `body`'s matter. The store is locked.
    package static func detachRoot(
        from store: CertificateStore,
        now: Int64,
        _ body: (PrivateKey) throws(CertificateProblem) -> Void
    ) throws(CertificateProblem) {
        guard try store.contains(rootName), hasRootKey(in: store) else { throw .rootKeyAway(folder: store.folder) }
        let key = try store.load(rootName).key
        // For as long as it is away.
        try makeRootList(of: Certificate.Authority(certificate: try root(in: store), key: key), in: store, now: now)
        try body(key)
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
}
