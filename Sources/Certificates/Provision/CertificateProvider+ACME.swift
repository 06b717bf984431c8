import Linux
package import OpenSSL
package import Site

/// Tries at certificates that ACME servers issue, and what became of them.
extension CertificateProvider {
    /// What an order needs of the world.
    package struct Outside {
        /// Carries requests to one CA.
        package let transport: (ACMESettings) -> any ACMETransport
        /// Has the running gateway look at the store; throws when none does.
        package let publish: () throws(ACMEProblem) -> Void
        /// Tells what is being done, for a person who waits.
        package let tell: (String) -> Void
        /// What the running gateway's site file asks of a certificate at this moment; nil where none runs, or it does not
        /// say.
        package let wish: (CertificateSettings) -> String?

        package init(
            transport: @escaping (ACMESettings) -> any ACMETransport,
            publish: @escaping () throws(ACMEProblem) -> Void,
            tell: @escaping (String) -> Void,
            wish: @escaping (CertificateSettings) -> String? = { _ in nil }
        ) {
            self.transport = transport
            self.publish = publish
            self.tell = tell
            self.wish = wish
        }
    }

    /// Seconds since 1970, also in an order that takes minutes.
    internal static var clock: Int64 { WallClock.seconds }

    /// What became of the tries so far, as far as it can be true.
    internal func plan(of name: String) -> RenewalPlan {
        var plan = store.plan(of: name)
        plan.correct(at: max(now, Self.clock))
        return plan
    }

    /// The same for what the site file asks for now.
    internal func plan(for settings: CertificateSettings) -> RenewalPlan {
        var plan = plan(of: settings.name)
        Self.suit(&plan, settings)
        return plan
    }

    private static func suit(_ plan: inout RenewalPlan, _ settings: CertificateSettings) {
        plan.endRest(besides: settings.wish)
        plan.consider(settings.wish)
    }

    /// Changes what became of the tries so far, as `CertificateStore.changePlan` does.
    @discardableResult
    internal func changePlan<Result>(of name: String, _ change: (inout RenewalPlan) -> Result) -> Result {
        let moment = max(now, Self.clock)
        return store.changePlan(of: name) { (plan: inout RenewalPlan) -> Result in
            plan.correct(at: moment)
            return change(&plan)
        }
    }

    /// The same for what the site file asks for now.
    @discardableResult
    internal func changePlan<Result>(
        for settings: CertificateSettings,
        _ change: (inout RenewalPlan) -> Result
    ) -> Result {
        changePlan(of: settings.name) { (plan: inout RenewalPlan) -> Result in
            Self.suit(&plan, settings)
            return change(&plan)
        }
    }

    /// The same of one that these CAs issue.
    package func plan(of settings: CertificateSettings, _ acme: ACMESettings) -> RenewalPlan {
        var plan = plan(for: settings)
        plan.consider(servers: acme.candidates.map(\.directory))
        return plan
    }

    /// Orders a certificate with a new key from the first CA that gives one, and keeps it in the store, with what became
    /// of the try. Takes as long as the CAs do, up to minutes; the store is locked only at the end. Where an operator went back
    /// to another one meanwhile, or put one there, or clients refused one, or the running gateway has read another site file, what
    /// is there stays: what came is not put into force.
    ///
    /// - Parameters:
    ///   - isAsked: an operator wants it now, however old the one before is.
    ///   - wantsNewKey: no order is gone on with whose key is on the disk already.
    ///   - footing: as `whereNeeded` gives it; nil for whatever there is.
    package func order(
        _ settings: CertificateSettings,
        _ acme: ACMESettings,
        reason: String,
        isAsked: Bool = false,
        wantsNewKey: Bool = false,
        on footing: Footing? = nil,
        _ outside: Outside
    ) throws(CertificateProblem) -> CertificateBundle {
        var attempt = OrderAttempt(self, settings, acme, isAsked: isAsked)
        // Whatever becomes of this: a key that is stolen must not come back.
        if wantsNewKey { try ACMEAccountStore.deletePendingOrders(for: settings.name, in: store) }
        do throws(CertificateProblem) {
            // What cannot be kept is not ordered: a CA counts what is lost, too.
            try store.requireRoom(for: settings.name)
            try attempt.begin(on: footing)
            for candidate in attempt.askable {
                do throws(CertificateProblem) {
                    let made = try order(settings, candidate, attempt.plan, wantsNewKey: wantsNewKey, outside)
                    return try attempt.succeed(with: made, reason: reason, outside)
                } catch .order(_, let problem) {
                    attempt.note(problem, of: candidate)
                }
            }
        } catch .overtaken(let name) {
            // Nothing has begun.
            throw .overtaken(name: name)
        } catch {
            let problem = storeProblem(error)
            attempt.fail(for: problem)
            throw problem
        }
        throw attempt.giveUp()
    }
}
