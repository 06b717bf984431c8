import Certificates
import Gateway
package import Linux
import OpenSSL
package import Site

/// Where a configuration's certificates come from: what was loaded before is not loaded again as long as its files are
/// the same, so that a change of one among thousands costs that one and a look at the times of the others' files.
extension SiteConfiguration {
    /// A file at one moment; nil when it was not there.
    internal struct Source: Equatable, Sendable {
        let path: String
        let stamp: FileStamp?

        init(_ path: String) {
            self.path = path
            stamp = FileStamp(path)
        }
    }

    /// A certificate as it was provided, and by what one knows that it is still the one.
    internal struct Held: Sendable {
        let settings: CertificateSettings
        /// The files that decide what it is, as they were before it was read: whose change means another one.
        var sources: [Source]
        /// The same of those that say by which certificate the internal CA signed then, and which it had taken back.
        let authority: [Source]
        /// By a listener; else it is kept fresh for other programs alone, and may have no bundle yet.
        let isShown: Bool
        /// Its issuer is yet to give it, for names that others may have: found once, and not at each look at thousands.
        let lacksNames: Bool
        var provided: CertificateProvider.Provided

        /// Whether loading it again would bring the same.
        func stands(
            for settings: CertificateSettings,
            _ sources: [Source],
            _ authority: [Source],
            isShown: Bool,
            at now: Int64
        ) -> Bool {
            guard self.settings == settings, self.sources == sources, self.isShown == isShown,
                mayBePassedOver(authority), !provided.isOwed, now < provided.renewal ?? .max
            else { return false }
            return provided.bundles.allSatisfy { $0.leaf.validity.contains(now) }
        }

        /// Whether it need not be looked at where it is not said to have changed: it does for good, and nothing has happened to
        /// the internal CA, of which it may be whoever is to issue it: that did before, or it stands in, or is a standby.
        func mayBePassedOver(_ authority: [Source]) -> Bool {
            let mayBeOfCA = settings.issuer.isStored || settings.standby == .internal
            return !provided.isMakeshift && provided.borrowed.isEmpty && (!mayBeOfCA || self.authority == authority)
        }

        /// What clients may not lose by what comes as `settings` have it: nothing that stood in. Of others' certificates, and of
        /// files that the store's follow, those for names that are lacking go on to be shown.
        func served(before settings: CertificateSettings) -> [CertificateBundle] {
            let isShownOn = settings.issuer.isStored && !self.settings.issuer.isStored
            return provided.isStandIn || isShownOn ? [] : provided.own
        }

        /// It goes on as it is, and nothing happened to it.
        var silent: Held {
            var held = self
            held.provided.notes = []
            return held
        }

        /// It goes on in place of one that cannot be used.
        ///
        /// - Parameter sources: of that one; nil for its own.
        func kept(because problem: CertificateProblem, _ sources: [Source]? = nil, at now: Int64) -> Held {
            var kept = self
            if let sources { kept.sources = sources }
            kept.provided.notes = []
            kept.provided.warnings = [
                "certificate \(settings.name): \(problem); WHAT WAS SERVED BEFORE IS SERVED ON"
            ]
            kept.provided.isMakeshift = true
            kept.provided.isOwed = if case .busyStore = problem { true } else { false }
            kept.provided.renewal = now + InternalCA.retryTime
            return kept
        }

        /// The bundles as the objects that they are in `earlier`, where they are the same certificates: by that it is
        /// known later what is new.
        mutating func keep(_ earlier: Held?) {
            guard let earlier else { return }
            provided.bundles = provided.bundles.map { bundle in
                earlier.provided.bundles.first { $0.hasCertificates(of: bundle) } ?? bundle
            }
        }
    }

    /// What a look at a certificate's files came to.
    private struct Look: Sendable {
        let settings: CertificateSettings
        /// Before they were read.
        let sources: [Source]
        /// What is there, as `find` gives it; nil where what was known of it before stands.
        let found: Result<CertificateProvider.Provided?, CertificateProblem>?
    }

    /// What is known before a configuration is made.
    internal struct Earlier: Sendable {
        /// What is served now, by name.
        var certificates: [String: Held] = [:]
        /// The internal CA's lists of what it has revoked, by their paths.
        var lists: [String: [UInt8]] = [:]
        var store = CertificateProvider.StoreFindings()
        /// Of the store's certificates that no listener shows.
        var unnamed = CertificateProvider.UnnamedNames()
        /// The certificates that may be others now; nil for all.
        var changed: Set<String>?
    }

    /// The files whose change means other certificates, as they were before they were read. Those of certificates that cannot be
    /// used are looked at on each occasion, and count as they are at this moment.
    package var watchedFiles: [String: FileStamp?] {
        var found: [String: FileStamp?] = [:]
        found.reserveCapacity(3 * certificates.count + otherFiles.count)
        var present = otherFiles
        for held in certificates.values {
            for source in held.sources {
                if held.provided.isMakeshift {
                    present.append(source.path)
                } else {
                    found.updateValue(source.stamp, forKey: source.path)
                }
            }
        }
        for path in present where found.index(forKey: path) == nil {
            found.updateValue(FileStamp(path), forKey: path)
        }
        return found
    }

    /// How far the making of many certificates is: how many are there, of how many.
    package typealias Progress = @Sendable (_ done: Int, _ all: Int) -> Void

    /// - Parameters:
    ///   - unnamed: as `before` has it; what is known afterwards.
    ///   - isStart: there was no configuration before, which is not said by there having been no certificates.
    ///   - isWhole: one that cannot be used is an error, but for damage of the store. Else it alone is missed: what was
    ///     served before is served on, and the others come into force.
    internal static func certificates(
        by provider: CertificateProvider,
        of site: SiteModel,
        for plan: Plan,
        now: Int64,
        after before: Earlier,
        knowing unnamed: inout CertificateProvider.UnnamedNames,
        isStart: Bool,
        isWhole: Bool,
        progress: Progress
    ) throws(ConfigurationError) -> [String: Held] {
        let earlier = before.certificates
        let shown = Set(plan.listeners.flatMap { $0.tls?.certificates ?? [] })
        let authority = provider.authoritySources.map(Source.init)
        let parted = parted(site.certificates, authority, after: before)
        var certificates = parted.known
        // What is there is read and checked on all cores; what is not is made after it, together as far as that goes.
        let looks = Parallel.map(parted.asked) { (settings) -> Look in
            let name = settings.name
            return look(
                at: settings,
                by: provider,
                isShown: shown.contains(name),
                authority,
                now: now,
                earlier: earlier[name]
            )
        }
        let lacking = looks.compactMap { look in
            if case .success(nil)? = look.found { look.settings } else { nil }
        }
        let made = provider.provideTogether(lacking, tell: progress)
        var signer = authority
        for entry in looks {
            let name = entry.settings.name
            guard let first = entry.found else {
                certificates[name] = earlier[name]?.silent
                continue
            }
            let found = made[name].map { .success($0) } ?? first
            var sources = entry.sources
            // What was made here is known.
            if case .success(nil) = first {
                sources = provider.sources(of: entry.settings).map(Source.init)
            }
            func hold(_ provided: CertificateProvider.Provided, isShown: Bool) {
                // One that was there may have been followed by another since; one that is new signed what was made here.
                if !signer.contains(where: { $0.stamp != nil }) { signer = provider.authoritySources.map(Source.init) }
                var held = Held(
                    settings: entry.settings,
                    sources: sources,
                    authority: signer,
                    isShown: isShown,
                    lacksNames: provider.lacksNames(entry.settings, provided),
                    provided: provided
                )
                held.keep(earlier[name])
                certificates[name] = held
            }
            guard shown.contains(name) else {
                hold(provider.provideUnshown(entry.settings, found: found), isShown: false)
                continue
            }
            do throws(CertificateProblem) {
                let provided = try provideShown(
                    entry.settings,
                    found: found,
                    by: provider,
                    after: earlier[name],
                    isStart: isStart
                )
                hold(provided, isShown: true)
            } catch {
                let isOptional = !isWhole || entry.settings.issuer.isStored && error.isDamage
                guard let held = earlier[name], isOptional else { throw .certificate(name, error) }
                var kept = held.kept(because: error, sources, at: now)
                if let renewed = provider.renewing(held.provided.bundles, entry.settings) {
                    kept.provided.bundles = renewed
                    kept.provided.warnings = kept.provided.warnings.map { "\($0), AND WHAT IS GOOD OF ITS OTHER FILES" }
                    kept.keep(held)
                }
                certificates[name] = kept
            }
        }
        fill(&certificates, by: provider, after: earlier, knowing: &unnamed)
        return certificates
    }

    /// What is known to be as it was, and what is to be looked at.
    private static func parted(
        _ certificates: [String: CertificateSettings],
        _ authority: [Source],
        after before: Earlier
    ) -> (known: [String: Held], asked: [CertificateSettings]) {
        var known = before.changed == nil ? [:] : before.certificates
        var asked: [CertificateSettings] = []
        for (name, settings) in certificates {
            if let changed = before.changed, !changed.contains(name), let held = known[name],
                held.mayBePassedOver(authority)
            {
                if !held.provided.notes.isEmpty { known[name] = held.silent }
            } else {
                asked.append(settings)
            }
        }
        return (known, asked)
    }

    /// Reads a certificate's files, where they are not those of before.
    private static func look(
        at settings: CertificateSettings,
        by provider: CertificateProvider,
        isShown: Bool,
        _ authority: [Source],
        now: Int64,
        earlier: Held?
    ) -> Look {
        // Before the files are read: what changes while they are is seen the next time.
        let sources = provider.sources(of: settings).map(Source.init)
        if let earlier, earlier.stands(for: settings, sources, authority, isShown: isShown, at: now) {
            return Look(settings: settings, sources: sources, found: nil)
        }
        let found = Result { () throws(CertificateProblem) in try provider.find(settings) }
        return Look(settings: settings, sources: sources, found: found)
    }

    /// What a listener is to show, where clients lose nothing by it that they got before.
    private static func provideShown(
        _ settings: CertificateSettings,
        found: Result<CertificateProvider.Provided?, CertificateProblem>,
        by provider: CertificateProvider,
        after earlier: Held?,
        isStart: Bool
    ) throws(CertificateProblem) -> CertificateProvider.Provided {
        if let earlier, case .acme = earlier.settings.issuer {
            try provider.requireNoLoss(settings, found: found, served: earlier.provided)
        }
        let provided = try provider.provide(
            settings,
            found: found,
            served: earlier?.provided.bundles ?? [],
            isStart: isStart
        )
        try provider.requireNoLess(
            provided.bundles,
            than: earlier?.served(before: settings) ?? [],
            settings,
            wasOfFiles: earlier?.settings.issuer.isStored == false
        )
        return provided
    }

    /// What of the certificates that no listener shows is there now, and was not in `earlier`: other programs are to be told.
    package func unshownNews(since earlier: SiteConfiguration) -> [CertificateSettings] {
        certificates.values.filter { held in
            guard !held.isShown, let leaf = held.provided.bundles.first?.leaf else { return false }
            return earlier.certificates[held.settings.name]?.provided.bundles.first?.leaf.der != leaf.der
        }.map(\.settings)
    }

    /// The same with what `earlier` serves in place of certificates that clients do not get. They keep no others from coming
    /// into force.
    ///
    /// - Parameter refused: why they do not, by the certificates' names.
    package func keeping(
        _ refused: [String: String],
        of earlier: SiteConfiguration,
        at now: Int64
    ) -> SiteConfiguration {
        var copy = self
        for (name, why) in refused.sorted(by: { $0.key < $1.key }) {
            copy.keyring.certificates[name] = earlier.keyring.certificates[name]
            copy.keyring.trials[name] = earlier.keyring.trials[name]
            copy.borrowed[name] = earlier.borrowed[name]
            guard let held = earlier.certificates[name] else { continue }
            let kept = held.kept(because: .refused(why), at: now)
            copy.certificates[name] = kept
            copy.warnings += kept.provided.warnings
        }
        return copy
    }

    /// Whether it differs from `other` in nothing but its certificates and its number. Addresses of names count as those
    /// of `other`.
    package func differsInCertificatesAlone(from other: SiteConfiguration) -> Bool {
        var plan = with(addressesOf: other).plan
        plan.generation = other.plan.generation
        return plan == other.plan && gateway == other.gateway
            && Set(keyring.certificates.keys) == Set(other.keyring.certificates.keys)
    }

    /// The same with the addresses of names that `other` has.
    package func with(addressesOf other: SiteConfiguration) -> SiteConfiguration {
        var copy = self
        copy.plan.setAddresses(other.plan.addressesOfNames)
        return copy
    }
}
