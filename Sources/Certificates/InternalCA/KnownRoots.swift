import OpenSSL
import Synchronization

/// The roots that were found to be their stores', so that a history of thousands of lines is not read for them at each look. A
/// gateway has these for as long as it runs, a command its own. Any thread may call.
package final class KnownRoots: Sendable {
    /// SHA-256, by the stores' folders.
    private let fingerprints = Mutex<[String: String]>([:])

    package init() {}

    internal func contains(_ root: Certificate, of folder: String) -> Bool {
        fingerprints.withLock { $0[folder] } == root.fingerprint
    }

    internal func note(_ root: Certificate, of folder: String) {
        let fingerprint = root.fingerprint
        fingerprints.withLock { $0[folder] = fingerprint }
    }
}
