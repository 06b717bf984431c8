import Linux
import OpenSSL
import Site

/// Certificates of the internal CA: what the store has as long as it will do, else another that is issued here.
extension CertificateProvider {
    internal func own(_ settings: CertificateSettings) throws(CertificateProblem) -> Provided {
        let standing = try standing(of: settings)
        switch standing {
        case .good(let bundle): return provided(bundle)
        case .due(let why, let usable), .wanting(let why, let usable), .revoked(let why, let usable):
            if let usable, let pause = pause(of: usable, settings, standing) {
                let warning = "certificate \(settings.name): \(why), and \(pause.why)"
                var provided = provided(usable, warnings: [warning])
                provided.renewal = pause.end
                return provided
            }
            do throws(CertificateProblem) {
                return try store.locked(isOneOfMany: true) { () throws(CertificateProblem) in
                    try issueIfStillWanting(settings)
                }
            } catch {
                // What is stored may still do for a while.
                guard let usable else { throw storeProblem(error) }
                let warning =
                    "certificate \(settings.name): \(why), and no other could be issued: \(storeProblem(error))"
                var provided = provided(usable, warnings: [warning])
                provided.renewal = now + InternalCA.retryTime
                provided.isOwed = true
                return provided
            }
        }
    }

    /// Whether an operator went back to what the store has, and wants of it what he wanted then.
    internal func isAtRest(_ settings: CertificateSettings) -> Bool { plan(for: settings).isAtRest(until: now) }

    /// Until when no other is made, and why, where clients refused the last one, or an operator went back from it.
    internal func pauseAfterRefusal(_ settings: CertificateSettings) -> (end: Int64, why: String)? {
        let plan = plan(for: settings)
        guard plan.next > now else { return nil }
        return (plan.next, "the next is made at \(UTC.text(plan.next)); of the last one: \(plan.problem)")
    }

    /// Until when what is stored stays, and why, where it may.
    internal func pause(
        of usable: CertificateBundle,
        _ settings: CertificateSettings,
        _ standing: Standing
    ) -> (end: Int64, why: String)? {
        if case .revoked = standing { return nil }
        if let pause = pauseAfterRefusal(settings) {
            return standing.mayWait(isAtRest: isAtRest(settings)) ? pause : nil
        }
        return pauseForOthers(usable, settings)
    }

    /// Looks again, since another process may have issued it meanwhile.
    private func issueIfStillWanting(_ settings: CertificateSettings) throws(CertificateProblem) -> Provided {
        let why: String
        switch try standing(of: settings) {
        case .good(let bundle): return provided(bundle)
        case .due(let reason, _), .wanting(let reason, _), .revoked(let reason, _): why = reason
        }
        return try news(make(settings, reason: why), settings, why)
    }

    /// What was made just now, with what the log says of it.
    internal func news(
        _ bundle: CertificateBundle,
        _ settings: CertificateSettings,
        _ why: String
    ) throws(CertificateProblem) -> Provided {
        meet(settings, with: bundle.leaf)
        let note =
            "certificate \(settings.name): issued by the internal CA (\(why)); "
            + "good until \(UTC.text(bundle.leaf.validity.upperBound)); "
            + "clients trust it by \(try InternalCA.rootPath(in: store))"
        return provided(bundle, notes: [note])
    }

    /// A new generation of the internal CA. The store is locked.
    internal func make(_ settings: CertificateSettings, reason: String) throws(CertificateProblem) -> CertificateBundle
    {
        let span = span(of: settings)
        let bundle = try authority(for: [settings]).issue(
            names: names(settings),
            for: nextKey(of: settings),
            lifetime: span.lifetime,
            since: span.since,
            now: now
        )
        try store.save(bundle, as: settings.name, reason: reason, now: moment)
        forgetFailures(of: settings)
        return bundle
    }

    /// The key of the next generation: a fresh one, or, where the site file wants that, the one of the generation before.
    internal func nextKey(of settings: CertificateSettings) throws(CertificateProblem) -> PrivateKey {
        if settings.reusesKey, let held = try? store.load(settings.name).key, held.kind == settings.key.kind {
            return held
        }
        do throws(OpenSSLError) {
            return try PrivateKey.generate(settings.key.kind)
        } catch {
            throw .library(error)
        }
    }

    internal func provided(_ bundle: CertificateBundle, notes: [String] = [], warnings: [String] = []) -> Provided {
        Provided(bundles: [bundle], notes: notes, warnings: warnings, renewal: renewal(of: bundle))
    }

    /// The internal CA, able to certify the names of `certificates` besides those of the site.
    ///
    /// - Parameter isWanted: as `InternalCA.loadOrCreate` has it.
    internal func authority(
        for certificates: [CertificateSettings] = [],
        isWanted: Bool = false
    ) throws(CertificateProblem) -> InternalCA {
        let names = certificates.flatMap(names)
        return try InternalCA.loadOrCreate(
            in: store,
            named: site.name,
            policy: memo.policy(of: site, for: names),
            for: names,
            isWanted: isWanted,
            now: laterMoment ?? moment
        )
    }

    // MARK: What is in the store

    /// How the store's certificate stands to what the site file asks for.
    internal enum Standing {
        case good(CertificateBundle)
        /// Why another one is needed, and the one that may be served until then.
        case wanting(String, usable: CertificateBundle?)
        /// Nothing is wrong with it but that its time to be renewed has come, or that this CA would not have issued it: that
        /// waits where clients refused the last one. Never without a bundle.
        case due(String, usable: CertificateBundle?)
        /// Its CA has taken it back: another one is made whatever waits. Never without a bundle.
        case revoked(String, usable: CertificateBundle?)

        /// - Parameter isAtRest: an operator went back to it.
        internal func mayWait(isAtRest: Bool) -> Bool {
            switch self {
            case .good, .revoked: false
            case .due: true
            case .wanting: isAtRest
            }
        }
    }

    internal func standing(of settings: CertificateSettings) throws(CertificateProblem) -> Standing {
        let bundle: CertificateBundle
        do throws(CertificateProblem) {
            guard let held = try store.loadIfPresent(settings.name) else {
                return .wanting("there was none in the store", usable: nil)
            }
            bundle = held
        } catch {
            // What cannot be read is a matter for a person; what is damaged is made again.
            guard case .contents(_, let reason) = error else { throw storeProblem(error) }
            return .wanting("the stored one is of no use (\(reason))", usable: nil)
        }
        do throws(CertificateError) {
            try requireValid(bundle)
        } catch {
            return .wanting("\(error)", usable: nil)
        }
        let flaw = flaw(of: bundle, settings)
        // First of all: nothing that another reason waits for keeps it.
        if flaw == .revoked { return .revoked(InternalCAStanding.Flaw.revoked.rawValue, usable: bundle) }
        let wanted = names(settings)
        if Set(bundle.identifiers) != Set(wanted) {
            return .wanting(
                "the stored one names \(bundle.identifiers.joined(separator: ", ").printableLine) and not "
                    + wanted.joined(separator: ", "),
                usable: bundle
            )
        }
        if !changes(of: bundle, settings).isEmpty {
            return .wanting("the stored one has another kind of key than \(settings.key.rawValue)", usable: bundle)
        }
        switch flaw {
        case .foreign: return .due(InternalCAStanding.Flaw.foreign.rawValue, usable: bundle)
        case .revoked: return .revoked(InternalCAStanding.Flaw.revoked.rawValue, usable: bundle)
        case .broken:
            let why = InternalCAStanding.Flaw.broken.rawValue
            return .wanting("the stored one is of no use (\(why))", usable: nil)
        case nil: break
        }
        if renewal(of: bundle) <= now {
            let end = UTC.text(bundle.leaf.validity.upperBound)
            return .due("the stored one ends at \(end)", usable: bundle)
        }
        return .good(bundle)
    }

    /// What is wrong with the chain of one that the internal CA is to have issued. A CA that cannot be looked at is needed when
    /// another is due, and not before.
    internal func flaw(of bundle: CertificateBundle, _ settings: CertificateSettings) -> InternalCAStanding.Flaw? {
        guard let flaw = (try? memo.standing(in: store))?.flaw(of: bundle.chain) else { return nil }
        return wasStandby(bundle.leaf, settings) ? nil : flaw
    }

    private func renewal(of bundle: CertificateBundle) -> Int64 { bundle.leaf.renewalSchedule.due }
}
