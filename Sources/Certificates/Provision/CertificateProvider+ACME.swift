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

        package init(
            transport: @escaping (ACMESettings) -> any ACMETransport,
            publish: @escaping () throws(ACMEProblem) -> Void,
            tell: @escaping (String) -> Void
        ) {
            self.transport = transport
            self.publish = publish
            self.tell = tell
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
    /// to another one meanwhile, or clients refused one, that stays: what came is not put into force.
    ///
    /// - Parameters:
    ///   - isAsked: an operator wants it now, however old the one before is.
    ///   - wantsNewKey: no order is gone on with whose key is on the disk already.
    package func order(
        _ settings: CertificateSettings,
        _ acme: ACMESettings,
        reason: String,
        isAsked: Bool = false,
        wantsNewKey: Bool = false,
        _ outside: Outside
    ) throws(CertificateProblem) -> CertificateBundle {
        var plan = plan(of: settings, acme)
        let isMeant = isAsked || !isOfSite(settings)
        let replaced = (try? store.load(settings.name))?.renewalSchedule
        var problems: [String: ACMEProblem] = [:]
        // Whatever becomes of this: a key that is stolen must not come back.
        if wantsNewKey { try ACMEAccountStore.deletePendingOrders(for: settings.name, in: store) }
        var askable: [ACMESettings] = []
        var hasBegun = false
        func end(_ change: (inout RenewalPlan) -> Void) {
            changePlan(of: settings.name) { (known: inout RenewalPlan) in
                known.consider(settings.wish)
                if hasBegun { known.endTry() }
                known.takeHolds(of: plan)
                if !known.isHeldBack(at: Self.clock) { change(&known) }
            }
        }
        for candidate in acme.candidates {
            let accounts = ACMEAccountStore(store, directory: candidate.directory)
            let wait = max(plan.held[candidate.directory] ?? 0, accounts.held(at: Self.clock)) - Self.clock
            if wait > 0 {
                plan.hold(candidate.directory, until: Self.clock + wait)
                problems[candidate.directory] = .rateLimited(detail: "as it said before", seconds: wait)
            } else {
                askable.append(candidate)
            }
        }
        do throws(CertificateProblem) {
            // What cannot be kept is not ordered: a CA counts what is lost, too.
            try store.requireRoom(for: settings.name)
            if !askable.isEmpty {
                changePlan(for: settings) { (known: inout RenewalPlan) in
                    known.consider(servers: acme.candidates.map(\.directory))
                    // What an operator asks for by hand nobody begins anew when it was broken off.
                    if isAsked {
                        known.endRest(besides: "")
                    } else {
                        known.begin(wishing: settings.wish, replacing: replaced, at: Self.clock)
                    }
                }
                hasBegun = !isAsked
            }
            for candidate in askable {
                do throws(CertificateProblem) {
                    let made = try order(settings, candidate, plan, wantsNewKey: wantsNewKey, outside)
                    return try keep(made, settings, acme, reason: reason, isAsked: isMeant, hasBegun: hasBegun, outside)
                } catch .order(_, let problem) {
                    problems[candidate.directory] = problem
                    guard case .rateLimited(let detail, let seconds, let isForAll) = problem else { continue }
                    let pause = min(seconds, patience(with: settings, isForAll: isForAll))
                    plan.hold(candidate.directory, until: Self.clock + pause)
                    if isForAll {
                        ACMEAccountStore(store, directory: candidate.directory).hold(until: Self.clock + pause)
                    }
                    problems[candidate.directory] = .rateLimited(detail: detail, seconds: pause, isForAll: isForAll)
                }
            }
        } catch {
            // It is this machine's fault, and a try all the same.
            let problem = storeProblem(error)
            end { $0.fail("\(problem)", wishing: settings.wish, replacing: replaced, at: Self.clock) }
            throw problem
        }
        let only = acme.fallback.isEmpty ? problems[acme.directory] : nil
        let problem =
            only.map { CertificateProblem.order(name: settings.name, $0) }
            ?? .orders(name: settings.name, problems)
        let pause = max(0, acme.candidates.map { (plan.held[$0.directory] ?? 0) - Self.clock }.min() ?? 0)
        if askable.isEmpty {
            end { $0.wait("\(problem)", wishing: settings.wish, until: Self.clock + pause) }
        } else {
            end {
                $0.fail("\(problem)", wishing: settings.wish, pause: pause, replacing: replaced, at: Self.clock)
            }
        }
        throw problem
    }

    /// Whether what the store has is what the site file asks for: a change of that file is an operator's wish.
    private func isOfSite(_ settings: CertificateSettings) -> Bool {
        guard let bundle = try? store.load(settings.name) else { return true }
        let isOwn = isOfInternalCA(bundle, settings)
        return settings.names.allSatisfy(bundle.covers) && !isOwn && changes(of: bundle, settings).isEmpty
    }

    /// Seconds for which a CA is left alone at most, whatever it says: a day, and where it limits names, a quarter of what is
    /// left of the certificate, if that is more. A page for a maintenance that says a month would else outlast them all.
    private func patience(with settings: CertificateSettings, isForAll: Bool) -> Int64 {
        let day: Int64 = 86_400
        guard !isForAll, let leaf = try? store.loadChain(settings.name).first else { return day }
        return max(day, (leaf.validity.upperBound - Self.clock) / 4)
    }

    private func keep(
        _ made: Made,
        _ settings: CertificateSettings,
        _ acme: ACMESettings,
        reason: String,
        isAsked: Bool,
        hasBegun: Bool,
        _ outside: Outside
    ) throws(CertificateProblem) -> CertificateBundle {
        let server = acme.candidates.first { $0.directory == made.directory }
        let origin = RenewalPlan.Origin(
            fingerprint: made.bundle.leaf.fingerprint,
            directory: made.directory,
            account: made.account,
            chain: server?.chain ?? "",
            profile: server?.profile ?? ""
        )
        let ended = try ordered { () throws(CertificateProblem) -> RenewalPlan in
            // This try ended any rest of before: this one came while the CA was asked. The order stays to be gone on with.
            let known = plan(of: settings.name)
            guard !known.isHeldBack(at: Self.clock) else {
                throw .goneBack(name: settings.name, until: known.next)
            }
            // What is replaced before its chain ends had no longer life.
            let replaced = (try? store.load(settings.name))?.renewalSchedule.lifetime ?? .max
            let life = min(made.bundle.leaf.renewalSchedule.lifetime, replaced)
            try store.save(made.bundle, as: settings.name, reason: reason, now: Self.clock)
            return changePlan(of: settings.name) { (plan: inout RenewalPlan) -> RenewalPlan in
                plan.consider(settings.wish)
                if hasBegun { plan.endTry() }
                if let lack = made.lack {
                    plan.succeed(
                        origin,
                        life: life,
                        isAsked: isAsked,
                        but: lack,
                        wishing: settings.wish,
                        replacing: made.bundle.renewalSchedule,
                        at: Self.clock
                    )
                } else {
                    plan.succeed(origin, life: life, isAsked: isAsked, at: Self.clock)
                }
                return plan
            }
        }
        ACMEAccountStore.endPendingOrders(for: settings.name, in: store)
        meet(settings, with: made.bundle.leaf)
        if ended.hurries > 0 {
            outside.tell(ended.wordsOfHurry)
        }
        return made.bundle
    }
}
