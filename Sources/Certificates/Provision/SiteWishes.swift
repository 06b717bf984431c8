import Synchronization

/// What the site file of a running gateway asks for, and which certificates of the store were as it says: who has had one and
/// finds another there, though its file has not changed, sees what another process wanted that has another file. And how far
/// the store's history was, and which root its internal CA has. Any thread may call.
package final class SiteWishes: Sendable {
    private struct Entry: Sendable {
        let wish: String
        /// SHA-256 of the last that was as the site file says.
        var own: String
        /// The one that another process has put in its place, and until when that stays.
        var other: (fingerprint: String, end: Int64)?
        /// When one that was not enough was replaced at once.
        var reply: Int64?
        /// What is said while one stays, and of which certificate.
        var told: (certificate: String, why: String)?
    }

    /// Those of the gateway that this process is.
    package static let ofGateway = SiteWishes()

    /// Seconds that another process's certificate stays: were two files held against each other for good, a CA that
    /// gives five a week for the same names would still give them.
    private static let patience: Int64 = 2 * 86_400

    /// By the store and the certificate's name.
    private let entries = Mutex<[String: Entry]>([:])
    /// By their paths.
    private let histories = Mutex<[String: KnownHistory]>([:])
    internal let roots = KnownRoots()

    package init() {}

    /// A history, which holds, is known from now on.
    internal func note(_ audit: AuditLog) {
        histories.withLock { histories in
            if histories[audit.path]?.isCurrent(audit) == true { return }
            if let fresh = KnownHistory(audit) { histories[audit.path] = fresh }
        }
    }

    /// Fails where a store is older than it is known to have been.
    package func requireNewest(_ store: CertificateStore) throws(CertificateProblem) {
        let isOlder = histories.withLock { $0[store.audit.path]?.isNewer(than: store.audit) ?? false }
        if isOlder { throw .olderStore(folder: store.folder) }
    }

    /// The certificate is as the site file says.
    internal func meet(_ wish: String, with fingerprint: String, of name: String) {
        entries.withLock { entries in
            var entry = entries[name].flatMap { $0.wish == wish ? $0 : nil } ?? Entry(wish: wish, own: fingerprint)
            (entry.own, entry.other) = (fingerprint, nil)
            entries[name] = entry
        }
    }

    /// Until when a certificate that is not as the site file says stays, since another process wanted it so; nil when it need
    /// not: seconds since 1970. The same answer each time.
    ///
    /// - Parameters:
    ///   - isEnough: it is good for all names of the site file. One that is not is replaced at once, but not again and again.
    ///   - longest: seconds that it may stay at most.
    internal func pause(
        for wish: String,
        besides fingerprint: String,
        of name: String,
        isEnough: Bool,
        longest: Int64,
        at now: Int64
    ) -> Int64? {
        entries.withLock { entries in
            guard var entry = entries[name], entry.wish == wish, entry.own != fingerprint else { return nil }
            if entry.other?.fingerprint != fingerprint {
                let isReplaced = !isEnough && entry.reply.map { now - $0 >= Self.patience } ?? true
                if isReplaced { entry.reply = now }
                entry.other = (fingerprint, isReplaced ? now : now + min(longest, Self.patience))
                entries[name] = entry
            }
            return entry.other.flatMap { $0.end > now ? $0.end : nil }
        }
    }

    /// What is said of one that stays.
    internal func note(_ why: String, of name: String, as certificate: String) {
        entries.withLock { entries in
            guard var entry = entries[name] else { return }
            entry.told = (certificate, why)
            entries[name] = entry
        }
    }

    /// Why certificates stay as another process wanted them, by what the site file calls them.
    package func waits(at now: Int64) -> [String: String] {
        entries.withLock { entries in
            var waits: [String: String] = [:]
            for entry in entries.values {
                guard let other = entry.other, other.end > now, let told = entry.told else { continue }
                waits[told.certificate] = told.why
            }
            return waits
        }
    }
}
