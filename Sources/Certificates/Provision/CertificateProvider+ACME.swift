import Linux
package import OpenSSL
package import Site

/// Certificates that an ACME server issues.
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
        plan.endRest(besides: settings.wish)
        plan.consider(settings.wish)
        return plan
    }

    /// The same of one that these CAs issue.
    package func plan(of settings: CertificateSettings, _ acme: ACMESettings) -> RenewalPlan {
        var plan = plan(for: settings)
        plan.consider(servers: acme.candidates.map(\.directory))
        return plan
    }

    /// Orders a certificate with a new key from the first CA that gives one, and keeps it in the store, with what became
    /// of the try. Takes as long as the CAs do, up to minutes; the store is locked only at the end.
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
        var problems: [String: ACMEProblem] = [:]
        // Whatever becomes of this: a key that is stolen must not come back.
        if wantsNewKey { try ACMEAccountStore.deletePendingOrders(for: settings.name, in: store) }
        var askable: [ACMESettings] = []
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
                var begun = plan
                begun.begin(wishing: settings.wish, at: Self.clock)
                store.keep(begun, of: settings.name)
            }
            for candidate in askable {
                do throws(CertificateProblem) {
                    let made = try order(settings, candidate, plan, wantsNewKey: wantsNewKey, outside)
                    return try keep(made, settings, acme, plan, reason: reason, isAsked: isMeant, outside)
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
            plan.fail("\(problem)", wishing: settings.wish, at: Self.clock)
            store.keep(plan, of: settings.name)
            throw problem
        }
        let only = acme.fallback.isEmpty ? problems[acme.directory] : nil
        let problem =
            only.map { CertificateProblem.order(name: settings.name, $0) }
            ?? .orders(name: settings.name, problems)
        let pause = max(0, acme.candidates.map { (plan.held[$0.directory] ?? 0) - Self.clock }.min() ?? 0)
        if askable.isEmpty {
            plan.wait("\(problem)", wishing: settings.wish, until: Self.clock + pause)
        } else {
            plan.fail("\(problem)", wishing: settings.wish, pause: pause, at: Self.clock)
        }
        store.keep(plan, of: settings.name)
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

    /// What one CA gave.
    private struct Made {
        let bundle: CertificateBundle
        let directory: String
        let account: String
        /// Why names were left out; nil when none was.
        let lack: String?
    }

    private func order(
        _ settings: CertificateSettings,
        _ acme: ACMESettings,
        _ plan: RenewalPlan,
        wantsNewKey: Bool,
        _ outside: Outside
    ) throws(CertificateProblem) -> Made {
        outside.tell("asking \(acme.directory)")
        let transport = outside.transport(acme)
        let account = try ACMEAccount(acme, in: store, transport)
        do throws(ACMEProblem) {
            let solvers = solvers(settings, acme, outside, failures: plan.failures)
            var lacks: [String] = []
            let bundle = try account.use { session throws(ACMEProblem) in
                let order = ACMEOrder(
                    session,
                    solvers: solvers,
                    now: { Self.clock },
                    uptime: { Int64(Clock.monotonicNanoseconds / 1_000_000_000) },
                    pause: Self.pause
                )
                let wishes = wishes(settings, acme, plan, session.account)
                func certificate(
                    _ names: [String],
                    unless obstacle: ACMEProblem?
                ) throws(ACMEProblem) -> CertificateBundle {
                    try self.certificate(
                        Request(
                            settings: settings,
                            names: names,
                            order: order,
                            wishes: wishes,
                            accounts: ACMEAccountStore(store, directory: acme.directory),
                            obstacle: obstacle,
                            mayLackNames: plan.failures >= Self.patience,
                            wantsNewKey: wantsNewKey,
                            check: { (bundle) throws(ACMEProblem) in
                                try requireIssuer(of: bundle, settings, acme, plan)
                            }
                        )
                    )
                }
                let preflight = try preflight(settings, session, solvers, transport)
                for (name, why) in preflight.doubts.sorted(by: { $0.key < $1.key }) {
                    outside.tell("\(name): \(why.printableLine)")
                }
                // What is seen from here may be another DNS than the CA's: later tries ask it all the same.
                let obstacle = plan.failures < Self.patience ? preflight.problem : nil
                var names = names(settings)
                // A CA may tell of one name at a time. There are fewer each time.
                while true {
                    do throws(ACMEProblem) {
                        let bundle = try certificate(names, unless: obstacle)
                        let missing = Set(names).subtracting(bundle.identifiers).sorted()
                        if !missing.isEmpty {
                            let list = missing.joined(separator: ", ")
                            lacks.append("an order was gone on with that was made without \(list)")
                        }
                        return bundle
                    } catch {
                        guard let rest = rest(of: names, settings, without: error, preflight, plan) else {
                            throw preflight.explaining(error)
                        }
                        lacks.append("\(error); ordered without")
                        names = rest
                    }
                }
            }
            let lack = lacks.isEmpty ? nil : lacks.joined(separator: "; ")
            do throws(ACMEProblem) {
                try account.keep()
            } catch {
                // Its key is there, by which the CA tells the URL again.
                outside.tell("\(acme.directory): \(error)")
            }
            if let chain = acme.chain, !bundle.isBelow(chain) {
                outside.tell(
                    "\(acme.directory) offers no chain below \(chain); its own choice was taken, whose last certificate is of "
                        + "\(bundle.chain.last?.issuer.printableLine ?? "-")"
                )
            }
            return Made(bundle: bundle, directory: acme.directory, account: account.session.account ?? "", lack: lack)
        } catch {
            throw .order(name: settings.name, error)
        }
    }

    private func requireIssuer(
        of bundle: CertificateBundle,
        _ settings: CertificateSettings,
        _ acme: ACMESettings,
        _ plan: RenewalPlan
    ) throws(ACMEProblem) {
        guard plan.origin?.directory == acme.directory, lacksIssuer(bundle, settings) else { return }
        throw .unfit(
            url: acme.directory,
            why: "a certificate without that of its issuer, \(bundle.leaf.issuer), which the one before had"
        )
    }

    private func keep(
        _ made: Made,
        _ settings: CertificateSettings,
        _ acme: ACMESettings,
        _ plan: RenewalPlan,
        reason: String,
        isAsked: Bool,
        _ outside: Outside
    ) throws(CertificateProblem) -> CertificateBundle {
        try ordered { () throws(CertificateProblem) in
            try store.save(made.bundle, as: settings.name, reason: reason, now: Self.clock)
        }
        ACMEAccountStore.endPendingOrders(for: settings.name, in: store)
        meet(settings, with: made.bundle.leaf)
        let origin = RenewalPlan.Origin(
            fingerprint: made.bundle.leaf.fingerprint,
            directory: made.directory,
            account: made.account,
            chain: acme.candidates.first { $0.directory == made.directory }?.chain ?? ""
        )
        var plan = plan
        let life = made.bundle.leaf.renewalSchedule.lifetime
        if let lack = made.lack {
            let wish = settings.wish
            plan.succeed(origin, life: life, isAsked: isAsked, but: lack, wishing: wish, at: Self.clock)
        } else {
            plan.succeed(origin, life: life, isAsked: isAsked, at: Self.clock)
        }
        store.keep(plan, of: settings.name)
        if plan.hurries > 0 {
            outside.tell(plan.wordsOfHurry)
        }
        return made.bundle
    }

    /// Profile and chain; and what is replaced, which only the CA and the account that gave it know (RFC 9773, section 5).
    private func wishes(
        _ settings: CertificateSettings,
        _ acme: ACMESettings,
        _ plan: RenewalPlan,
        _ account: String?
    ) -> ACMEOrder.Wishes {
        var wishes = ACMEOrder.Wishes()
        wishes.profile = acme.profile
        wishes.chain = acme.chain
        if let leaf = try? store.loadChain(settings.name).first, let origin = plan.origin,
            origin.fingerprint == leaf.fingerprint, origin.directory == acme.directory,
            origin.account == account
        {
            wishes.replaces = RenewalInformation.identifier(of: leaf)
        }
        return wishes
    }

    /// Tries that fail by a few names before the others are ordered without them.
    private static let patience = 2

    /// The names that a CA did not complain of, when they have waited long enough for the others, and need a certificate
    /// now: one bad name must not let the rest expire.
    ///
    /// - Parameter names: those of the order that failed.
    private func rest(
        of names: [String],
        _ settings: CertificateSettings,
        without problem: ACMEProblem,
        _ preflight: Preflight,
        _ plan: RenewalPlan
    ) -> [String]? {
        func without(_ bad: [String]) -> [String] {
            names.filter { !bad.contains($0) && !bad.contains($0.withoutWildcard) }
        }
        var rest: [String]
        switch problem {
        case .challenge(let name, _): rest = without([name])
        case .challenges(let unproven): rest = without(unproven.map(\.name))
        case .abandoned(_, let bad): rest = without(bad)
        case .refused(_, _, let type, _, let bad):
            rest = without(bad)
            // A CA that does not say which name it is may mean what was seen from here.
            if rest == names, ["caa", "rejectedIdentifier"].contains(type) {
                rest = without(preflight.refusals.map(\.name))
            }
        default: return nil
        }
        guard plan.failures >= Self.patience, !rest.isEmpty, rest != names else { return nil }
        guard let bundle = try? store.load(settings.name) else { return rest }
        let isGood = Set(rest).isSubset(of: bundle.identifiers) && bundle.leaf.renewalSchedule.due > Self.clock
        return isGood ? nil : rest
    }

    /// A look at the DNS, where the transport can take one.
    private func preflight(
        _ settings: CertificateSettings,
        _ session: ACMESession,
        _ solvers: [any ACMEChallengeSolver],
        _ transport: any ACMETransport
    ) throws(ACMEProblem) -> Preflight {
        guard let lookup = transport as? any NameLookup else { return Preflight() }
        let methods = solvers.map(\.type)
        let identities = try session.directory().caaIdentities
        return Preflight(
            of: names(settings),
            identities.isEmpty ? nil : CAAPolicy(identities: identities, account: session.account, methods: methods),
            isReached: methods.contains { $0 != "dns-01" },
            own: ownAddresses,
            lookup
        )
    }

    /// Those of this machine, and of the site's gateways.
    private var ownAddresses: Set<IPAddress> {
        let here = InterfaceAddresses.all().map { address -> IPAddress in
            address.isIPv6
                ? .v6(UInt128(address.high) << 64 | UInt128(address.low)) : .v4(UInt32(truncatingIfNeeded: address.low))
        }
        return Set(here + site.gatewayHosts.flatMap(\.allAddresses).map(\.address))
    }

    /// What can be answered: all that the site file names, but for what no listener of the gateway could show. After
    /// each failure another one comes first.
    private func solvers(
        _ settings: CertificateSettings,
        _ acme: ACMESettings,
        _ outside: Outside,
        failures: Int
    ) -> [any ACMEChallengeSolver] {
        let wait = { [isAlone = site.gatewayHosts.count < 2] in
            if !isAlone { Self.pause(seconds: GatewayChallenge.timeOfOthers) }
        }
        let able = acme.challenges.compactMap { challenge -> (any ACMEChallengeSolver)? in
            switch challenge {
            case .http01:
                guard hasPlainListener else { return nil }
                return GatewayChallenge(.http, in: store, publish: outside.publish, wait: wait)
            case .tlsALPN01:
                guard hasSealedListener else { return nil }
                return GatewayChallenge(.handshake, in: store, publish: outside.publish, wait: wait)
            case .dns01:
                return acme.dns.map { DNSChallenge($0, for: settings.name, in: store, pause: Self.pause) }
            }
        }
        guard !able.isEmpty else { return [] }
        let first = failures % able.count
        return Array(able[first...] + able[..<first])
    }

    private static func pause(seconds: Int64) { Thread.pause(milliseconds: Int(seconds) * 1000) }
}
