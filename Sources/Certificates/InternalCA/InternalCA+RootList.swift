package import OpenSSL

/// The root's list of intermediates that it has taken back. Programs that look at the lists of a whole chain, as nginx and
/// MySQL do, refuse every certificate while they have none of the root; so there is one from the beginning, and it counts
/// for as long as intermediates live, since the root's key may be elsewhere until the next is made.
extension InternalCA {
    /// From `store`; made when there is none, or when it ends soon, where the root's key is here. nil where it is not, and an
    /// older version left no list.
    package static func rootList(in store: CertificateStore, now: Int64) throws(CertificateProblem) -> RevocationList? {
        let root = try root(in: store)
        let stored = try storedList(of: root, in: store, home: rootName)
        guard hasRootKey(in: store) else { return stored }
        if let stored, stored.update.contains(now), stored.update.upperBound - now > intermediateMargin {
            return stored
        }
        return try store.locked { () throws(CertificateProblem) in
            let signer = Certificate.Authority(certificate: root, key: try store.load(rootName).key)
            return try makeRootList(of: signer, in: store, now: now)
        }
    }

    /// The files that say which certificate signs, and which do so no more.
    internal static func sources(in store: CertificateStore) -> [String] {
        guard let root = try? root(in: store) else { return [pointer(in: store)] }
        return [pointer(in: store), listFile(of: root, in: store, home: rootName)]
    }

    /// Makes it anew. The store is locked.
    ///
    /// - Parameter fresh: further intermediates that are taken back.
    @discardableResult
    internal static func makeRootList(
        adding fresh: [Certificate] = [],
        _ reason: RevocationReason = .unspecified,
        of root: Certificate.Authority,
        in store: CertificateStore,
        now: Int64
    ) throws(CertificateProblem) -> RevocationList {
        // RFC 5280, section 5.3.1: of a CA, a key that is known to somebody has a code of its own, cACompromise.
        let code = reason == .keyCompromise ? 2 : reason.code
        return try makeList(
            adding: fresh.map { RevocationList.Entry(serial: $0.serialNumber, moment: now, reason: code) },
            of: root,
            in: store,
            home: rootName,
            validity: validity(intermediateLifetime, now, within: root.certificate),
            now: now
        )
    }

    /// The intermediates of `store` that have not ended, by their generations.
    internal static func intermediates(
        in store: CertificateStore,
        now: Int64
    ) throws(CertificateProblem) -> [(number: Int, certificate: Certificate)] {
        var found: [(number: Int, certificate: Certificate)] = []
        for number in try store.generations(of: intermediateName) {
            // A generation that a crash left half written has signed nothing.
            guard let certificate = try? store.loadChain(intermediateName, generation: number).first,
                certificate.validity.upperBound > now
            else { continue }
            found.append((number, certificate))
        }
        return found
    }

    /// Those of a root that are not on its list, also those that have ended, and the serial numbers on it.
    internal static func intermediates(
        of root: Certificate,
        in store: CertificateStore
    ) throws(CertificateProblem) -> (living: [Certificate], revoked: Set<[UInt8]>) {
        let list = try storedList(of: root, in: store, home: rootName)
        let revoked = Set((list?.entries ?? []).map(\.serial))
        let living = try intermediates(in: store, now: .min).map(\.certificate).filter {
            !revoked.contains($0.serialNumber) && $0.isIssued(by: root)
        }
        return (living, revoked)
    }

    /// Those that may have signed what has not ended: the last, and each that was followed no longer ago than leaves live.
    internal static func livingIntermediates(
        in store: CertificateStore,
        now: Int64
    ) throws(CertificateProblem) -> [(number: Int, certificate: Certificate)] {
        let all = try intermediates(in: store, now: now)
        return all.enumerated().filter { index, _ in
            index + 1 == all.count || all[index + 1].certificate.validity.lowerBound + lifeOfLeaves >= now
        }.map(\.element)
    }
}
