import Linux
package import OpenSSL

/// The CA's lists of certificates that it has taken back (RFC 5280, section 5). There is one for each intermediate whose key
/// is in the store, in `internal-ca/KEY.crl`, where KEY is the identifier of its key: a list is its own memory.
extension InternalCA {
    /// How long a list counts, and after how long it is made anew: seconds.
    package static let listLifetime: Int64 = 7 * 86_400
    private static let listPause: Int64 = 86_400
    /// Larger ones are not read: a hundred thousand certificates.
    private static let listLimit = 4 << 20

    /// The lists of a CA at one moment.
    package struct Lists: Sendable {
        /// DER, by the path at which a gateway serves it.
        package var published: [String: [UInt8]] = [:]
        /// When one is to be made anew: seconds since 1970; nil when there is none.
        package var due: Int64?
        package var files: [String] = []
        /// Why one could not be made anew that still counts; nil when none was due.
        package var problem: CertificateProblem?

        package init() {}
    }

    /// Where a gateway serves the list of an intermediate.
    internal static func listPath(of signer: Certificate) -> String {
        "/.well-known/gatehouse/\(keyName(of: signer)).crl"
    }

    private static func keyName(of signer: Certificate) -> String {
        Hexadecimal.text(signer.subjectKeyIdentifier ?? [])
    }

    internal static func listFile(of signer: Certificate, in store: CertificateStore, home: String) -> String {
        "\(store.folder)/\(home)/\(keyName(of: signer)).crl"
    }

    /// The intermediates whose keys are in `store`, the one that signs now last.
    private static func signers(in store: CertificateStore) throws(CertificateProblem) -> [Certificate.Authority] {
        let current = try store.currentGeneration(of: intermediateName)
        var signers: [Certificate.Authority] = []
        for number in try store.generations(of: intermediateName).filter({ $0 != current }) + [current] {
            // A generation that a crash left half written has signed nothing.
            guard let bundle = try? store.load(intermediateName, generation: number) else { continue }
            signers.append(Certificate.Authority(certificate: bundle.leaf, key: bundle.key))
        }
        return signers
    }

    /// The lists as they are to be served, made anew where it is time to.
    ///
    /// - Parameter isWanted: they are made where there is none yet, too; else only those are kept fresh that are there.
    package static func lists(
        in store: CertificateStore,
        isWanted: Bool,
        now: Int64
    ) throws(CertificateProblem) -> Lists {
        var lists = Lists()
        guard try store.contains(intermediateName) else { return lists }
        for signer in try signers(in: store) {
            let held = try storedList(of: signer.certificate, in: store)
            if held == nil, !isWanted { continue }
            let list: RevocationList
            do throws(CertificateProblem) {
                list = try freshList(of: signer, in: store, now: now)
            } catch {
                // Clients refuse certificates whose list they miss: the one that is there counts for days yet.
                guard let held, held.update.contains(now) else { throw error }
                lists.problem = error
                list = held
            }
            lists.published[listPath(of: signer.certificate)] = list.der
            let due = isDue(list, now) ? now + retryTime : birth(of: list) + listPause
            lists.due = min(lists.due ?? .max, due)
            lists.files.append(listFile(of: signer.certificate, in: store, home: intermediateName))
        }
        return lists
    }

    /// Lists of the future are those of a clock that was wrong.
    private static func isDue(_ list: RevocationList, _ now: Int64) -> Bool {
        !(birth(of: list)..<birth(of: list) + listPause).contains(now)
    }

    /// When a list was made: seconds since 1970.
    private static func birth(of list: RevocationList) -> Int64 { list.update.lowerBound + backdating }

    /// The lists of all intermediates of which clients may be shown something that has not ended, the one that signs now
    /// first; made where there is none. One whose key is gone has the last that it made.
    package static func livingLists(
        in store: CertificateStore,
        now: Int64
    ) throws(CertificateProblem) -> [RevocationList] {
        let signers = try signers(in: store)
        guard let current = signers.last else { throw .missing(name: intermediateName, folder: store.folder) }
        var lists = [try freshList(of: current, in: store, now: now)]
        for (number, certificate) in try livingIntermediates(in: store, now: now).reversed()
        where certificate.der != current.certificate.der {
            if let signer = signers.first(where: { $0.certificate.der == certificate.der }) {
                lists.append(try freshList(of: signer, in: store, now: now))
            } else if let last = try lastList(of: certificate, number, in: store) {
                lists.append(last)
            }
        }
        return lists
    }

    /// The list of an intermediate, made anew where it is due or not there.
    private static func freshList(
        of signer: Certificate.Authority,
        in store: CertificateStore,
        now: Int64
    ) throws(CertificateProblem) -> RevocationList {
        func usable() throws(CertificateProblem) -> RevocationList? {
            guard let stored = try storedList(of: signer.certificate, in: store) else { return nil }
            return isDue(stored, now) ? nil : stored
        }
        if let list = try usable() { return list }
        return try store.locked(isOneOfMany: true) { () throws(CertificateProblem) in
            // Another process may have made it meanwhile.
            if let list = try usable() { return list }
            return try makeList(adding: [], of: signer, in: store, now: now)
        }
    }

    /// Whether an intermediate of `store` signed a certificate, also one whose key is gone.
    internal static func hasSigned(_ leaf: Certificate, in store: CertificateStore) throws(CertificateProblem) -> Bool {
        for number in try store.generations(of: intermediateName) {
            // One that is damaged keeps no other from being asked.
            if let signer = try? store.leaf(of: intermediateName, generation: number), leaf.isIssued(by: signer) {
                return true
            }
        }
        return false
    }

    /// Takes a certificate back: it is on the list of the intermediate that signed it from then on. The store is locked.
    package static func revoke(
        _ leaf: Certificate,
        _ reason: RevocationReason,
        in store: CertificateStore,
        now: Int64
    ) throws(CertificateProblem) {
        guard let signer = try signers(in: store).last(where: { leaf.isIssued(by: $0.certificate) }) else {
            // With the intermediate all went that it signed.
            if try hasRevokedSigner(leaf, in: store, now: now) { return }
            throw .unknownSigner(subject: leaf.dnsNames.first ?? leaf.subject, folder: store.folder)
        }
        let entry = RevocationList.Entry(serial: leaf.serialNumber, moment: now, reason: reason.code)
        _ = try makeList(adding: [entry], of: signer, in: store, now: now)
    }

    /// Whether the list that an intermediate of `store` can make lacks a certificate of its own: a history tells that it was
    /// taken back, and the list was lost.
    internal static func lacks(_ leaf: Certificate, in store: CertificateStore) throws(CertificateProblem) -> Bool {
        guard try store.contains(intermediateName),
            let signer = try signers(in: store).last(where: { leaf.isIssued(by: $0.certificate) })
        else { return false }
        let list = try storedList(of: signer.certificate, in: store)
        return !(list?.entries ?? []).contains { $0.serial == leaf.serialNumber }
    }

    /// Whether an intermediate signed it that is on the root's list.
    private static func hasRevokedSigner(
        _ leaf: Certificate,
        in store: CertificateStore,
        now: Int64
    ) throws(CertificateProblem) -> Bool {
        guard let list = try storedList(of: try root(in: store), in: store, home: rootName) else { return false }
        let revoked = Set(list.entries.map(\.serial))
        return try intermediates(in: store, now: now).contains {
            revoked.contains($0.certificate.serialNumber) && leaf.isIssued(by: $0.certificate)
        }
    }

    /// Fails where a list of an intermediate cannot be read, so that none is made anew and nothing can be put on it.
    internal static func requireLists(in store: CertificateStore) throws(CertificateProblem) {
        // What is wrong with the CA itself is told as that.
        let known = (try? intermediates(in: store, now: .min)) ?? []
        for (number, certificate) in known where store.hasKey(of: intermediateName, generation: number) {
            _ = try storedList(of: certificate, in: store)
        }
    }

    /// Fails where the list that clients need yet of an intermediate whose key is gone cannot be read.
    internal static func requireLastLists(in store: CertificateStore, now: Int64) throws(CertificateProblem) {
        let known = (try? livingIntermediates(in: store, now: now)) ?? []
        for (number, certificate) in known where !store.hasKey(of: intermediateName, generation: number) {
            _ = try lastList(of: certificate, number, in: store)
        }
    }

    /// The list of an intermediate as it is: where its key is gone, no other follows.
    private static func lastList(
        of certificate: Certificate,
        _ number: Int,
        in store: CertificateStore
    ) throws(CertificateProblem) -> RevocationList? {
        do throws(CertificateProblem) {
            return try storedList(of: certificate, in: store)
        } catch {
            guard case .damagedList(let path, _, let damage) = error,
                !store.hasKey(of: intermediateName, generation: number)
            else { throw error }
            throw .damagedLastList(path: path, damage)
        }
    }

    /// - Parameter home: the name in the store of whose list it is.
    internal static func storedList(
        of signer: Certificate,
        in store: CertificateStore,
        home: String = intermediateName
    ) throws(CertificateProblem) -> RevocationList? {
        let path = listFile(of: signer, in: store, home: home)
        let bytes: [UInt8]
        do throws(FileError) {
            bytes = try FileReading.read(path, limit: listLimit, trust: .ownerWrites, followsLink: false)
        } catch {
            if error.isNoSuchFile { return nil }
            throw .file(error)
        }
        do throws(CertificateError) {
            return try RevocationList(der: bytes.span, issuer: signer)
        } catch {
            // Not made anew: it would forget what was taken back.
            throw .damagedList(path: path, name: home, error)
        }
    }

    /// - Parameters:
    ///   - home: the name in the store of whose list it is.
    ///   - validity: how long it counts; as a list of leaves when left out.
    internal static func makeList(
        adding fresh: [RevocationList.Entry],
        of signer: Certificate.Authority,
        in store: CertificateStore,
        home: String = intermediateName,
        validity: ClosedRange<Int64>? = nil,
        now: Int64
    ) throws(CertificateProblem) -> RevocationList {
        let before = try storedList(of: signer.certificate, in: store, home: home)
        // An entry stays as long as its intermediate, though section 3.3 would let it go after its certificate's end: a clock
        // that was ahead for once would forget for ever what was taken back.
        let kept = before?.entries ?? []
        let known = Set(kept.map(\.serial))
        let list: RevocationList
        do throws(OpenSSLError) {
            list = try RevocationList(
                kept + fresh.filter { !known.contains($0.serial) },
                // Above all before it, also when those were lost.
                number: max((before?.number ?? 0) + 1, now),
                update: validity ?? (now - backdating)...(now + listLifetime),
                by: signer
            )
        } catch {
            throw .library(error)
        }
        do throws(FileError) {
            let path = listFile(of: signer.certificate, in: store, home: home)
            try FileWriting.replace(path, with: list.der.span, mode: 0o644)
        } catch {
            throw .file(error)
        }
        store.removeScraps(of: home)
        return list
    }
}
