package import OpenSSL
package import Site

/// Between the question whether another certificate is needed and its beginning a command, or the gateway, may have put another
/// one there, or gone back to one: then the answer was of something that is no more.
extension CertificateProvider {
    /// What there was of a certificate when it was asked whether another one is needed.
    package struct Footing: Sendable, Equatable {
        /// SHA-256 of the current one; nil where there was none, or none that can be read.
        fileprivate let fingerprint: String?
        /// It was to stay: an operator went back to it, or clients refused what came after it.
        fileprivate let isHeldBack: Bool
    }

    /// Makes a certificate where it is needed. The question is asked again when what it was about has changed before the making
    /// begins.
    ///
    /// - Parameters:
    ///   - need: why it is needed, for the audit log; nil when it is not.
    ///   - make: throws `overtaken` where the footing has changed.
    /// - Returns: nil where it is not needed.
    package func whereNeeded(
        _ settings: CertificateSettings,
        _ need: () -> String?,
        make: (_ reason: String, _ footing: Footing) throws(CertificateProblem) -> CertificateBundle
    ) throws(CertificateProblem) -> CertificateBundle? {
        while true {
            let footing = footing(of: settings, plan(for: settings))
            guard let reason = need() else { return nil }
            do throws(CertificateProblem) {
                return try make(reason, footing)
            } catch .overtaken {
                continue
            }
        }
    }

    /// Whether there is something else by now than when it was asked whether another one is needed. The store, or its plans, are
    /// locked.
    ///
    /// - Parameters:
    ///   - footing: nil where nobody asked.
    ///   - plan: as it is now.
    internal func isOvertaken(_ footing: Footing?, of settings: CertificateSettings, _ plan: RenewalPlan) -> Bool {
        footing.map { $0 != self.footing(of: settings, plan) } ?? false
    }

    /// Whether an operator has put another one there, by `certs standby` or `certs import`, which is to stay: no standby that came
    /// in by itself. The store, or its plans, are locked.
    ///
    /// - Parameter former: SHA-256 of what there was before; nil where there was none, or none that can be read.
    internal func isPutThere(_ settings: CertificateSettings, after former: String?) -> Bool {
        guard let leaf = (try? store.loadChain(settings.name))?.first, leaf.fingerprint != former else { return false }
        return !cameInByItself(leaf, settings)
    }

    private func footing(of settings: CertificateSettings, _ plan: RenewalPlan) -> Footing {
        Footing(
            fingerprint: (try? store.loadChain(settings.name))?.first?.fingerprint,
            isHeldBack: plan.isHeldBack(at: Self.clock)
        )
    }
}
