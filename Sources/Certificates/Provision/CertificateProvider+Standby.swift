package import OpenSSL
package import Site

/// A certificate of another issuer that is kept ready, and takes the place of the usual one when that is of no use. In the
/// store it has a name of its own, and is issued, renewed and shown like any other.
extension CertificateProvider {
    /// What the plan of a certificate has in the place of a CA, when it was a standby; when an operator put that there; and
    /// when it came in by itself, and is shown only until the usual CA gives another. Older versions wrote the first for all.
    private static let origin = "standby"
    private static let originByHand = "standby-by-hand"
    private static let originOfSubstitute = "substitute"
    /// Why it comes in where the store has what is good for nothing any more.
    internal static let takenBackReason =
        "the internal CA has taken back the intermediate that signed the one before, or its root was given up"

    /// Whether clients that take what the certificate's usual CA issued, as browsers do, refuse its standby.
    private func hasLesserStandby(_ settings: CertificateSettings) -> Bool {
        guard case .acme = settings.issuer else { return false }
        return settings.standby == .internal
    }

    /// The certificate, or its standby where clients could be shown none of it now. A standby of the internal CA is kept
    /// ready by this, too.
    internal func provideWithStandby(
        _ settings: CertificateSettings,
        found: Result<Provided?, CertificateProblem>,
        isServed: @autoclosure () -> Bool
    ) throws(CertificateProblem) -> Provided {
        let usual = Result { () throws(CertificateProblem) in
            if let found = try found.get() { return found }
            return try provide(settings)
        }
        guard let standby = settings.standbyCertificate else { return try usual.get() }
        let isTakenBack = takenBack(settings) != nil
        let why: String
        switch usual {
        case .success(let provided):
            let end = provided.bundles.map(\.leaf.validity.upperBound).min() ?? now
            if end >= now, !isTakenBack { return attended(provided, settings, standby, until: end) }
            why = isTakenBack ? Self.takenBackReason : "the usual one ended at \(UTC.text(end))"
        case .failure(let error):
            guard !isServed() else { throw error }
            // The generation before is shown then.
            if error.isDamage, outranksStandby(settings) { throw error }
            why = "\(error)"
        }
        do throws(CertificateProblem) {
            return try substitute(settings, why)
        } catch {
            guard case .success(var provided) = usual else { return try usual.get() }
            provided.warnings.append("certificate \(settings.name): \(why), and \(error)")
            if isTakenBack { provided.renewal = min(provided.renewal ?? .max, now + InternalCA.retryTime) }
            return provided
        }
    }

    /// With the moment at which the standby is to come in, and with the standby itself, where the internal CA makes it.
    private func attended(
        _ provided: Provided,
        _ settings: CertificateSettings,
        _ standby: CertificateSettings,
        until end: Int64
    ) -> Provided {
        var provided = provided
        var moments = [provided.renewal, end + 1]
        if provided.bundles.contains(where: { wasStandby($0.leaf, settings) }) { provided.isEmergency = true }
        if standby.issuer == .internal {
            do throws(CertificateProblem) {
                let kept = try provide(standby)
                provided.notes += kept.notes
                provided.warnings += kept.warnings
                moments.append(kept.renewal)
            } catch {
                provided.warnings.append("certificate \(standby.name): \(error)")
            }
        }
        provided.renewal = moments.compactMap(\.self).min()
        return provided
    }

    internal func substitute(_ settings: CertificateSettings, _ why: String) throws(CertificateProblem) -> Provided {
        let leaf = takenBack(settings)
        var notes: [String] = []
        // What that CA has taken back is followed by another one of it: with a certificate, its standby may have gone.
        if let standby = settings.standbyCertificate, standby.issuer == .internal,
            leaf != nil || takenBack(standby) != nil
        {
            notes = try provide(standby).notes
        }
        var provided: Provided
        if case .files = settings.issuer {
            provided = Provided(bundles: [try readyStandby(of: settings)], notes: notes)
        } else {
            // What an operator has put there stays what it is.
            let isAsked = leaf.map { isByHand($0, settings) } ?? false
            provided = Provided(bundles: [try useStandby(settings, reason: why, isAsked: isAsked)], notes: notes)
        }
        provided.warnings = ["certificate \(settings.name): ITS STANDBY IS SERVED, since \(why)"]
        provided.isEmergency = true
        if settings.issuer == .internal { provided.renewal = provided.bundles[0].leaf.renewalSchedule.due }
        return provided
    }

    /// Whether the generation before the current one is better than the standby: clients take it.
    private func outranksStandby(_ settings: CertificateSettings) -> Bool {
        guard hasLesserStandby(settings), let (_, bundle) = store.earlierGeneration(of: settings.name, now: now) else {
            return false
        }
        return settings.names.contains(where: bundle.covers) && !isOfInternalCA(bundle, settings)
    }

    /// Puts the standby in the certificate's place: it is a new generation of it, and another standby is due. Where browsers
    /// refuse it, and nobody asked for it, the tries at the usual CA go on as they were planned.
    ///
    /// - Parameter isAsked: an operator wants it.
    package func useStandby(
        _ settings: CertificateSettings,
        reason: String,
        isAsked: Bool = false
    ) throws(CertificateProblem) -> CertificateBundle {
        guard settings.standby != nil else { throw .noStandby(name: settings.name) }
        if case .files = settings.issuer { throw .standbyOfFiles(name: settings.name) }
        return try ordered { () throws(CertificateProblem) in
            let bundle = try readyStandby(of: settings)
            try store.save(bundle, as: settings.name, .standbyUsed, reason: reason, now: moment)
            ACMEAccountStore.endPendingOrders(for: settings.name, in: store)
            let isSubstitute = !isAsked && hasLesserStandby(settings)
            let origin = RenewalPlan.Origin(
                fingerprint: bundle.leaf.fingerprint,
                directory: isAsked ? Self.originByHand : isSubstitute ? Self.originOfSubstitute : Self.origin,
                account: ""
            )
            changePlan(of: settings.name) { (plan: inout RenewalPlan) in
                if isSubstitute {
                    plan.substitute(origin)
                } else {
                    // Whatever it was put there for, no advice was.
                    plan.succeed(origin, life: bundle.leaf.renewalSchedule.lifetime, isAsked: true, at: now)
                }
            }
            // Its key is in use now, and good for no standby any more.
            if let standby = settings.standbyCertificate, standby.issuer.isStored {
                try store.forget(standby.name)
                if isAsked { expectAnother(standby) }
            }
            return bundle
        }
    }

    /// The next standby is no early one.
    private func expectAnother(_ standby: CertificateSettings) {
        guard store.plan(of: standby.name).origin != nil else { return }
        store.changePlan(of: standby.name) { $0.spend() }
    }

    /// Why the standby should come in, after its issuer gave no new one: clients could be shown none of the certificate, or its CA
    /// has wanted it back for a while, as CAs say of those that they revoke (RFC 9773). nil when there is no reason, or no standby:
    /// one that is good, and lacks what the site file asks for by now, is shown until its issuer gives that.
    package func standbyCause(_ settings: CertificateSettings) -> String? {
        guard settings.standby != nil else { return nil }
        let standing = standing(settings)
        // What a running gateway has of one that vanished is better than a lesser one; before the first one is there, what stands
        // in is no worse.
        if hasLesserStandby(settings), standing.isMissing || standing.leaves.isEmpty && outranksStandby(settings) {
            return nil
        }
        if standing.isUnfit { return standing.faults.first }
        guard let leaf = standing.leaves.first, standing.plan.origin?.fingerprint == leaf.fingerprint,
            let end = standing.plan.advice?.window.upperBound, end < now
        else { return nil }
        return "its CA has wanted it replaced since \(UTC.text(end))"
    }

    private func readyStandby(of settings: CertificateSettings) throws(CertificateProblem) -> CertificateBundle {
        guard let standby = settings.standbyCertificate else { throw .noStandby(name: settings.name) }
        if let fault = standing(standby).faults.first { throw .standbyNotReady(name: settings.name, fault) }
        if case .files(let pairs) = standby.issuer, let pair = pairs.first {
            return try CertificateSource.load(certificate: pair.certificate, key: pair.key, now: now)
        }
        return try store.load(standby.name)
    }

    /// Whether a certificate came in as the standby of this one.
    internal func wasStandby(_ leaf: Certificate, _ settings: CertificateSettings) -> Bool {
        guard settings.standby != nil, let origin = plan(of: settings.name).origin else { return false }
        return [Self.origin, Self.originByHand, Self.originOfSubstitute].contains(origin.directory)
            && origin.fingerprint == leaf.fingerprint
    }

    /// Whether an operator has put it there, as the standby of this one.
    private func isByHand(_ leaf: Certificate, _ settings: CertificateSettings) -> Bool {
        wasStandby(leaf, settings) && plan(of: settings.name).origin?.directory == Self.originByHand
    }

    /// Whether it is a standby that came in by itself, or may have, in an older version, and that browsers refuse.
    internal func isSubstitute(_ leaf: Certificate, _ settings: CertificateSettings) -> Bool {
        hasLesserStandby(settings) && cameInByItself(leaf, settings)
    }

    /// Whether it is a standby that came in by itself, or may have, in an older version.
    internal func cameInByItself(_ leaf: Certificate, _ settings: CertificateSettings) -> Bool {
        wasStandby(leaf, settings) && !isByHand(leaf, settings)
    }
}
