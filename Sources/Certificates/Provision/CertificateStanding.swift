package import OpenSSL
package import Site

/// How one certificate of the site stands on this machine.
package struct CertificateStanding: Sendable {
    package let name: String
    /// `internal`, `acme` or `files`.
    package let issuer: String
    /// The generation in the store; nil for files, and when there is none.
    package var generation: Int?
    /// What would be served: one for each kind of key. Empty when there is none that can be read.
    package var leaves: [Certificate] = []
    /// What is wrong with it; empty when nothing is.
    package var faults: [String] = []
    /// What will be wrong with it, unless a person does something.
    package var warnings: [String] = []

    /// What became of the tries at the next one.
    package var plan = RenewalPlan()

    /// Tries in a row that failed.
    package var failures: Int { plan.failures }

    /// When the next try at a new one is due: seconds since 1970. nil when nobody here renews it.
    package var due: Int64? {
        guard issuer != "files", let leaf = leaves.first else { return nil }
        guard plan.origin?.fingerprint == leaf.fingerprint else { return max(plan.next, leaf.renewalSchedule.due) }
        return max(plan.next, plan.patience, leaf.renewalSchedule.due(advised: plan.advice?.moment))
    }

    /// How many tries remain before it ends; nil when nobody here renews it.
    package func runway(at now: Int64) -> Int? {
        guard issuer != "files" else { return nil }
        return leaves.first?.renewalSchedule.runway(at: now, failures: failures, next: due) ?? 0
    }

    /// Whether it, or what is left of its time, wants a person.
    package func isWanting(at now: Int64) -> Bool {
        !faults.isEmpty || !warnings.isEmpty || runway(at: now).map { $0 < RenewalSchedule.alarm } ?? false
    }

    fileprivate init(name: String, issuer: String, plan: RenewalPlan) {
        self.name = name
        self.issuer = issuer
        self.plan = plan
    }
}

extension CertificateProvider {
    /// Looks at a certificate without changing anything: that key and chain fit, dates, names, owner and modes of the
    /// files, and, for one of the internal CA, that the CA of this store signed it.
    package func standing(_ settings: CertificateSettings) -> CertificateStanding {
        var standing = CertificateStanding(
            name: settings.name,
            issuer: settings.issuer.word,
            plan: store.plan(of: settings.name)
        )
        do throws(CertificateProblem) {
            var bundles: [CertificateBundle] = []
            switch settings.issuer {
            case .files(let pairs):
                for pair in pairs {
                    bundles.append(try CertificateSource.load(certificate: pair.certificate, key: pair.key))
                }
            case .internal, .acme:
                standing.generation = try store.currentGeneration(of: settings.name)
                bundles = [try store.load(settings.name)]
            }
            standing.leaves = bundles.map(\.leaf)
            for bundle in bundles { standing.faults += try faults(of: bundle, settings) }
            if settings.issuer == .internal, let warning = try memo.standing(in: store)?.warning(at: now) {
                standing.warnings.append(warning)
            }
        } catch {
            standing.faults.append("\(storeProblem(error))")
        }
        return standing
    }

    private func faults(
        of bundle: CertificateBundle,
        _ settings: CertificateSettings
    ) throws(CertificateProblem) -> [String] {
        var faults: [String] = []
        do throws(CertificateError) {
            try bundle.requireServable()
            try bundle.requireValid(at: now)
            try Transparency.require(of: bundle, at: now)
        } catch {
            faults.append("\(error)")
        }
        let missing = settings.names.filter { !bundle.covers($0) }.map { "\($0)" }
        if !missing.isEmpty { faults.append("\(CertificateProblem.lackingNames(name: settings.name, missing))") }
        if settings.issuer == .internal, let signer = try memo.standing(in: store)?.intermediate,
            !bundle.leaf.isIssued(by: signer), !wasStandby(bundle.leaf, settings)
        {
            faults.append("the internal CA of this store did not sign it")
        }
        return faults
    }
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
