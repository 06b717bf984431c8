import Linux

/// Notices that files of certificates were changed by somebody else: certbot, a deploy script, another gatehouse.
///
/// It looks at each file's size and time rather than being told by the kernel: files may lie on network file systems, or
/// behind symbolic links that are swapped, and a few microseconds every few seconds are no price. For one thread.
package struct CertificateWatch {
    /// Milliseconds between two looks.
    package static let interval: UInt64 = 5_000

    private var stamps: [String: FileStamp?] = [:]
    /// Of those, the ones that count as soon as they have changed.
    private var urgent: Set<String> = []
    /// What changed at the last look, and is not reported until it has stayed so for one more.
    private var unsettled: [String: FileStamp?]?

    package init() {}

    /// From now on these files count, as they are at this moment.
    ///
    /// - Parameter urgent: those of them that are reported at the first look, since what they hold is always whole: answers
    ///   that a CA is about to look for.
    package mutating func look(at paths: Set<String>, urgent: Set<String> = []) {
        stamps = Self.stamps(of: paths)
        self.urgent = urgent
        unsettled = nil
    }

    /// Looks again.
    ///
    /// - Returns: whether files differ from what they were, and have not changed since the look before: who writes a
    ///   key and then its certificate is left the time to.
    package mutating func hasSettledChange() -> Bool {
        let now = Self.stamps(of: Set(stamps.keys))
        guard now != stamps else {
            unsettled = nil
            return false
        }
        guard now == unsettled || urgent.contains(where: { now[$0] != stamps[$0] }) else {
            unsettled = now
            return false
        }
        stamps = now
        unsettled = nil
        return true
    }

    private static func stamps(of paths: Set<String>) -> [String: FileStamp?] {
        Dictionary(uniqueKeysWithValues: paths.map { ($0, FileStamp($0)) })
    }
}
