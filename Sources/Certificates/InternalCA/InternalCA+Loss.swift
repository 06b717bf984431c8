/// A CA that was in its store and is gone: clients trust its root, and would trust no other.
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
}
