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
        var standing = standing(settings, acme)
        // A pause that another site file has ended does not begin again with the one before.
        if standing.plan != plan(of: settings.name) {
            standing.plan = changePlan(for: settings) { (plan: inout RenewalPlan) -> RenewalPlan in
                plan.consider(servers: acme.candidates.map(\.directory))
                return plan
            }
        }
        if let leaf = standing.leaves.first, standing.plan.nextQuestion <= Self.clock,
            standing.plan.origin?.fingerprint == leaf.fingerprint || standing.faults.isEmpty, !standing.isStandby
        {
            askForAdvice(settings, standing.plan, leaf, acme, outside)
            // That may have taken a minute, in which another one may have come.
            standing = self.standing(settings, acme)
        }
        if standing.faults.isEmpty, let leaf = standing.leaves.first { meet(settings, with: leaf) }
        guard standing.plan.next <= Self.clock || restsInVain(standing, acme) else {
            return isWantedBack(standing) ? Self.words(of: standing.plan.advice) : nil
        }
        if !standing.faults.isEmpty, !standing.isUnfit, let bundle = try? store.load(settings.name),
            let pause = pauseForOthers(bundle, settings)
        {
            outside.tell(pause.why)
            return nil
        }
        if let fault = standing.faults.first {
            // What came just now is not mended by another one at once.
            let isOwn = standing.plan.origin.map { $0.fingerprint == standing.leaves.first?.fingerprint } ?? false
            return isOwn && standing.plan.patience > Self.clock ? nil : standing.cause ?? fault
        }
        guard let due = standing.due, due > Self.clock else {
            return Self.words(of: standing.plan.advice)
        }
        return nil
    }

    private func standing(_ settings: CertificateSettings, _ acme: ACMESettings) -> CertificateStanding {
        var standing = standing(settings)
        standing.plan.consider(servers: acme.candidates.map(\.directory))
        return standing
    }

    private static func words(of advice: RenewalPlan.Advice?) -> String {
        advice.map { "its CA wants it renewed\($0.explanation.map { " (\($0.printableLine))" } ?? "")" } ?? "it is due"
    }

    /// Whether its CA wants what an operator went back to replaced long before its time, as when it is about to be revoked. That
    /// its time had come is what he knew.
    private func isWantedBack(_ standing: CertificateStanding) -> Bool {
        let plan = standing.plan
        guard plan.isAtRest(until: Self.clock), plan.patience <= Self.clock, let advice = plan.advice,
            let leaf = standing.leaves.first, plan.origin?.fingerprint == leaf.fingerprint
        else { return false }
        return advice.window.upperBound <= Self.clock && leaf.renewalSchedule.due > Self.clock
    }

    /// Whether what is to rest, since an operator went back to it or clients refused what came after it, cannot be read any more,
    /// and there is a CA that may be asked for another.
    private func restsInVain(_ standing: CertificateStanding, _ acme: ACMESettings) -> Bool {
        standing.plan.isHeldBack(at: Self.clock) && standing.leaves.isEmpty && !standing.isDenied
            && acme.candidates.contains { held($0, standing.plan) <= Self.clock }
    }

    /// Until when a CA wants to be left alone, with this certificate or with all: seconds since 1970.
    internal func held(_ acme: ACMESettings, _ plan: RenewalPlan) -> Int64 {
        let accounts = ACMEAccountStore(store, directory: acme.directory)
        return max(plan.held[acme.directory] ?? 0, accounts.held(at: Self.clock))
    }

    /// Asks the CA of the certificate what it says, and takes that over where the certificate is still the one that is there.
    /// A CA that cannot be asked changes nothing. Of one that was gone back to, or brought by an operator, a CA that advises is
    /// the one that issued it.
    ///
    /// - Parameter plan: as it was read before.
    private func askForAdvice(
        _ settings: CertificateSettings,
        _ plan: RenewalPlan,
        _ leaf: Certificate,
        _ acme: ACMESettings,
        _ outside: Outside
    ) {
        var next = Self.clock + RenewalInformation.usualPause
        var heard: (information: RenewalInformation, directory: String)?
        let isKnown = plan.origin?.fingerprint == leaf.fingerprint
        if let issuer = acme.candidates.first(where: { !isKnown || $0.directory == plan.origin?.directory }),
            (plan.held[issuer.directory] ?? 0) <= Self.clock
        {
            do {
                let account = try ACMEAccount(issuer, in: store, outside.transport(issuer))
                if let information = try account.session.renewalInformation(for: leaf, now: Self.clock) {
                    heard = (information, issuer.directory)
                }
            } catch ACMEProblem.rateLimited(_, let seconds, _) {
                // Of this question alone, and asked again within a day: orders must not wait for it until the end.
                next = Self.clock + RenewalInformation.bounded(seconds)
            } catch {
                outside.tell(
                    "\(issuer.directory) does not say when to renew \(leaf.dnsNames.first?.printableLine ?? "it"): \(error)"
                )
            }
        }
        let (answer, moment) = (heard, next)
        changePlan(of: settings.name) { (plan: inout RenewalPlan) in
            let current = try? store.loadChain(settings.name).first
            guard current?.fingerprint == leaf.fingerprint else { return }
            plan.askAgain(at: moment)
            guard let answer else { return }
            if plan.origin?.fingerprint != leaf.fingerprint {
                plan.recognize(leaf.fingerprint, of: answer.directory)
            }
            plan.take(answer.information, at: Self.clock) { Int64.random(in: $0) }
        }
    }

    /// What came of having certificates taken back.
    package struct Revocation: Sendable, Equatable {
        /// The generations that were revoked just now, and those that were before.
        package var fresh: [Int] = []
        package var known: [Int] = []
        /// What is wrong with those whose certificates cannot be read, so that nobody can say which they were.
        package var unreadable: [CertificateProblem] = []
        /// Why others were not, each reason once.
        package var problems: [CertificateProblem] = []
    }

    /// Has the CA take back every certificate of the store that clients are shown no longer and that has not ended, with or
    /// without its key. An ACME server is told (RFC 8555, section 7.6), in the account's name or, where it does not know
    /// that any more, in that of the certificate's own key, also one that the site file named before; the internal CA
    /// puts them on its list. One that fails keeps no other.
    ///
    /// - Parameter number: the one generation that is meant; nil for all.
    package func revoke(
        _ settings: CertificateSettings,
        only number: Int? = nil,
        _ reason: RevocationReason,
        _ outside: Outside
    ) throws(CertificateProblem) -> Revocation {
        if case .files = settings.issuer { throw .irrevocable(name: settings.name) }
        let name = settings.name
        if reason == .keyCompromise { try requireOtherKey(settings, only: number) }
        try store.requireNoTrial(of: name, now: Self.clock)
        let known = store.audit.revoked
        let served = try store.leaf(of: name, generation: store.currentGeneration(of: name))
        var done = Revocation()
        for number in try store.generations(of: name, besidesCurrentOr: number) {
            // What was imported twice is two generations.
            let found: Certificate?
            do throws(CertificateProblem) {
                found = try store.leaf(of: name, generation: number)
            } catch {
                done.unreadable.append(error)
                continue
            }
            guard let leaf = found, leaf.der != served?.der, leaf.validity.upperBound > Self.clock else { continue }
            do throws(CertificateProblem) {
                if known.contains(leaf.fingerprint), try !InternalCA.lacks(leaf, in: store) {
                    done.known.append(number)
                    continue
                }
                try revoke(leaf, generation: number, settings, reason, outside)
                done.fresh.append(number)
            } catch {
                if !done.problems.contains(error) { done.problems.append(error) }
            }
        }
        guard done != Revocation() else { throw .nothingToRevoke(name: name) }
        return done
    }

    private func revoke(
        _ leaf: Certificate,
        generation number: Int,
        _ settings: CertificateSettings,
        _ reason: RevocationReason,
        _ outside: Outside
    ) throws(CertificateProblem) {
        // Of a standby that came in, and after a change of the site file, another CA knows.
        let askable = try InternalCA.hasSigned(leaf, in: store) ? [] : authorities(of: settings)
        let isMarked = store.isRevoked(settings.name, generation: number)
        try ordered { () throws(CertificateProblem) in
            try store.markRevoked(settings.name, generation: number, reason)
        }
        do throws(CertificateProblem) {
            if !askable.isEmpty { try revoke(leaf, generation: number, settings, askable, reason, outside) }
            try ordered { () throws(CertificateProblem) in
                if askable.isEmpty { try InternalCA.revoke(leaf, reason, in: store, now: Self.clock) }
                try store.audit.append(
                    store.event(.revoked, settings.name, number, leaf, reason.rawValue),
                    now: Self.clock
                )
            }
        } catch {
            if !isMarked, error.isRefusal {
                try? ordered { () throws(CertificateProblem) in
                    try store.unmarkRevoked(settings.name, generation: number)
                }
            }
            throw error
        }
    }

    /// The CAs that may have issued a generation of it: those that it is ordered from, those of its standby, and all
    /// others that the store has accounts at, since the site file may have named them before.
    private func authorities(of settings: CertificateSettings) -> [ACMESettings] {
        let named = [settings.issuer, settings.standby].compactMap(\.self).flatMap { issuer -> [ACMESettings] in
            if case .acme(let acme) = issuer { acme.candidates } else { [] }
        }
        let known = Set(named.map(\.directory))
        return named + ACMEAccountStore.servers(in: store).filter { !known.contains($0.directory) }
    }

    /// - Parameter askable: the CAs that may have issued it. One that fails keeps no other.
    private func revoke(
        _ leaf: Certificate,
        generation number: Int,
        _ settings: CertificateSettings,
        _ askable: [ACMESettings],
        _ reason: RevocationReason,
        _ outside: Outside
    ) throws(CertificateProblem) {
        // Where it is gone, the account alone speaks.
        let key = (try? store.load(settings.name, generation: number))?.key
        var problems: [String: ACMEProblem] = [:]
        var mayBe = false
        for candidate in askable {
            let account: ACMEAccount
            do throws(CertificateProblem) {
                account = try ACMEAccount(candidate, in: store, outside.transport(candidate))
            } catch {
                problems[candidate.directory] = .library("\(error)")
                continue
            }
            do throws(ACMEProblem) {
                do throws(ACMEProblem) {
                    try account.use { session throws(ACMEProblem) in try session.revoke(leaf.der, reason) }
                } catch {
                    guard case .refused = error, let key else { throw error }
                    try account.session.revoke(leaf.der, reason, with: key)
                }
                return
            } catch {
                problems[candidate.directory] = error
                mayBe = mayBe || error.leavesOpen(account.session.revocationURL)
            }
        }
        throw .unrevoked(name: settings.name, number, problems, mayBe: mayBe)
    }

    /// Gives the site's account at a CA a new key.
    package func changeAccountKey(at acme: ACMESettings, _ outside: Outside) throws(CertificateProblem) {
        let account = try ACMEAccount(acme, in: store, outside.transport(acme))
        do throws(ACMEProblem) {
            try account.changeKey()
        } catch {
            throw .server(directory: acme.directory, error)
        }
    }
}

extension CertificateProblem {
    /// For certain nobody has taken the certificate back.
    fileprivate var isRefusal: Bool {
        switch self {
        case .unrevoked(_, _, _, let mayBe): !mayBe
        case .unknownSigner: true
        default: false
        }
    }
}

extension ACMEProblem {
    /// Whether nobody knows what became of what was asked for at `url`: it may have arrived, though no answer came.
    fileprivate func leavesOpen(_ url: String?) -> Bool {
        switch self {
        case .unreachable(let asked, _), .malformed(let asked, _): asked == url
        default: false
        }
    }
}
