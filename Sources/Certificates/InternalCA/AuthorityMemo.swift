import Linux
import OpenSSL
import Site
import Synchronization

/// What is found out of the internal CA once for many certificates that are looked at one after another.
internal final class AuthorityMemo: Sendable {
    private struct Memo: Sendable {
        /// The files that say which CA it is, and what it has taken back, and the root's, whose key may come and go.
        let files: [(path: String, stamp: FileStamp?)]
        let standing: InternalCAStanding?
    }

    private let memo = Mutex<Memo?>(nil)
    private let known = Mutex<InternalCAPolicy?>(nil)
    private let end = Mutex<Int64??>(nil)
    private let signers = Mutex<Set<String>?>(nil)

    /// As `InternalCAStanding.init(in:)`.
    func standing(in store: CertificateStore) throws(CertificateProblem) -> InternalCAStanding? {
        if let held = memo.withLock({ $0 }), held.files.allSatisfy({ FileStamp($0.path) == $0.stamp }) {
            return held.standing
        }
        // Before they are read: what changes meanwhile is seen the next time.
        let files = (InternalCA.sources(in: store) + store.filesInUse(of: InternalCA.rootName)).map { path in
            (path: path, stamp: FileStamp(path))
        }
        let standing = try InternalCAStanding(in: store)
        memo.withLock { $0 = Memo(files: files, standing: standing) }
        return standing
    }

    /// The last moment that the history tells of, as it was when this was asked first; nil where it tells nothing.
    func lastMoment(of audit: AuditLog) -> Int64? {
        end.withLock { end in
            if let end { return end }
            let last = audit.lastMoment
            end = .some(last)
            return last
        }
    }

    /// SHA-256 of all intermediates that the store's internal CA has had, one that is lost included, as the history told when this
    /// was asked first.
    func intermediates(toldBy audit: AuditLog) -> Set<String> {
        signers.withLock { signers in
            let told = signers ?? audit.fingerprints(of: InternalCA.intermediateName)
            signers = told
            return told
        }
    }

    /// The policy of a site, always the same one, under which `names` can be certified where the site file does not forbid
    /// that.
    func policy(of site: SiteModel, for names: [String]) -> InternalCAPolicy {
        let usual = known.withLock { known in
            let policy = known ?? InternalCAPolicy(site)
            known = policy
            return policy
        }
        guard let constraints = usual.constraints, !constraints.outside(names).isEmpty else { return usual }
        return InternalCAPolicy(site, for: names)
    }
}
