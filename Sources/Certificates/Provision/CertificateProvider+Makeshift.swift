import OpenSSL
package import Site

/// What is shown in place of a certificate of the store that is damaged, so that it is missed alone, and not with all the
/// others of the site.
extension CertificateProvider {
    /// The certificate; else its standby; else, where what the store holds of it cannot be used, the generation before;
    /// else what stands in for one that its CA has not given yet.
    ///
    /// - Parameters:
    ///   - found: what `find` gave.
    ///   - isServed: a good one is served already: then a fault is only told, and nothing replaced.
    package func provide(
        _ settings: CertificateSettings,
        found: Result<Provided?, CertificateProblem>,
        isServed: Bool
    ) throws(CertificateProblem) -> Provided {
        do throws(CertificateProblem) {
            return try provideWithStandby(settings, found: found, isServed: isServed)
        } catch {
            guard !isServed, settings.issuer.isStored, error.isDamage else { throw error }
            guard let makeshift = makeshift(settings, error) else { throw error }
            return makeshift
        }
    }

    private func makeshift(_ settings: CertificateSettings, _ problem: CertificateProblem) -> Provided? {
        let name = settings.name
        var provided: Provided
        let instead: String
        if let (number, bundle) = store.earlierGeneration(of: name, now: now),
            settings.names.contains(where: bundle.covers)
        {
            provided = Provided(bundles: [bundle])
            instead =
                "GENERATION \(number) IS SERVED, the one before, good until "
                + UTC.text(bundle.leaf.validity.upperBound)
        } else if let standIn = try? standIn(settings) {
            provided = standIn
            instead = "A CERTIFICATE OF THE INTERNAL CA STANDS IN, which is kept nowhere"
        } else {
            return nil
        }
        provided.warnings = [
            "certificate \(name): \(problem); until that is mended, or `gatehouse certs rotate \(name)` has made another, "
                + instead
        ]
        provided.isMakeshift = true
        provided.isEmergency = true
        provided.renewal = now + InternalCA.retryTime
        provided.files = watched(settings)
        return provided
    }
}

extension CertificateProblem {
    /// What is in the store cannot be used as it is; nothing is wrong with what the site file says.
    package var isDamage: Bool {
        switch self {
        case .file, .contents, .deniedStore: true
        default: false
        }
    }
}
