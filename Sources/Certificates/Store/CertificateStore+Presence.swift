import Linux
import Synchronization

/// A store whose file system is not mounted is an empty folder, and must not be taken for a new one: a CA that no client
/// trusts would be made in it, and its certificates served in place of good ones.
extension CertificateStore {
    /// Stores that this process has seen with something in them, or knows that another has.
    private static let seen = Mutex<Set<String>>([])

    /// Nothing was ever kept here: there is no folder, or neither a history, nor an account, nor a certificate in it.
    package var isVacant: Bool {
        let signs = [audit.path, "\(folder)/acme-accounts", "\(folder)/plans"]
        if signs.contains(where: FileWriting.exists) { return false }
        guard let names = try? names() else { return false }
        return names.isEmpty
    }

    /// Something of it was read, or written, by this process, or, as that says, by the running gateway.
    package func noteContents() { Self.seen.withLock { _ = $0.insert(folder) } }

    /// Whether anything was.
    package var hadContents: Bool { Self.seen.withLock { $0.contains(folder) } }

    /// Fails when it was seen with something in it, and is empty now.
    internal func requirePresence() throws(CertificateProblem) {
        if hadContents, isVacant { throw .vacantStore(folder: folder) }
    }
}
