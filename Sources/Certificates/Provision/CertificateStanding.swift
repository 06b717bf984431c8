package import OpenSSL
package import Site

/// How one certificate of the site stands on this machine.
package struct CertificateStanding: Sendable {
    package let name: String
    /// `internal`, `acme` or `files`; `none` where the site file does not name the certificate.
    package let issuer: String
    /// It is in the store, and the site file does not name it.
    package var isUnnamed: Bool { issuer == Self.nobody }
    private static let nobody = "none"
    /// The directory of the ACME server that issued it; nil when none did, or nobody knows which.
    package var directory: String? {
        guard let origin = plan.origin, origin.fingerprint == leaves.first?.fingerprint,
            origin.directory.hasPrefix("https://")
        else { return nil }
        return origin.directory
    }
    /// The generation in the store; nil for files, and when there is none.
    package var generation: Int?
    /// What would be served: one for each kind of key. Empty when there is none that can be read.
    package var leaves: [Certificate] = []
    /// When each of them, or the first of its issuers, ends: seconds since 1970.
    package var ends: [Int64] = []
    /// A standby has taken its place.
    package var isStandby = false
    /// Clients refused it lately in a trial, and it is of files: a gateway that had others serves those.
    package var isRefused = false
    internal var isMissing = false
    /// It cannot be read, or clients refuse it.
    internal var isUnfit = false
    /// What is wrong with it; empty when nothing is.
    package var faults: [String] = []
    /// What the site file asks for otherwise by now than it was made for. Those of one that an ACME server issues are among the
    /// faults.
    internal var changes: [String] = []
    /// What will be wrong with it, unless a person does something.
    package var warnings: [String] = []

    /// Who makes the next one just now.
    package var claim: CertificateClaim?

    /// It could not be looked at, for lack of rights.
    package var isDenied = false
    /// Why it needs another one, for the audit log; nil when nothing is wrong with it.
    package var cause: String?

    /// What became of the tries at the next one.
    package var plan = RenewalPlan()

    /// Tries in a row that failed; of what somebody else renews there is none.
    package var failures: Int { isRenewedHere ? plan.failures : 0 }

    /// When the next try at a new one is due: seconds since 1970, 0 for at once. nil when nobody here renews it.
    package var due: Int64? {
        guard isRenewedHere else { return nil }
        guard let leaf = leaves.first, let whole = schedule else { return plan.next }
        let isOfPlan = plan.origin?.fingerprint == leaf.fingerprint
        if cause != nil { return isOfPlan ? max(plan.next, plan.patience) : plan.next }
        guard isOfPlan else { return max(plan.next, whole.due) }
        let due = leaf.renewalSchedule.due(advised: plan.advice?.moment)
        guard whole.validity.upperBound < leaf.validity.upperBound else { return max(plan.next, plan.patience, due) }
        // A CA may give the same chain again: CAs give few certificates for the same names in a week.
        let pause = min(Self.pauseForChain, leaf.renewalSchedule.lifetime / 3)
        return max(plan.next, plan.patience, min(due, max(whole.due, plan.since + pause)))
    }

    /// Seconds from one that has come to the next that is ordered for its chain.
    private static let pauseForChain: Int64 = 86_400

    /// For as long as it and its chain are good.
    private var schedule: RenewalSchedule? {
        guard let leaf = leaves.first, let end = ends.first else { return nil }
        return leaf.renewalSchedule(until: end)
    }

    /// Until when no other is made though no try has failed, and why: an operator went back to it, or its CAs want to be left
    /// alone. nil where nothing waits.
    package func rest(at now: Int64) -> (end: Int64, why: String)? {
        guard isRenewedHere, failures == 0, plan.next > now, !plan.problem.isEmpty else { return nil }
        return (plan.next, plan.problem)
    }

    /// How many tries remain before it ends; nil when nobody here renews it.
    package func runway(at now: Int64) -> Int? {
        guard isRenewedHere else { return nil }
        return schedule?.runway(at: now, failures: failures, next: due) ?? 0
    }

    /// Whether it, or what is left of its time, wants a person.
    package func isWanting(at now: Int64) -> Bool {
        !faults.isEmpty || !warnings.isEmpty || isLate(at: now)
            || runway(at: now).map { $0 < RenewalSchedule.alarm } ?? false
    }

    /// Of a short life many tries remain until the last hours, since they come ever closer: it wants a person when they fail yet
    /// in the second half of the time for them.
    private func isLate(at now: Int64) -> Bool {
        guard failures > 0, let schedule = leaves.first?.renewalSchedule else { return false }
        return schedule.isShort && schedule.isOverdue(at: now)
    }

    /// Whether an operator went back to it, so that nothing is made in its place for what he knew.
    package func isAtRest(at now: Int64) -> Bool { faults.isEmpty && plan.isAtRest(until: now) }

    /// What is said while its age and its CA's advice are no reason for another, since it came soon after the one before, as that
    /// did: once, a CA that must revoke wants it so, or a file was lost.
    fileprivate func hurry(at now: Int64) -> String? {
        guard plan.hurries > 1, plan.patience > now, plan.origin?.fingerprint == leaves.first?.fingerprint else {
            return nil
        }
        return plan.wordsOfHurry
    }

    private var isRenewedHere: Bool { issuer != "files" && !isUnnamed }

    fileprivate init(name: String, issuer: String, plan: RenewalPlan) {
        self.name = name
        self.issuer = issuer
        self.plan = plan
    }

    /// One that the site file does not name.
    internal init(unnamed name: String) {
        self.name = name
        issuer = Self.nobody
    }
}

extension CertificateProvider {
    /// Looks at a certificate without changing anything: that key and chain fit, dates, names, owner and modes of the
    /// files, and, for one of the internal CA, that the CA of this store signed it.
    package func standing(_ settings: CertificateSettings) -> CertificateStanding {
        var standing = CertificateStanding(
            name: settings.name,
            issuer: settings.issuer.word,
            plan: plan(for: settings)
        )
        do throws(CertificateProblem) {
            var bundles: [CertificateBundle] = []
            switch settings.issuer {
            case .files(let pairs):
                for pair in pairs {
                    bundles.append(try CertificateSource.load(certificate: pair.certificate, key: pair.key))
                }
                if let refusal = refusal(of: bundles, settings) {
                    standing.isRefused = true
                    standing.warnings.append(refusal.words)
                }
            case .internal:
                standing.generation = try store.currentGeneration(of: settings.name)
                bundles = [try store.load(settings.name)]
            case .acme:
                standing.generation = try store.currentGeneration(of: settings.name)
                bundles = [try store.loadAsTold(settings.name)]
            }
            standing.leaves = bundles.map(\.leaf)
            standing.ends = bundles.map(\.end)
            standing.isStandby = bundles.contains { wasStandby($0.leaf, settings) }
            for bundle in bundles {
                if let unfitness = unfitness(of: bundle, settings) {
                    standing.faults.append(unfitness)
                    standing.isUnfit = true
                }
                standing.faults += try faults(of: bundle, settings)
                standing.warnings += foresight(of: bundle, settings)
                standing.changes += changes(of: bundle, settings)
            }
            if case .acme = settings.issuer {
                standing.faults += standing.changes
                if let hurry = standing.hurry(at: now) { standing.warnings.append(hurry) }
            }
            // Without what to do about it, which is done then.
            standing.cause = (standing.faults + standing.changes).first.map { String($0.prefix { $0 != ";" }) }
            if settings.issuer == .internal {
                let advice = "`gatehouse certs rotate \(settings.name)` makes one at once"
                standing.warnings += standing.changes.map { "\($0): \(advice)" } + authorityWarnings
            }
        } catch {
            let problem = storeProblem(error)
            standing.faults.append("\(problem)")
            standing.isDenied = problem.exitStatus == 3
            standing.isUnfit = true
            standing.cause = "\(problem)"
            if case .missing = error {
                standing.isMissing = true
                standing.cause = "there was none in the store"
            }
        }
        return standing
    }

    /// What the site file asks for otherwise by now than for what is there, which is good besides: another kind of key, another
    /// ACME server, another chain or profile. A standby, and what was imported for such a server, are what they are until they
    /// are due; and with `reuse-key` so is the key.
    internal func changes(of bundle: CertificateBundle, _ settings: CertificateSettings) -> [String] {
        guard !wasStandby(bundle.leaf, settings) else { return [] }
        let otherKey =
            settings.reusesKey || bundle.key.kind == settings.key.kind
            ? [] : ["it has another kind of key than \(settings.key.rawValue), as the site file has it"]
        switch settings.issuer {
        case .files: return []
        case .internal: return otherKey
        case .acme(let acme):
            guard let origin = plan(of: settings.name).origin, origin.fingerprint == bundle.leaf.fingerprint,
                origin.directory.hasPrefix("https://")
            else { return [] }
            guard let server = acme.candidates.first(where: { $0.directory == origin.directory }) else {
                return ["\(origin.directory) issued it, and the site file names \(acme.directory) by now"]
            }
            var changes = origin.account.isEmpty ? [] : otherKey
            let chain = server.chain ?? ""
            if let asked = origin.chain, asked != chain, chain.isEmpty || !bundle.isBelow(chain) {
                let wanted = chain.isEmpty ? "the choice of \(server.directory)" : "the one below \(chain)"
                changes.append("it has another chain than \(wanted), as the site file has it")
            }
            let profile = server.profile ?? ""
            if let asked = origin.profile, asked != profile {
                let wanted = profile.isEmpty ? "the usual one of \(server.directory)" : profile
                changes.append("it has another profile than \(wanted), as the site file has it")
            }
            return changes
        }
    }

    /// What of a certificate will be wrong unless a person does something: no try of ours mends it.
    internal func foresight(of bundle: CertificateBundle, _ settings: CertificateSettings) -> [String] {
        let end = bundle.end
        guard end > now else { return [] }
        var found: [String] = []
        let issuers = bundle.chain.withoutRoot.dropFirst()
        if let issuer = issuers.min(by: { $0.validity.upperBound < $1.validity.upperBound }),
            issuer.validity.upperBound < bundle.leaf.validity.upperBound,
            // What is renewed here is so before that.
            !settings.issuer.isStored || bundle.renewalSchedule.isOverdue(at: now)
        {
            found.append(
                "its chain ends at \(UTC.text(end)), before it does, with the certificate of \(issuer.subject): clients "
                    + "refuse it from then on; obtain the chain anew from its issuer"
            )
        }
        if case .files = settings.issuer, bundle.renewalSchedule.isOverdue(at: now) {
            found.append(
                "it ends at \(UTC.text(end)), and nobody has replaced its files, as would be usual by now: see to whoever "
                    + "writes them"
            )
        }
        return found
    }

    /// What is against a certificate's key where browsers are its clients; nil when nothing is.
    package func doubt(of bundle: CertificateBundle, _ settings: CertificateSettings) -> String? {
        let refusal: String
        switch (bundle.algorithm, bundle.key.kind) {
        case (.ed25519, _): refusal = "type ed25519: \(CertificateSettings.KeyType.refusalOfEd25519)"
        case (.ecdsa, nil):
            refusal = "type ecdsa-p521: no browser of Chromium's kind takes it, and of the public CAs nearly none"
        default: return nil
        }
        return "certificate \(settings.name): it has a key of \(refusal); for browsers have one issued for P-256"
    }

    /// What of the internal CA will be wrong, or is already, when the next certificate is due.
    private var authorityWarnings: [String] {
        do throws(CertificateProblem) {
            return [try memo.standing(in: store)?.warning(at: now)].compactMap(\.self)
        } catch {
            return ["no other can be made of it: \(storeProblem(error))"]
        }
    }

    /// Why clients refuse it, whoever was to issue it; nil when they do not.
    private func unfitness(of bundle: CertificateBundle, _ settings: CertificateSettings) -> String? {
        do throws(CertificateError) {
            try bundle.requireServable()
            try bundle.requireValid(at: now)
            try Transparency.require(of: bundle, at: now)
        } catch {
            return "\(error)"
        }
        guard case .acme(let acme) = settings.issuer else { return nil }
        return disavowal(of: bundle.chain, settings).map { "\($0); \(acme.directory) is asked for another" }
    }

    private func faults(
        of bundle: CertificateBundle,
        _ settings: CertificateSettings
    ) throws(CertificateProblem) -> [String] {
        var faults: [String] = []
        let missing = settings.names.filter { !bundle.covers($0) }.map { "\($0)" }
        if !missing.isEmpty { faults.append("\(CertificateProblem.lackingNames(name: settings.name, missing))") }
        if settings.issuer == .internal, let flaw = flaw(of: bundle, settings) {
            // One whose root is none of the store's signs nothing, as the store's warnings say with what helps.
            let maySign = (try? memo.standing(in: store))?.isKnown ?? true
            faults.append(flaw.rawValue + (maySign ? "; `gatehouse certs renew` replaces it" : ""))
        }
        if case .acme(let acme) = settings.issuer {
            if isSubstitute(bundle.leaf, settings) {
                let words = "it is its standby, of the internal CA, which browsers refuse"
                faults.append("\(words): \(acme.directory) is asked on")
            } else if isOfInternalCA(bundle, settings) {
                faults.append("the internal CA issued it, and the site file names \(acme.directory) by now")
            }
        }
        return faults
    }

    /// Whether a certificate that an ACME server is to issue is one of the internal CA, which issued it before, and not as a
    /// standby, unless that came in by itself.
    internal func isOfInternalCA(_ bundle: CertificateBundle, _ settings: CertificateSettings) -> Bool {
        guard case .acme = settings.issuer else { return false }
        return !isKnownOfServer(bundle.leaf, settings) && isSignedHere(bundle)
            && (!wasStandby(bundle.leaf, settings) || isSubstitute(bundle.leaf, settings))
    }

    /// Whether it is known to be an ACME server's: of such nobody needs to ask who signed it.
    internal func isKnownOfServer(_ leaf: Certificate, _ settings: CertificateSettings) -> Bool {
        guard let origin = plan(of: settings.name).origin else { return false }
        return origin.fingerprint == leaf.fingerprint && origin.directory.hasPrefix("https://")
    }

    /// Whether the internal CA signed a certificate: the one of now, or one that is gone from the store, as its history tells.
    internal func isSignedHere(_ bundle: CertificateBundle) -> Bool { isSignedHere(bundle.chain) }

    /// The same of a chain.
    internal func isSignedHere(_ chain: [Certificate]) -> Bool {
        if (try? memo.standing(in: store))?.isOfRoot(chain) == true { return true }
        let intermediates = memo.intermediates(toldBy: store.audit)
        return !intermediates.isEmpty && chain.dropFirst().contains { intermediates.contains($0.fingerprint) }
    }
}

extension CertificateBundle {
    /// Whether it is good for a name, or for every name that is meant.
    internal func covers(_ name: HostPattern) -> Bool {
        let covered = identifiers
        if covered.contains("\(name)") { return true }
        guard case .exact(let text) = name else { return false }
        return covered.contains { $0.hasPrefix("*.") && HostPattern.wildcard(String($0.dropFirst(2))).matches(text) }
    }

    /// When it, or the first of its issuers whose dates count, ends: seconds since 1970.
    package var end: Int64 { chain.end }

    /// For as long as the whole chain is good.
    internal var renewalSchedule: RenewalSchedule { leaf.renewalSchedule(until: end) }
}

extension [Certificate] {
    /// When the first of a chain ends whose dates count: seconds since 1970.
    internal var end: Int64 { withoutRoot.map(\.validity.upperBound).min() ?? 0 }
}

extension CertificateSettings.Issuer {
    /// Whether its certificates are generations of the store.
    package var isStored: Bool {
        switch self {
        case .internal, .acme: true
        case .files: false
        }
    }

    /// As a site file names it.
    package var word: String {
        switch self {
        case .internal: "internal"
        case .acme: "acme"
        case .files: "files"
        }
    }
}
