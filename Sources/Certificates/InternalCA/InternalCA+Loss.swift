import OpenSSL
import Synchronization

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

    /// Roots that were found to be their stores', by the folder and the SHA-256: a history of thousands is not read at each look.
    private static let known = Mutex<Set<String>>([])

    /// Whether the history tells of a root of the store, or of none at all, as that of a version that kept none.
    internal static func isKnown(_ root: Certificate, in store: CertificateStore) -> Bool {
        let mark = "\(store.folder) \(root.fingerprint)"
        if known.withLock({ $0.contains(mark) }) { return true }
        let told = store.audit.fingerprints(of: rootName)
        guard told.isEmpty || told.contains(root.fingerprint) else { return false }
        known.withLock { _ = $0.insert(mark) }
        return true
    }

    /// Fails where the history tells of other roots alone: what clients are shown is not replaced by what such a one vouches for.
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
