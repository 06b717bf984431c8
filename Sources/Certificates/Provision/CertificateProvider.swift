import Linux
package import OpenSSL
package import Site

/// Gives each certificate of a site from where the site file says that it comes, at one moment.
///
/// | issuer | what is served |
/// |---|---|
/// | `files` | the files, or an error; what else is good for names that they lack |
/// | `internal` | the store's; a new one of the internal CA where the store has none that will do |
/// | `acme` | the store's; as long as it has none what else is good for the names, or a stand-in of the internal CA |
package struct CertificateProvider: Sendable {
    /// A certificate that can be served.
    package struct Provided: Sendable {
        /// One for each kind of key; empty alone for one that no listener shows.
        package var bundles: [CertificateBundle]
        /// What was done, for the log.
        package var notes: [String] = []
        /// What an operator should look at.
        package var warnings: [String] = []
        /// When to look again though no file has changed: seconds since 1970. For those of the internal CA when the next
        /// one should be issued, for those of files when they should have been replaced, for those of ACME servers when they have
        /// ended; nil for never.
        package var renewal: Int64?
        /// It is shown only until there is one of its issuer.
        package var isStandIn = false
        /// It is a standby, or one that an operator went back to: clients have no time to be asked, or were.
        package var isEmergency = false
        /// It is shown in place of one that cannot be used, which is looked at again at each occasion.
        package var isMakeshift = false
        /// Another one could not be made, which is tried again at `renewal`, and by whoever has all looked at.
        package var isOwed = false
        /// Those of `bundles` that are other certificates', for names that this one lacks; looked at again at each occasion.
        package var borrowed: [CertificateBundle] = []
        /// Those of them that came from files that the site file names no more.
        package var remnants: [CertificateBundle] = []
    }

    internal let store: CertificateStore
    internal let site: SiteModel
    internal private(set) var now: Int64
    internal let isStart: Bool
    /// What the gateway that looks has had before; nil for a command, which does what it is told.
    internal let wishes: SiteWishes?
    /// When `now` began, by the clock that nobody sets: nanoseconds.
    private var beginning: UInt64
    /// Whether the gateway has listeners without TLS, and with it.
    internal let hasPlainListener: Bool
    internal let hasSealedListener: Bool
    private let issuers = IssuerPool()
    internal let memo = AuthorityMemo()

    /// - Parameters:
    ///   - now: seconds since 1970.
    ///   - isStart: nobody has seen yet how the clock goes on.
    ///   - wishes: what the gateway that looks has had before; nil for a command.
    package init(for site: SiteModel, now: Int64, isStart: Bool = false, after wishes: SiteWishes? = nil) {
        store = CertificateStore(folder: site.certificateStore, roots: wishes?.roots ?? KnownRoots())
        self.site = site
        self.now = now
        self.isStart = isStart
        self.wishes = wishes
        let (uptime, time) = (Clock.monotonicNanoseconds, Clock.realtimeMicroseconds)
        // What is told by this clock and what is told by the machine's must be in order.
        let passed = Int64(time / 1_000_000) == now ? time % 1_000_000 * 1000 : 0
        beginning = uptime - min(uptime, passed)
        hasPlainListener = site.gateway?.listeners.contains { $0.tls == nil } ?? false
        hasSealedListener = site.gateway?.listeners.contains { $0.tls != nil } ?? false
    }

    /// Now, as history tells it: who waited for others is later than `now`. Seconds since 1970.
    internal var moment: Int64 { now + Int64((Clock.monotonicNanoseconds - beginning) / 1_000_000_000) }

    /// The same now, for who has waited for others: to it, what they made meanwhile has begun.
    package var afterWaiting: CertificateProvider {
        var later = self
        let passed = moment - now
        later.now += passed
        later.beginning += UInt64(passed) * 1_000_000_000
        return later
    }

    /// The files that decide what `provide` gives: as long as none of them changes, nor of `authoritySources` where it may be
    /// of the internal CA, and no moment comes for which it plans, it gives the same.
    package func sources(of settings: CertificateSettings) -> [String] {
        switch settings.issuer {
        case .files(let pairs): pairs.flatMap { [$0.certificate, $0.key] }
        case .internal, .acme: [store.pointer(of: settings.name)] + store.filesInUse(of: settings.name)
        }
    }

    /// The files that change with the certificate by which the internal CA signs, and with what it has taken back.
    package var authoritySources: [String] { InternalCA.sources(in: store) }

    /// The certificate where nothing has to be made for it; nil where something has. Changes nothing: any number of
    /// threads may look at a time.
    package func find(_ settings: CertificateSettings) throws(CertificateProblem) -> Provided? {
        var found: Provided
        if settings.issuer.isStored { try requireNewest() }
        switch settings.issuer {
        case .files(let pairs): found = try files(pairs, settings)
        case .internal:
            guard case .good(let bundle) = try standing(of: settings) else { return nil }
            meet(settings, with: bundle.leaf)
            found = provided(bundle)
        case .acme:
            guard let bundle = try stored(settings) else { return nil }
            found = Provided(bundles: [bundle], warnings: warnings(of: bundle, settings))
            if bundle.end >= now { found.renewal = bundle.end + 1 }
        }
        if settings.canary != nil, settings.issuer.isStored {
            found.isEmergency = try store.isRolledBack(settings.name)
        }
        return found
    }

    /// The certificate, issued and stored first where that is needed.
    package func provide(_ settings: CertificateSettings) throws(CertificateProblem) -> Provided {
        if let found = try find(settings) { return found }
        if settings.issuer == .internal { return try own(settings) }
        if takenBack(settings) == nil, let stray = stray(settings) { return stray }
        return try standIn(settings)
    }

    /// What `provide` would warn of, found without writing anything.
    ///
    /// - Parameters:
    ///   - isShown: by a listener.
    ///   - lenders: what a start could show for names that an ACME server has not certified yet, or that files lack.
    package func inspect(
        _ settings: CertificateSettings,
        isShown: Bool = true,
        beside lenders: () -> Lenders = { .none }
    ) throws(CertificateProblem) -> [String] {
        switch settings.issuer {
        case .files(let pairs):
            let provided = try files(pairs, settings)
            guard isShown, lacksNames(settings, provided) else { return provided.warnings }
            return warnings(of: settings, provided, borrowingFrom: lenders()) ?? provided.warnings
        case .internal:
            guard case .wanting(_, let usable) = try standing(of: settings) else { return [] }
            do throws(CertificateProblem) {
                let names = names(settings)
                try InternalCA.requireRight(toCertify: names, in: store, memo.policy(of: site, for: names))
                if usable == nil { try requireWritableStore() }
                return []
            } catch {
                // What is stored is served for a while.
                guard usable != nil else { throw error }
                return [error.text(of: settings.name)]
            }
        case .acme:
            var provided = Provided(bundles: [], isStandIn: true)
            if let bundle = try stored(settings) {
                provided = Provided(bundles: [bundle], warnings: warnings(of: bundle, settings))
            } else {
                try requireWritableStore()
                provided.warnings = [isShown ? standInWarning(settings) : absenceWarning(settings)]
            }
            guard isShown, lacksNames(settings, provided) else { return provided.warnings }
            return warnings(of: settings, provided, borrowingFrom: lenders()) ?? provided.warnings
        }
    }

    private func requireWritableStore() throws(CertificateProblem) {
        do throws(CertificateProblem) {
            try store.requireWritable()
        } catch {
            throw storeProblem(error)
        }
    }

    // MARK: Files

    private func files(
        _ pairs: [CertificateFiles],
        _ settings: CertificateSettings
    ) throws(CertificateProblem) -> Provided {
        var provided = Provided(bundles: [])
        for pair in pairs {
            let bundle = try load(pair, settings)
            provided.warnings += warnings(of: bundle, settings)
            provided.bundles.append(bundle)
            let overdue = bundle.renewalSchedule.overdue
            if overdue > now { provided.renewal = min(provided.renewal ?? .max, overdue) }
        }
        if let refusal = refusal(of: provided.bundles, settings) {
            provided.warnings.append("certificate \(settings.name): \(refusal.words)")
            provided.renewal = min(provided.renewal ?? .max, refusal.end)
        }
        return provided
    }

    /// One pair of files, where it is good now.
    internal func load(
        _ pair: CertificateFiles,
        _ settings: CertificateSettings
    ) throws(CertificateProblem) -> CertificateBundle {
        let bundle = try CertificateSource.load(
            certificate: pair.certificate,
            key: pair.key,
            now: now,
            sharing: issuers
        )
        // A file of another site, most likely: nobody who asks for a name of this one could use it.
        guard settings.names.contains(where: bundle.covers) else {
            throw .lackingNames(name: settings.name, names(settings))
        }
        return bundle
    }

    /// Names that it lacks, and an end that has come, or comes with nobody seeing to it.
    private func warnings(of bundle: CertificateBundle, _ settings: CertificateSettings) -> [String] {
        var warnings = settings.names.filter { !bundle.covers($0) }.map {
            "certificate \(settings.name): it does not cover \($0), which the site file names"
        }
        warnings += foresight(of: bundle, settings).map { "certificate \(settings.name): \($0)" }
        // Files are for whichever clients their owner has.
        if case .acme = settings.issuer, let doubt = doubt(of: bundle, settings) { warnings.append(doubt) }
        if case .acme(let acme) = settings.issuer {
            warnings += changes(of: bundle, settings).map {
                "certificate \(settings.name): \($0); it is shown until \(acme.directory) has given another"
            }
        }
        if isOfInternalCA(bundle, settings) {
            warnings.append(
                "certificate \(settings.name): the one in the store is of the internal CA, which browsers refuse; it is shown "
                    + "until the ACME server has given another"
            )
        }
        do throws(CertificateError) {
            try bundle.requireValid(at: now)
        } catch {
            warnings.append("certificate \(settings.name): \(error)")
        }
        return warnings
    }

    // MARK: ACME

    /// - Returns: nil also for one of the internal CA that is good for nothing any more.
    private func stored(_ settings: CertificateSettings) throws(CertificateProblem) -> CertificateBundle? {
        do throws(CertificateProblem) {
            guard let bundle = try store.loadAsToldIfPresent(settings.name) else { return nil }
            return disavowal(of: bundle.chain, settings) == nil ? bundle : nil
        } catch {
            throw storeProblem(error)
        }
    }

    /// What is served until its CA has given the first one.
    internal func standIn(_ settings: CertificateSettings) throws(CertificateProblem) -> Provided {
        do throws(CertificateProblem) {
            let ca = try store.locked(isOneOfMany: true) { () throws(CertificateProblem) in
                try standInAuthority(for: settings)
            }
            // Not to be taken for the real one later, it is kept nowhere; P-256, since it is made at each start.
            let bundle = try ca.issue(names: names(settings), now: now)
            return Provided(
                bundles: [bundle],
                warnings: [standInWarning(settings)],
                isStandIn: true,
                isEmergency: takenBack(settings) != nil
            )
        } catch {
            throw storeProblem(error)
        }
    }

    /// The internal CA, or, where that may not certify these names, one that nobody trusts and that is kept nowhere:
    /// what only stands in needs no right to these names, and must not keep the gateway from starting.
    private func standInAuthority(for settings: CertificateSettings) throws(CertificateProblem) -> InternalCA {
        do throws(CertificateProblem) {
            return try authority(for: [settings])
        } catch .excludedNames, .constrainedNames, .rootKeyAway, .lostAuthority, .foreignRoot {
            return try InternalCA(named: site.name, now: now)
        }
    }

    private func standInWarning(_ settings: CertificateSettings) -> String {
        "certificate \(settings.name): \(absence(of: settings)), so a certificate of the internal CA "
            + "stands in, which browsers refuse; `gatehouse certs issue \(settings.name)` asks its ACME server"
    }

    /// Why the store has none that can be shown.
    internal func absence(of settings: CertificateSettings) -> String {
        (try? store.loadChain(settings.name)).flatMap { disavowal(of: $0, settings) }
            ?? "none in the store \(store.folder) yet"
    }

    /// Fails where the gateway that looks knows a newer store than the one that is there.
    internal func requireNewest() throws(CertificateProblem) { try wishes?.requireNewest(store) }

    internal func names(_ settings: CertificateSettings) -> [String] { settings.names.map { "\($0)" } }

    /// A store that this user may not use is said to be one, with the two ways out.
    internal func storeProblem(_ problem: CertificateProblem) -> CertificateProblem {
        guard case .file(let error) = problem, error.isDenied else { return problem }
        return .deniedStore(folder: store.folder, error)
    }
}
