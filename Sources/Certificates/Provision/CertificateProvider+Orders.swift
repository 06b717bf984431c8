import Linux
package import OpenSSL
package import Site

/// What an operator has done to a certificate of the site. What changes the store holds its lock meanwhile.
extension CertificateProvider {
    /// A new generation from the certificate's issuer, with a new key, whatever the store holds.
    ///
    /// - Parameters:
    ///   - reason: why now, for the audit log.
    ///   - footing: as `whereNeeded` gives it; nil for whatever there is.
    package func issue(
        _ settings: CertificateSettings,
        reason: String,
        on footing: Footing? = nil
    ) throws(CertificateProblem) -> CertificateBundle {
        guard settings.issuer == .internal else { throw .foreignIssuer(name: settings.name, settings.issuer) }
        return try ordered { () throws(CertificateProblem) -> CertificateBundle in
            if isOvertaken(footing, of: settings, plan(for: settings)) { throw .overtaken(name: settings.name) }
            return try make(settings, reason: reason)
        }
    }

    /// Takes over a certificate that was made elsewhere.
    ///
    /// - Parameter source: the file or folder that it was in.
    /// - Returns: the generation that is it already; nil where it was taken.
    /// - Throws: when it is not valid now, lacks a name that the site file has, or would not stay.
    @discardableResult
    package func take(
        _ bundle: CertificateBundle,
        as settings: CertificateSettings,
        from source: String
    ) throws(CertificateProblem) -> Int? {
        if case .files = settings.issuer { throw .foreignIssuer(name: settings.name, settings.issuer) }
        if settings.issuer == .internal, try !InternalCA.hasSigned(bundle.leaf, in: store) {
            throw .issuedHere(name: settings.name)
        }
        do throws(CertificateError) {
            try bundle.requireServable()
            try bundle.requireValid(at: now)
            try Transparency.require(of: bundle, at: now)
        } catch {
            throw .contents(path: source, error)
        }
        let missing = settings.names.filter { !bundle.covers($0) }.map { "\($0)" }
        guard missing.isEmpty else { throw .lackingNames(name: settings.name, missing) }
        guard !lacksIssuer(bundle, settings) else {
            throw .lostIssuer(name: settings.name, issuer: bundle.leaf.issuer)
        }
        return try ordered { () throws(CertificateProblem) in
            // Once more it would take the place of the one to go back to. Its key belongs to the same certificate.
            if let held = try? store.load(settings.name), held.hasCertificates(of: bundle) {
                return try store.currentGeneration(of: settings.name)
            }
            try store.save(bundle, as: settings.name, .imported, reason: "imported from \(source)", now: moment)
            ACMEAccountStore.endPendingOrders(for: settings.name, in: store)
            changePlan(for: settings) { $0.endTries() }
            return nil
        }
    }

    /// Goes back to the generation before the current one as an operator wants it. What he goes back to is due most times: the
    /// next one is made after a day, or half of what is left of its life, or when the site file asks for something else, or its
    /// CA wants it replaced long before its time.
    ///
    /// - Parameter wish: what the running gateway's site file asks for; nil where that is this one.
    /// - Throws: also where clients of a name would get none any more.
    package func rollBack(
        _ settings: CertificateSettings,
        wishing wish: String? = nil,
        reason: String
    ) throws(CertificateProblem) -> CertificateBundle {
        if case .files = settings.issuer { throw .ofFiles(name: settings.name) }
        // Under one lock: an order that ends now comes before both, or after both.
        return try ordered { () throws(CertificateProblem) in
            try requireNoLessBefore(settings)
            let bundle = try store.rollBack(settings.name, reason: reason, now: moment)
            let pause = min(Self.pauseAfterRefusal, max(0, bundle.end - now) / 2)
            changePlan(for: settings) { (plan: inout RenewalPlan) in
                plan.recall(bundle.leaf.fingerprint)
                plan.rest("it was gone back from: \(reason)", wishing: wish ?? settings.wish, until: now + pause)
                // What its CA said was of another one.
                plan.askAgain(at: now)
            }
            return bundle
        }
    }

    /// Deletes the keys of all generations but the current one, or of the one that is meant; their numbers.
    ///
    /// - Parameter isCompromised: one of the keys is known to somebody: also deletes those of orders that are kept, of which one
    ///   may be the same.
    package func retire(
        _ settings: CertificateSettings,
        only number: Int? = nil,
        isCompromised: Bool = false,
        reason: String
    ) throws(CertificateProblem) -> [Int] {
        try requireStored(settings)
        return try ordered { () throws(CertificateProblem) in
            let gone = try store.retire(settings.name, only: number, reason: reason, now: moment)
            if isCompromised { try ACMEAccountStore.deletePendingOrders(for: settings.name, in: store) }
            return gone
        }
    }

    /// What comes from files may have been issued before, and its keys be there yet.
    private func requireStored(_ settings: CertificateSettings) throws(CertificateProblem) {
        guard case .files = settings.issuer, try !store.contains(settings.name) else { return }
        throw .ofFiles(name: settings.name)
    }

    /// Writes the store's current generation where another program reads it.
    package func export(_ settings: CertificateSettings, to folder: String) throws(CertificateProblem) {
        try requireStored(settings)
        if AbsolutePath.leads(folder, into: store.folder) { throw .insideStore(path: folder, folder: store.folder) }
        let bundle = try store.load(settings.name)
        let key = bundle.key.pem
        let chain = Array(bundle.chain.map(\.pem).joined().utf8)
        do throws(FileError) {
            try FileWriting.createFolder(folder, followsLink: true)
            // Both are on the disk before the first comes into its place: an export that is broken off leaves a pair.
            var batch = try FileBatch(on: folder)
            try batch.add(folder + "/privkey.pem", key.bytes, mode: 0o600)
            try batch.add(folder + "/fullchain.pem", chain.span, mode: 0o644)
            try batch.commit()
        } catch {
            throw .file(error)
        }
    }

    /// - Parameter isOneOfMany: as `CertificateStore.locked` has it.
    internal func ordered<Result>(
        isOneOfMany: Bool = false,
        _ body: () throws(CertificateProblem) -> Result
    ) throws(CertificateProblem) -> Result {
        do throws(CertificateProblem) {
            try requireNewest()
            return try store.locked(isOneOfMany: isOneOfMany, body)
        } catch {
            throw storeProblem(error)
        }
    }
}
