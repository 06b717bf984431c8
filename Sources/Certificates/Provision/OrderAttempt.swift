import OpenSSL
import Site

/// One try at a certificate that ACME servers issue: what is asked, of whom, and what they said. From its beginning on it counts
/// as one that failed, until it has ended well or badly.
internal struct OrderAttempt {
    private let provider: CertificateProvider
    private let settings: CertificateSettings
    private let acme: ACMESettings
    /// An operator wants it now: nobody begins anew what was broken off.
    private let isAsked: Bool
    /// The same, or the store has something else than the site file asks for, which is an operator's wish, too.
    private let isMeant: Bool
    /// What there is until it succeeds, if anything.
    private let replaced: RenewalSchedule?
    /// SHA-256 of that; nil where there is none, or none that can be read.
    private let former: String?
    /// As it was before, with what CAs have asked for since.
    private(set) var plan: RenewalPlan
    /// Those that do not want to be left alone, in the order in which they are asked.
    private(set) var askable: [ACMESettings] = []
    /// Why none came, by the CAs' directories.
    private var problems: [String: ACMEProblem] = [:]
    /// The plan that is kept counts it as one that failed.
    private var hasBegun = false

    init(_ provider: CertificateProvider, _ settings: CertificateSettings, _ acme: ACMESettings, isAsked: Bool) {
        self.provider = provider
        self.settings = settings
        self.acme = acme
        self.isAsked = isAsked
        plan = provider.plan(of: settings, acme)
        former = (try? provider.store.loadChain(settings.name))?.first?.fingerprint
        let current = try? provider.store.load(settings.name)
        isMeant = isAsked || current.map { !Self.isOfSite($0, settings, provider) } ?? false
        replaced = current?.renewalSchedule
        for candidate in acme.candidates {
            let wait = provider.held(candidate, plan) - Self.clock
            if wait > 0 {
                plan.hold(candidate.directory, until: Self.clock + wait)
                problems[candidate.directory] = .rateLimited(detail: "as it said before", seconds: wait)
            } else {
                askable.append(candidate)
            }
        }
    }

    private static var clock: Int64 { CertificateProvider.clock }

    /// Whether what the store has is what the site file asks for.
    private static func isOfSite(
        _ bundle: CertificateBundle,
        _ settings: CertificateSettings,
        _ provider: CertificateProvider
    ) -> Bool {
        settings.names.allSatisfy(bundle.covers) && !provider.isOfInternalCA(bundle, settings)
            && provider.changes(of: bundle, settings).isEmpty
    }

    /// It begins, where anybody may be asked.
    ///
    /// - Throws: `overtaken`.
    mutating func begin(on footing: CertificateProvider.Footing?) throws(CertificateProblem) {
        if askable.isEmpty { return }
        let isOvertaken = provider.changePlan(for: settings) { (known: inout RenewalPlan) -> Bool in
            if provider.isOvertaken(footing, of: settings, known) { return true }
            known.consider(servers: acme.candidates.map(\.directory))
            if isAsked {
                known.endRest(besides: "")
            } else {
                known.begin(wishing: settings.wish, replacing: replaced, at: Self.clock)
            }
            return false
        }
        if isOvertaken { throw .overtaken(name: settings.name) }
        hasBegun = !isAsked
    }

    /// A CA gives none. One that wants to be left alone is so for as long as that is bearable.
    mutating func note(_ problem: ACMEProblem, of candidate: ACMESettings) {
        problems[candidate.directory] = problem
        guard case .rateLimited(let detail, let seconds, let isForAll) = problem else { return }
        let pause = min(seconds, patience(isForAll: isForAll))
        plan.hold(candidate.directory, until: Self.clock + pause)
        if isForAll {
            ACMEAccountStore(provider.store, directory: candidate.directory).hold(until: Self.clock + pause)
        }
        problems[candidate.directory] = .rateLimited(detail: detail, seconds: pause, isForAll: isForAll)
    }

    /// Seconds for which a CA is left alone at most, whatever it says: a day, and where it limits names, a quarter of what is
    /// left of the certificate, if that is more. A page for a maintenance that says a month would else outlast them all.
    private func patience(isForAll: Bool) -> Int64 {
        let day: Int64 = 86_400
        guard !isForAll, let leaf = try? provider.store.loadChain(settings.name).first else { return day }
        return max(day, (leaf.validity.upperBound - Self.clock) / 4)
    }

    // MARK: Its end

    /// What a CA gave comes into the store. Where an operator went back to another one meanwhile, or put one there, or clients
    /// refused one, that stays; so does what there is where the gateway has read another site file meanwhile, which asks for
    /// something else.
    func succeed(
        with made: CertificateProvider.Made,
        reason: String,
        _ outside: CertificateProvider.Outside
    ) throws(CertificateProblem) -> CertificateBundle {
        let server = acme.candidates.first { $0.directory == made.directory }
        let origin = RenewalPlan.Origin(
            fingerprint: made.bundle.leaf.fingerprint,
            directory: made.directory,
            account: made.account,
            chain: server?.chain ?? "",
            profile: server?.profile ?? ""
        )
        let store = provider.store
        if let wish = outside.wish(settings), wish != settings.wish {
            throw .otherWish(name: settings.name, ordered: settings.wish, wanted: wish)
        }
        let ended = try provider.ordered { () throws(CertificateProblem) -> RenewalPlan in
            // This try ended any rest of before: this one came while the CA was asked. The order stays to be gone on with.
            let known = provider.plan(of: settings.name)
            guard !known.isHeldBack(at: Self.clock) else {
                throw .goneBack(name: settings.name, until: known.next)
            }
            if provider.isPutThere(settings, after: former) { throw .putThere(name: settings.name) }
            // What is replaced before its chain ends had no longer life.
            let replaced = (try? store.load(settings.name))?.renewalSchedule.lifetime ?? .max
            let life = min(made.bundle.leaf.renewalSchedule.lifetime, replaced)
            try store.save(made.bundle, as: settings.name, reason: reason, now: Self.clock)
            return provider.changePlan(of: settings.name) { (plan: inout RenewalPlan) -> RenewalPlan in
                plan.consider(settings.wish)
                if hasBegun { plan.endTry() }
                if let lack = made.lack {
                    plan.succeed(
                        origin,
                        life: life,
                        isAsked: isMeant,
                        but: lack,
                        wishing: settings.wish,
                        replacing: made.bundle.renewalSchedule,
                        at: Self.clock
                    )
                } else {
                    plan.succeed(origin, life: life, isAsked: isMeant, at: Self.clock)
                }
                return plan
            }
        }
        ACMEAccountStore.endPendingOrders(for: settings.name, in: store)
        provider.meet(settings, with: made.bundle.leaf)
        for candidate in acme.candidates.prefix(while: { $0.directory != made.directory }) {
            if let problem = problems[candidate.directory] {
                outside.tell("\(candidate.directory) gave none: \(problem)")
            }
        }
        if ended.hurries > 0 {
            outside.tell(ended.wordsOfHurry)
        }
        return made.bundle
    }

    /// It is this machine's fault, and a try all the same.
    func fail(for problem: CertificateProblem) {
        end { $0.fail("\(problem)", wishing: settings.wish, replacing: replaced, at: Self.clock) }
    }

    /// No CA gave one; why not.
    func giveUp() -> CertificateProblem {
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
        return problem
    }

    /// Where an operator, or clients, have had what is there stay meanwhile, that counts, and not what became of this.
    private func end(_ change: (inout RenewalPlan) -> Void) {
        provider.changePlan(of: settings.name) { (known: inout RenewalPlan) in
            known.consider(settings.wish)
            if hasBegun { known.endTry() }
            known.takeHolds(of: plan)
            if !known.isHeldBack(at: Self.clock), !provider.isPutThere(settings, after: former) { change(&known) }
        }
    }
}
