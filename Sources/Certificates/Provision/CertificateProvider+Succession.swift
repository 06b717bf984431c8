package import OpenSSL
package import Site

/// What a certificate must not lack that the one in its place has.
extension CertificateProvider {
    /// Fails when clients who get a certificate now would get none, or one they cannot verify, from files that have
    /// changed. What has expired has no successor to be compared with.
    ///
    /// - Parameter old: what is served.
    package func requireNoLess(
        _ fresh: [CertificateBundle],
        than old: [CertificateBundle],
        _ settings: CertificateSettings
    ) throws(CertificateProblem) {
        guard case .files = settings.issuer else { return }
        let served = old.filter { $0.leaf.validity.contains(now) }
        let lost = settings.names.filter { name in
            served.contains { $0.covers(name) } && !fresh.contains { $0.covers(name) }
        }
        guard lost.isEmpty else { throw .lostNames(name: settings.name, lost.map { "\($0)" }) }
        for bundle in fresh where bundle.lacksIssuer(after: served) {
            throw .lostIssuer(name: settings.name, issuer: bundle.leaf.issuer)
        }
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
        chain.count == 1 && !leaf.isIssued(by: leaf)
            && old.contains { $0.chain.dropFirst().contains { !$0.isIssued(by: $0) } }
    }
}
