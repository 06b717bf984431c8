package import Site

/// Certificates that no listener shows: other programs use them, and they are kept as fresh as the others.
extension CertificateProvider {
    /// The certificate, issued and stored first where that is needed. Nothing stands in for it, and what is wrong with it is a
    /// warning: the gateway serves without it.
    ///
    /// - Parameter found: what `find` gave.
    package func provideUnshown(
        _ settings: CertificateSettings,
        found: Result<Provided?, CertificateProblem>
    ) -> Provided {
        var lacking = Provided(bundles: [])
        do throws(CertificateProblem) {
            if case .acme = settings.issuer, try found.get() == nil {
                if settings.standby != nil, takenBack(settings) != nil {
                    return try substitute(settings, Self.takenBackReason)
                }
                lacking.warnings = [absenceWarning(settings)]
                return lacking
            }
            return try provideWithStandby(settings, found: found, isServed: false)
        } catch {
            lacking.warnings = [error.text(of: settings.name)]
            lacking.renewal = now + InternalCA.retryTime
            lacking.isMakeshift = true
            lacking.isOwed = settings.issuer == .internal
            return lacking
        }
    }

    internal func absenceWarning(_ settings: CertificateSettings) -> String {
        "certificate \(settings.name): \(absence(of: settings)); the gateway asks its ACME server, and "
            + "`gatehouse certs issue \(settings.name)` does so now"
    }
}
