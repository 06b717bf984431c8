import Glibc
import Linux
package import OpenSSL
import Site

/// What is done to the internal CA, and told of it.
extension CertificateProvider {
    /// The root of the internal CA, which is made when there is none, also where there was one that is lost. One that somebody
    /// has put there is the store's from then on.
    package func root() throws(CertificateProblem) -> Certificate {
        try ordered { () throws(CertificateProblem) in try authority(isWanted: true).rootCertificate }
    }

    /// Whether the root that is there, if any, is the last that the store's history tells of, or that tells of none.
    package var knowsRoot: Bool {
        guard let root = try? InternalCA.root(in: store) else { return true }
        return InternalCA.isKnown(root, in: store)
    }

    /// The root of the internal CA that is there.
    package func existingRoot() throws(CertificateProblem) -> Certificate {
        do throws(CertificateProblem) {
            return try InternalCA.root(in: store)
        } catch {
            throw storeProblem(error)
        }
    }

    /// Writes the root's key of the internal CA to a file elsewhere that is not there yet, and deletes it from the store.
    package func detachRoot(to path: String) throws(CertificateProblem) {
        if AbsolutePath.leads(path, into: store.folder) { throw .insideStore(path: path, folder: store.folder) }
        try ordered { () throws(CertificateProblem) in
            try InternalCA.detachRoot(from: store, now: now) { (key) throws(CertificateProblem) in
                let pem = key.pem
                do throws(FileError) {
                    guard !FileWriting.exists(path) else {
                        throw FileError(path: path, problem: .system(SystemError("open", EEXIST)))
                    }
                    try FileWriting.replace(path, with: pem.bytes, mode: 0o600)
                } catch {
                    throw .file(error)
                }
            }
        }
    }

    /// A new intermediate of the internal CA.
    ///
    /// - Parameters:
    ///   - rootKey: the file of the root's key, where it was taken off this machine.
    ///   - revocation: why those before are taken back; nil when they are not.
    package func renewIntermediate(
        rootKey path: String?,
        revoking revocation: RevocationReason? = nil
    ) throws(CertificateProblem) -> Certificate {
        let key = try path.map { (path) throws(CertificateProblem) in
            (key: try CertificateSource.loadKey(path), path: path)
        }
        return try ordered { () throws(CertificateProblem) in
            try InternalCA.renewIntermediate(
                in: store,
                rootKey: key,
                named: site.name,
                policy: InternalCAPolicy(site),
                revoking: revocation,
                reason: "an operator asked for it",
                now: now
            ).signingCertificate
        }
    }

    /// The lists of revoked certificates of the internal CA that clients need, made anew where that is due: those of the
    /// intermediates, the one that signs now first, and that of the root, which is nil where its key was taken away by an
    /// older version, which made none.
    package func livingLists() throws(CertificateProblem) -> (intermediates: [RevocationList], root: RevocationList?) {
        do throws(CertificateProblem) {
            return (try InternalCA.livingLists(in: store, now: now), try InternalCA.rootList(in: store, now: now))
        } catch {
            throw storeProblem(error)
        }
    }

    /// All such lists, as gateways serve them. They are made when the site file says where they are to be found, and kept
    /// fresh when there are any.
    package func revocationLists() throws(CertificateProblem) -> InternalCA.Lists {
        do throws(CertificateProblem) {
            try requireNewest()
            return try InternalCA.lists(in: store, isWanted: site.internalCA.revocationList != nil, now: now)
        } catch {
            throw storeProblem(error)
        }
    }

    /// How the internal CA stands; nil when the store has none.
    package func authorityStanding() throws(CertificateProblem) -> InternalCAStanding? {
        do throws(CertificateProblem) {
            return try memo.standing(in: store)
        } catch {
            throw storeProblem(error)
        }
    }

    /// Whether the internal CA has taken back the intermediate of a chain, as far as that can be read.
    internal func hasTakenBack(_ chain: [Certificate]) -> Bool {
        // Where there is none, no history is read for each of thousands.
        guard FileStamp(InternalCA.pointer(in: store)) != nil else { return false }
        return (try? memo.standing(in: store))?.hasTakenBack(chain) == true
    }

    /// Whether the internal CA signed a chain below a root that was given up since for the one of now: not where the CA
    /// is gone, nor where somebody has put another in its place, which vouches for nothing.
    internal func hasGivenUp(_ chain: [Certificate]) -> Bool {
        guard FileStamp(InternalCA.pointer(in: store)) != nil, let standing = try? memo.standing(in: store),
            standing.isKnown, !standing.isOfRoot(chain)
        else { return false }
        return isSignedHere(chain)
    }

    /// Why a chain that the internal CA signed for a certificate, whoever is to issue it now, is good for nothing; nil
    /// where it is none of that CA, or good. A root that was given up counts for ACME servers' certificates alone: its
    /// own the CA replaces by itself.
    internal func disavowal(of chain: [Certificate], _ settings: CertificateSettings) -> String? {
        // Of an ACME server's nobody reads the CA.
        if case .acme = settings.issuer, let leaf = chain.first, isKnownOfServer(leaf, settings) { return nil }
        if hasTakenBack(chain) { return InternalCAStanding.Flaw.revoked.rawValue }
        guard case .acme = settings.issuer, FileStamp(InternalCA.pointer(in: store)) != nil, hasGivenUp(chain) else {
            return nil
        }
        return "the root of the internal CA that signed it was given up for another"
    }

    /// What the store has of a certificate, whoever is to issue it now, where the internal CA signed it and it is good
    /// for nothing any more.
    internal func takenBack(_ settings: CertificateSettings) -> Certificate? {
        guard settings.issuer.isStored, let chain = try? store.loadChain(settings.name),
            disavowal(of: chain, settings) != nil
        else { return nil }
        return chain.first
    }
}
