import Certificates
import Site

extension SiteConfiguration {
    /// What of the internal CA a gateway shows and serves.
    internal struct Authority: Sendable {
        var standing: InternalCAStanding?
        var lists = InternalCA.Lists()
        var warnings: [String] = []
        /// When to look again: seconds since 1970; nil when nothing of it changes by time.
        var next: Int64?
    }

    /// What is said when the internal CA was made just now.
    internal static func newAuthority(in store: CertificateStore) -> String {
        "THE INTERNAL CA IS NEW: there was none in \(store.folder). Clients trust what it signs once they have its root "
            + "(`gatehouse certs ca export`). Where there was one before, its store is away, as when its file system is not "
            + "mounted: stop the gateway, remove what it has made there, bring the store back, and start it again"
    }

    private static func warning(of problem: CertificateProblem) -> String {
        "the list of revoked certificates could not be brought up to date: \(problem)"
    }

    /// Brings the lists of revoked certificates up to date; what keeps it from that is a warning, and those of before stay.
    internal static func authority(
        of site: SiteModel,
        by provider: CertificateProvider,
        after earlier: [String: [UInt8]],
        now: Int64
    ) -> Authority {
        var found = Authority()
        let isOwn = site.certificates.values.contains { $0.issuer == .internal || $0.standby == .internal }
        guard isOwn || site.internalCA.revocationList != nil else { return found }
        do throws(CertificateProblem) {
            found.standing = try provider.authorityStanding()
            if let standing = found.standing {
                if let warning = standing.warning(at: now) { found.warnings.append(warning) }
                if standing.nextWarning > now { found.next = standing.nextWarning }
            }
            found.lists = try provider.revocationLists()
            found.next = [found.next, found.lists.due].compactMap(\.self).min()
            if let problem = found.lists.problem { found.warnings.append(warning(of: problem)) }
        } catch {
            // One that is damaged is among the store's warnings.
            if case .damagedList = error {} else { found.warnings.append(warning(of: error)) }
            found.lists.published = earlier
            found.next = now + InternalCA.retryTime
        }
        return found
    }
}
