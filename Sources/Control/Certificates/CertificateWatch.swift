package import Linux

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
    /// What had changed at the last look, and is not reported until it has stayed so for one more.
    private var unsettled: [String: FileStamp?] = [:]

    package init() {}

    /// From now on these files count.
    ///
    /// - Parameters:
    ///   - files: as what they were when they were read; nil for those that were not there.
    ///   - urgent: those of them that are reported at the first look, since what they hold is always whole: answers that a CA
    ///     is about to look for.
    package mutating func look(at files: [String: FileStamp?], urgent: Set<String> = []) {
        stamps = files
        self.urgent = urgent
    }

    /// Looks again.
    ///
    /// - Returns: the files that differ from what they were and have not changed since the look before: who writes a key and
    ///   then its certificate is left the time to. One that keeps changing keeps no other waiting.
    package mutating func settledChange() -> Set<String> {
        var changed: [String: FileStamp?] = [:]
        for (path, stamp) in stamps {
            let now = FileStamp(path)
            if now != stamp { changed.updateValue(now, forKey: path) }
        }
        let settled = changed.filter { path, stamp in unsettled[path] == stamp || urgent.contains(path) }
        stamps.merge(settled) { $1 }
        unsettled = changed.filter { settled[$0.key] == nil }
        return Set(settled.keys)
    }
}
