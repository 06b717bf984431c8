import Glibc
import Linux
import Site

/// What nobody sees as long as nothing changes: damage to the store's history, and what would be in the way of the next
/// certificate. It is said on each occasion until somebody has mended it.
extension CertificateProvider {
    /// Changes nothing. What this user may not look at is not told.
    package func storeWarnings() -> [String] {
        do throws(CertificateProblem) { try store.requirePresence() } catch { return ["\(error)"] }
        guard FileWriting.exists(store.folder) else { return [] }
        let stored = site.certificates.values.flatMap { [$0] + [$0.standbyCertificate].compactMap(\.self) }
            .filter(\.issuer.isStored).map(\.name).sorted()
        var warnings = historyWarnings
        warnings += told("the certificate store") { () throws(CertificateProblem) in
            try store.requireOwnFolder()
            try store.requireWritable()
            try store.requireFreeBytes()
        }
        warnings += store.links(of: stored)
        for name in stored {
            warnings += told("certificate \(name): no other could be stored") { () throws(CertificateProblem) in
                try store.requireOwnFolder(of: name)
            }
        }
        if site.certificates.values.contains(where: { $0.issuer == .internal || $0.standby == .internal }) {
            warnings += told("the internal CA could sign nothing") { () throws(CertificateProblem) in
                try InternalCA.requireUsable(in: store)
            }
        }
        return warnings
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
        if FileWriting.exists(path) {
            warnings += told("nothing could be told to the audit log") { () throws(CertificateProblem) in
                do throws(FileError) { try FileWriting.requireAppendable(path) } catch { throw .file(error) }
            }
        }
        return warnings
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
