package import OpenSSL
package import Site

/// What a certificate must not lack that the one in its place has.
extension CertificateProvider {
    /// Fails when clients who get a certificate now would get none, as from files that have changed, or from a store into
    /// which somebody with another site file has put one; or one they cannot verify, from files. What has expired has no
    /// successor to be compared with.
    ///
    /// - Parameters:
    ///   - old: what is served, and was made for the names of the site file.
    ///   - wasOfFiles: it came from files, too. Who changed the issuer knows what his clients have of that one.
    package func requireNoLess(
        _ fresh: [CertificateBundle],
        than old: [CertificateBundle],
        _ settings: CertificateSettings,
        wasOfFiles: Bool = true
    ) throws(CertificateProblem) {
        let served = old.filter { $0.leaf.validity.contains(now) }
        let lost = settings.names.filter { name in
            served.contains { $0.covers(name) } && !fresh.contains { $0.covers(name) }
        }
        guard lost.isEmpty || mayLackNames(fresh, settings) else {
            throw .lostNames(name: settings.name, lost.map { "\($0)" })
        }
        guard wasOfFiles, case .files = settings.issuer else { return }
        for bundle in fresh where bundle.lacksIssuer(after: served) {
            throw .lostIssuer(name: settings.name, issuer: bundle.leaf.issuer)
        }
    }

    /// What is served of several pairs of files, of which one cannot be used: each that is good takes the place of what is served
    /// of the same kind of key. What is served of the other goes on; once that has ended, for want of another kind alone.
    ///
    /// - Returns: nil where no pair is good, or there is one alone.
    package func renewing(_ served: [CertificateBundle], _ settings: CertificateSettings) -> [CertificateBundle]? {
        guard case .files(let pairs) = settings.issuer, pairs.count > 1 else { return nil }
        let lasting = served.filter { $0.end >= now }
        let good = pairs.compactMap { try? load($0, settings) }.filter { !$0.lacksIssuer(after: lasting) }
        guard !good.isEmpty else { return nil }
        func takes(_ fresh: CertificateBundle, theNamesOf old: CertificateBundle) -> Bool {
            fresh.algorithm == old.algorithm && settings.names.allSatisfy { !old.covers($0) || fresh.covers($0) }
        }
        var present: [CertificateBundle] = []
        for old in lasting {
            let heirs = good.filter { takes($0, theNamesOf: old) }
            let next = heirs.first { $0.isAlike(old) } ?? heirs.first ?? old
            if !present.holds(next) { present.append(next) }
        }
        for bundle in good where !present.contains(where: { takes($0, theNamesOf: bundle) }) { present.append(bundle) }
        let needed = settings.names.filter { name in !present.contains { $0.covers(name) } }
        return present + served.filter { old in old.end < now && needed.contains(where: old.covers) }
    }

    /// Fails when clients of a name of the site file, who get the current generation, would get none by the way back. From one
    /// that is of no use any way leads on.
    internal func requireNoLessBefore(_ settings: CertificateSettings) throws(CertificateProblem) {
        guard let current = try? store.load(settings.name), current.leaf.validity.contains(now) else { return }
        let (number, bundle) = try store.wayBack(of: settings.name, now: now)
        let lost = settings.names.filter { current.covers($0) && !bundle.covers($0) }
        guard lost.isEmpty else { throw .fewerNames(name: settings.name, number, lost.map { "\($0)" }) }
    }

    /// Whether it is known that one of the store lacks names: an operator went back to it, or its CA refused some, which are
    /// tried again.
    private func mayLackNames(_ fresh: [CertificateBundle], _ settings: CertificateSettings) -> Bool {
        guard settings.issuer.isStored else { return false }
        if (try? store.isRolledBack(settings.name)) == true { return true }
        let plan = plan(of: settings.name)
        return plan.failures > 0 && fresh.contains { $0.leaf.fingerprint == plan.origin?.fingerprint }
    }

    /// The same for one that an ACME server gave, or that was made elsewhere, and is to come into the store.
    internal func lacksIssuer(_ bundle: CertificateBundle, _ settings: CertificateSettings) -> Bool {
        guard let current = try? store.load(settings.name) else { return false }
        return current.leaf.validity.contains(Self.clock) && bundle.lacksIssuer(after: [current])
    }
}

extension CertificateBundle {
    /// Whether it comes without any issuer, and what it replaces with one: a file that was cut between two certificates
    /// looks like that.
    fileprivate func lacksIssuer(after old: [CertificateBundle]) -> Bool {
        // A root need not follow, and no PKCS #12 file brings one.
        chain.count == 1 && !leaf.isSelfSigned
            && old.contains { $0.chain.dropFirst().contains { !$0.isSelfSigned } }
    }
}
