import Linux
package import OpenSSL
package import Site

/// What the store is told of a certificate that a share of the clients is shown first.
extension CertificateProvider {
    /// Seconds until the next try after clients refused one: CAs give few for the same names in a week.
    package static let pauseAfterRefusal: Int64 = 86_400

    /// Seconds that a trial may last longer than it should, as when its counts cannot be had.
    private static let slackOfTrial: Int64 = 600

    /// The trial of `fresh` has begun at a gateway: what its other clients are shown meanwhile is kept.
    ///
    /// - Returns: whether it is known to the store (`isTrialKnown`).
    package func offer(
        _ fresh: CertificateBundle,
        besides known: CertificateBundle,
        _ settings: CertificateSettings,
        at gateway: GatewayIdentity,
        reason: String
    ) throws(CertificateProblem) -> Bool {
        let end = moment + Int64(settings.canary?.time.components.seconds ?? 0) + Self.slackOfTrial
        return try ordered { () throws(CertificateProblem) in
            let isKnown = try store.beginTrial(of: settings.name, at: gateway, besides: known, until: end)
            try note(.offered, fresh, settings, reason)
            return isKnown
        }
    }

    /// Whether the store knows of a gateway's trial. One that it knew and knows no more was ended by somebody else, since a
    /// key may be known to somebody.
    package func isTrialKnown(of name: String, at gateway: GatewayIdentity) -> Bool {
        // Of a store that is not there nothing is known.
        store.isMarked(name, by: gateway) || !FileWriting.exists(store.pointer(of: name))
    }

    /// The trial of `fresh` has ended well.
    package func promote(
        _ fresh: CertificateBundle,
        _ settings: CertificateSettings,
        reason: String
    ) throws(CertificateProblem) {
        try ordered { () throws(CertificateProblem) in try note(.promoted, fresh, settings, reason) }
    }

    /// A gateway begins to serve: a trial that its process before had begun has ended in favour of the new one.
    package func promoteAfterStart(
        _ settings: CertificateSettings,
        at gateway: GatewayIdentity
    ) throws(CertificateProblem) {
        let name = settings.name
        guard store.isMarked(name, by: gateway) else { return }
        try ordered { () throws(CertificateProblem) in
            guard try !store.trials(of: name, now: moment).isEmpty,
                let fresh = try store.loadIfPresent(name)
            else { return }
            try note(.promoted, fresh, settings, "the gateway was started anew")
        }
    }

    private func note(
        _ kind: AuditEvent.Kind,
        _ fresh: CertificateBundle,
        _ settings: CertificateSettings,
        _ reason: String
    ) throws(CertificateProblem) {
        // Another one may be current meanwhile.
        let current = try store.currentGeneration(of: settings.name)
        let number = try store.generation(holding: fresh, of: settings.name) ?? current
        try store.audit.append(store.event(kind, settings.name, number, fresh.leaf, reason), now: moment)
    }

    /// No trial of this certificate runs at a gateway.
    package func endTrial(of name: String, at gateway: GatewayIdentity) throws(CertificateProblem) {
        try store.endTrial(of: name, at: gateway)
    }

    /// Has all gateways end their trials of a certificate, those that are looked after within seconds.
    ///
    /// - Returns: the trials that ran.
    package func endTrials(of name: String) throws(CertificateProblem) -> [CertificateStore.Trial] {
        try ordered { () throws(CertificateProblem) in try store.endTrials(of: name, now: moment) }
    }

    /// Clients did not get what is current: goes back to what was served before, so that no restart brings it into force, and
    /// plans the next try as after one that failed.
    ///
    /// - Parameter known: what was served before; nil where that is not of this certificate's issuer.
    package func takeBack(
        _ settings: CertificateSettings,
        to known: CertificateBundle?,
        reason: String
    ) throws(CertificateProblem) {
        if known == nil, case .files = settings.issuer { throw .ofFiles(name: settings.name) }
        try ordered { () throws(CertificateProblem) in
            let current: CertificateBundle
            if let known {
                try store.restore(known, as: settings.name, reason: reason, now: moment)
                current = known
            } else {
                current = try store.rollBack(settings.name, reason: reason, now: moment)
            }
            changePlan(of: settings.name) { (plan: inout RenewalPlan) in
                plan.recall(current.leaf.fingerprint)
                plan.refuse(reason, wishing: settings.wish, at: now)
            }
        }
    }

    /// Clients refused what was on trial: goes back to what the others were shown, and plans the next try.
    package func refuse(
        _ settings: CertificateSettings,
        backTo known: CertificateBundle,
        reason: String
    ) throws(CertificateProblem) {
        try ordered { () throws(CertificateProblem) in
            try store.restore(known, as: settings.name, reason: reason, now: moment)
            changePlan(of: settings.name) { (plan: inout RenewalPlan) in
                plan.recall(known.leaf.fingerprint)
                plan.refuse(reason, wishing: settings.wish, pause: Self.pauseAfterRefusal, at: now)
            }
        }
    }
}

/// Files that clients refused. There is no generation to go back to, and who wrote them is to put others there: what is known
/// of them is kept for those who look at them, and for the next start, which has nothing else to serve.
extension CertificateProvider {
    /// The name of what is kept, which no certificate has.
    private func refusalName(_ settings: CertificateSettings) -> String { settings.name + "@refused" }

    /// Clients refused what was on trial, which comes from files.
    package func refuseFiles(
        _ settings: CertificateSettings,
        _ fresh: CertificateBundle,
        reason: String
    ) throws(CertificateProblem) {
        var plan = RenewalPlan()
        plan.recognize(fresh.leaf.fingerprint, of: "")
        plan.fail(reason, pause: Self.pauseAfterRefusal, at: now)
        let refusal = plan
        try ordered { () throws(CertificateProblem) in store.keep(refusal, of: refusalName(settings)) }
    }

    /// Why what the files hold now should not be given to all clients; nil where none refused it lately.
    package func refusal(of settings: CertificateSettings) -> String? {
        guard case .files(let pairs) = settings.issuer else { return nil }
        let bundles = pairs.compactMap { try? CertificateSource.load(certificate: $0.certificate, key: $0.key) }
        return refusal(of: bundles, settings)?.words
    }

    /// The same of these, and until when it counts.
    internal func refusal(
        of bundles: [CertificateBundle],
        _ settings: CertificateSettings
    ) -> (words: String, end: Int64)? {
        guard settings.canary != nil else { return nil }
        let plan = store.plan(of: refusalName(settings))
        guard plan.next > now, plan.next <= now + Self.pauseAfterRefusal, let origin = plan.origin,
            bundles.contains(where: { $0.leaf.fingerprint == origin.fingerprint })
        else { return nil }
        let words =
            "CLIENTS REFUSED what its files hold: \(plan.problem); put back those before, or others: a gateway that had them "
            + "serves them until \(UTC.text(plan.next)), and one that is started anew has no other to serve"
        return (words, plan.next)
    }
}
