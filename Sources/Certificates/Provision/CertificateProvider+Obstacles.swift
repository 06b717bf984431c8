import Glibc
import Linux
import Site

/// What nobody sees as long as nothing changes: damage to the store's history, and what would be in the way of the next
/// certificate. It is said on each occasion until somebody has mended it.
extension CertificateProvider {
    /// What is wrong with the store as a whole, and with folders in it.
    package struct StoreFindings: Sendable {
        fileprivate var general: [String] = []
        /// By the names of certificates in the site file, of which only those are there that something is wrong with.
        fileprivate var folders: [String: [String]] = [:]

        package init() {}

        /// What is to be said, each with what to do.
        package var warnings: [String] { general + folders.sorted { $0.key < $1.key }.flatMap(\.value) }
    }

    /// Looks at the store. Changes nothing. What this user may not look at is not told.
    ///
    /// - Parameters:
    ///   - names: certificates of the site file whose folders are looked at; nil for all.
    ///   - earlier: what is known of the others.
    package func inspectStore(of names: Set<String>? = nil, after earlier: StoreFindings = .init()) -> StoreFindings {
        var found = StoreFindings()
        do throws(CertificateProblem) {
            try store.requirePresence()
            try requireNewest()
        } catch {
            found.general = ["\(error)"]
        }
        guard found.general.isEmpty, FileWriting.exists(store.folder) else { return found }
        let named = site.certificates.values.filter { names?.contains($0.name) ?? true }.sorted { $0.name < $1.name }
        // The store as a whole comes first: the history of thousands takes as long as many folders.
        let looks: [CertificateSettings?] = [nil] + named.map(Optional.some)
        let seen = Parallel.map(looks) { [self] settings -> [String] in
            guard let settings else { return historyWarnings + generalWarnings }
            return folderWarnings(settings)
        }
        found.general = seen[0]
        if let names { found.folders = earlier.folders.filter { !names.contains($0.key) } }
        for (settings, warnings) in zip(named, seen.dropFirst()) where !warnings.isEmpty {
            found.folders[settings.name] = warnings
        }
        if audit.standing == .holds { wishes?.note(audit) }
        return found
    }

    /// The same as words.
    package func storeWarnings(of names: Set<String>? = nil) -> [String] { inspectStore(of: names).warnings }

    /// Why nothing could be made now: another process goes on changing the store, as one does that was stopped in the middle. nil
    /// where none does; takes as long as who would change it waits.
    package var standstill: String? {
        do throws(CertificateProblem) {
            try store.requireQuiet()
            return nil
        } catch {
            return "\(error)"
        }
    }

    private var generalWarnings: [String] {
        var warnings = told("the certificate store") { () throws(CertificateProblem) in
            try store.requireOwnFolder()
            try store.requireWritable()
            try store.requireFreeRoom()
        }
        warnings += told("no certificate could be made") { () throws(CertificateProblem) in try store.requireClaims() }
        if FileWriting.exists(store.planFolder) {
            warnings += told("what comes of tries at new certificates is forgotten at each start") {
                () throws(CertificateProblem) in
                do throws(FileError) {
                    try FileWriting.requireOwn(folder: store.planFolder)
                    try FileWriting.requireWritable(folder: store.planFolder)
                } catch {
                    throw .file(error)
                }
            }
        }
        warnings += store.openPlaces() + store.openPlaces(of: [InternalCA.rootName, InternalCA.intermediateName])
        let isOwn = site.certificates.values.contains { $0.issuer == .internal || $0.standby == .internal }
        if isOwn {
            warnings += told("the internal CA could sign nothing") { () throws(CertificateProblem) in
                try InternalCA.requireUsable(in: store)
            }
        }
        if isOwn || site.internalCA.revocationList != nil {
            warnings += told("nothing can be revoked, and clients who look at lists refuse all once theirs ends") {
                () throws(CertificateProblem) in try InternalCA.requireLists(in: store)
            }
            warnings += told("`gatehouse certs ca crl` gives no lists") { () throws(CertificateProblem) in
                try InternalCA.requireLastLists(in: store, now: now)
            }
        }
        return warnings + accountWarnings
    }

    /// Of the accounts at the ACME servers that the site file names.
    private var accountWarnings: [String] {
        let issuers = site.certificates.values.flatMap { [$0.issuer, $0.standby].compactMap(\.self) }
        let directories = issuers.flatMap { issuer -> [String] in
            if case .acme(let acme) = issuer { acme.candidates.map(\.directory) } else { [] }
        }
        return Set(directories).sorted().flatMap { directory in
            told("nothing could be asked of \(directory)") { () throws(CertificateProblem) in
                try ACMEAccountStore(store, directory: directory).requireUsable()
            }
        }
    }

    /// Of a certificate and its standby.
    private func folderWarnings(_ settings: CertificateSettings) -> [String] {
        let stored = [settings, settings.standbyCertificate].compactMap(\.self).filter(\.issuer.isStored).map(\.name)
        return store.openPlaces(of: stored)
            + stored.flatMap { name in
                told("certificate \(name): no other could be stored") { () throws(CertificateProblem) in
                    try store.requireOwnFolder(of: name)
                    try store.requireClaim(of: name)
                }
            }
    }

    private var historyWarnings: [String] {
        let path = audit.path
        var warnings = audit.damagedOnes.map { damaged in
            "a history of the store that does not hold was set aside as \(damaged): look into it, and move it out of the "
                + "store, which ends this warning"
        }
        switch audit.standing {
        case .holds: break
        case .cutShort:
            warnings.append(
                "\(path): its last line is cut short, as a crash leaves it, or whoever took the rest away: `gatehouse certs verify` "
                    + "names what no line tells of; the next change ends that line, and this warning"
            )
        case .damaged(let fault):
            warnings.append(
                "\(path) \(fault): look into it (`gatehouse certs audit`); the next change sets it aside and begins another"
            )
        }
        if warnings.isEmpty, isHistoryGone {
            warnings.append(
                "\(path) IS GONE, or empty, and the store is not: bring it back from a backup, or see who took it away; `gatehouse "
                    + "certs verify` names what no line tells of; the next change begins another, and ends this warning"
            )
        }
        if FileWriting.exists(path) {
            warnings += told("nothing could be told to the audit log") { () throws(CertificateProblem) in
                do throws(FileError) { try FileWriting.requireAppendable(path) } catch { throw .file(error) }
            }
        }
        return warnings
    }

    /// There is none, though there was one: the lock's file says so, which older versions left empty.
    private var isHistoryGone: Bool {
        guard audit.isEmpty, FileStamp(store.folder + "/.lock")?.isEmpty == false else { return false }
        return !((try? store.names()) ?? []).isEmpty
    }

    private func told(_ what: String, _ body: () throws(CertificateProblem) -> Void) -> [String] {
        do throws(CertificateProblem) {
            try body()
            return []
        } catch {
            // Who may not write here is not who renews: the gateway may be another user. The store's owner is.
            if case .file(let problem) = error, problem.isDenied, geteuid() != 0, !FileWriting.isOwn(store.folder) {
                return []
            }
            return ["\(what): \(error)"]
        }
    }
}
