import OpenSSL

/// A CA that was in its store and is gone, or in whose place somebody has put another: clients trust its root, and would trust
/// no other.
extension InternalCA {
    /// Fails where the store has no intermediate, and what is left of the CA that it had cannot make another one. Of a first start
    /// that was broken off nothing was lost: no client was shown anything.
    internal static func requireNoLoss(in store: CertificateStore) throws(CertificateProblem) {
        if try store.contains(rootName) {
            guard hasRootKey(in: store) else { throw .rootKeyAway(folder: store.folder) }
        } else if store.audit.tells(of: intermediateName) {
            throw .lostAuthority(folder: store.folder)
        }
    }

    /// Whether it is the last root that the history tells of. One that tells of none, as that of a version that kept none, knows
    /// each.
    internal static func isKnown(_ root: Certificate, in store: CertificateStore) -> Bool {
        if store.roots.contains(root, of: store.folder) { return true }
        let told = store.audit.events(of: rootName)
        // A history that begins after one that was set aside may tell of the deletion of its key alone.
        let last = told.last { $0.kind.makesGeneration }.map { [$0] } ?? told
        guard last.isEmpty || last.contains(where: { $0.fingerprint == root.fingerprint }) else { return false }
        store.roots.note(root, of: store.folder)
        return true
    }

    /// Fails where the history tells of another root by now: what clients are shown is not replaced by what such a one vouches for.
    internal static func requireKnown(_ root: Certificate, in store: CertificateStore) throws(CertificateProblem) {
        guard isKnown(root, in: store) else {
            throw .foreignRoot(fingerprint: root.fingerprint, folder: store.folder)
        }
    }

    /// Has the history tell of a root that somebody has put into the store, and of the intermediate with it, since an operator
    /// wants them there. The store is locked.
    internal static func acknowledge(
        _ root: Certificate,
        in store: CertificateStore,
        now: Int64
    ) throws(CertificateProblem) {
        guard !isKnown(root, in: store) else { return }
        var events: [AuditEvent] = []
        for name in [rootName, intermediateName] {
            guard let number = try store.generation(of: name) else { continue }
            let chain = try store.loadChain(name, generation: number)
            let reason = "an operator wants the CA that was put there"
            events.append(store.event(.imported, name, number, chain[0], reason, chain: chain))
        }
        try store.audit.append(events, now: now)
    }
}
