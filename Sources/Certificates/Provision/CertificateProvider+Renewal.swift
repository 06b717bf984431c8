import Linux
import OpenSSL
package import Site

/// What keeps the certificates of ACME servers fresh, besides ordering them.
extension CertificateProvider {
    /// Why a certificate of an ACME server is to be ordered now; nil when it is not. Asks its CA for advice when it is
    /// time to (RFC 9773).
    package func need(
        of settings: CertificateSettings,
        _ acme: ACMESettings,
        _ outside: Outside
    ) -> String? {
        var standing = standing(settings)
        standing.plan.consider(acme.candidates.map(\.directory))
        if let leaf = standing.leaves.first, standing.plan.origin?.fingerprint == leaf.fingerprint,
            standing.plan.nextQuestion <= Self.clock
        {
            standing.plan = advised(standing.plan, leaf, acme, outside)
            store.keep(standing.plan, of: settings.name)
        }
        guard standing.plan.next <= Self.clock else { return nil }
        if let fault = standing.faults.first { return fault }
        guard let due = standing.due, due > Self.clock else {
            return standing.plan.advice.map { "its CA wants it renewed\($0.explanation.map { " (\($0))" } ?? "")" }
                ?? "it is due"
        }
        return nil
    }

    /// The plan with what the CA of the certificate says. A CA that cannot be asked changes nothing.
    private func advised(
        _ plan: RenewalPlan,
        _ leaf: Certificate,
        _ acme: ACMESettings,
        _ outside: Outside
    ) -> RenewalPlan {
        var plan = plan
        plan.askAgain(at: Self.clock + RenewalInformation.usualPause)
        guard let issuer = acme.candidates.first(where: { $0.directory == plan.origin?.directory }),
            (plan.held[issuer.directory] ?? 0) <= Self.clock
        else { return plan }
        do {
            let account = try ACMEAccount(issuer, in: store, outside.transport(issuer))
            if let information = try account.session.renewalInformation(for: leaf, now: Self.clock) {
                plan.take(information, at: Self.clock) { Int64.random(in: $0) }
            }
        } catch ACMEProblem.rateLimited(_, let seconds) {
            plan.hold(issuer.directory, until: Self.clock + seconds)
        } catch {
            outside.tell("\(issuer.directory) does not say when to renew \(leaf.dnsNames.first ?? "it"): \(error)")
        }
        return plan
    }

    /// Has the CA take every generation but the current one back. An ACME server is told (RFC 8555, section 7.6), in the
    /// account's name or, where it does not know that any more, in that of the certificate's own key; the internal CA
    /// puts them on its list.
    ///
    /// - Returns: the numbers of those that were revoked.
    package func revoke(
        _ settings: CertificateSettings,
        _ reason: RevocationReason,
        _ outside: Outside
    ) throws(CertificateProblem) -> [Int] {
        if case .files = settings.issuer { throw .irrevocable(name: settings.name) }
        let current = try store.currentGeneration(of: settings.name)
        var revoked: [Int] = []
        for number in try store.generations(of: settings.name) where number != current {
            let bundle = try store.load(settings.name, generation: number)
            guard bundle.leaf.validity.upperBound > Self.clock else { continue }
            if case .acme(let acme) = settings.issuer { try revoke(bundle, settings, acme, reason, outside) }
            try ordered { () throws(CertificateProblem) in
                if settings.issuer == .internal {
                    try InternalCA.revoke(bundle.leaf, reason, in: store, now: Self.clock)
                }
                try store.audit.append(
                    store.event(.revoked, settings.name, number, bundle, reason.rawValue),
                    now: Self.clock
                )
            }
            revoked.append(number)
        }
        return revoked
    }

    private func revoke(
        _ bundle: CertificateBundle,
        _ settings: CertificateSettings,
        _ acme: ACMESettings,
        _ reason: RevocationReason,
        _ outside: Outside
    ) throws(CertificateProblem) {
        var problems: [String: ACMEProblem] = [:]
        for candidate in acme.candidates {
            let account = try ACMEAccount(candidate, in: store, outside.transport(candidate))
            let der = bundle.leaf.der
            do throws(ACMEProblem) {
                do throws(ACMEProblem) {
                    try account.use { session throws(ACMEProblem) in try session.revoke(der, reason) }
                } catch .refused {
                    try account.session.revoke(der, reason, with: bundle.key)
                }
                return
            } catch {
                problems[candidate.directory] = error
            }
        }
        throw .orders(name: settings.name, problems)
    }

    /// Gives the accounts of a site at its CAs new keys.
    ///
    /// - Parameter acme: CAs, of which each directory is taken once.
    /// - Returns: the directories.
    package func changeAccountKeys(
        _ acme: [ACMESettings],
        _ outside: Outside
    ) throws(CertificateProblem) -> [String] {
        var done: [String] = []
        for settings in acme where !done.contains(settings.directory) {
            let account = try ACMEAccount(settings, in: store, outside.transport(settings))
            do throws(ACMEProblem) {
                try account.changeKey()
            } catch {
                throw .server(directory: settings.directory, error)
            }
            done.append(settings.directory)
        }
        return done
    }
}
