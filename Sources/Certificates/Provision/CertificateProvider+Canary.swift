package import OpenSSL
package import Site

/// What the store is told of a certificate that a share of the clients is shown first.
extension CertificateProvider {
    /// Seconds until the next try after clients refused one: CAs give few for the same names in a week.
    package static let pauseAfterRefusal: Int64 = 86_400

    /// The trial of `fresh` has begun: what the others are shown meanwhile is kept.
    package func offer(
        _ fresh: CertificateBundle,
        besides known: CertificateBundle,
        _ settings: CertificateSettings,
        reason: String
    ) throws(CertificateProblem) {
        try ordered { () throws(CertificateProblem) in
            try store.beginTrial(of: settings.name, besides: known)
            try note(.offered, fresh, settings, reason)
        }
    }

    /// The trial of `fresh` has ended well.
    package func promote(
        _ fresh: CertificateBundle,
        _ settings: CertificateSettings,
        reason: String
    ) throws(CertificateProblem) {
        try ordered { () throws(CertificateProblem) in try note(.promoted, fresh, settings, reason) }
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

    /// No trial of this certificate runs.
    package func endTrial(of name: String) throws(CertificateProblem) { try store.endTrial(of: name) }

    /// The generation that most clients are shown while the current one is on trial; nil when none is.
    package func generationInForce(of name: String) throws(CertificateProblem) -> Int? {
        do throws(CertificateProblem) {
            return try store.generationInForce(of: name)
        } catch {
            throw storeProblem(error)
        }
    }

    /// Puts what was served before into the store's current place again, whatever became of it there.
    package func restore(
        _ known: CertificateBundle,
        _ settings: CertificateSettings,
        reason: String
    ) throws(CertificateProblem) {
        try ordered { () throws(CertificateProblem) in
            try store.restore(known, as: settings.name, reason: reason, now: moment)
        }
    }

    /// Clients refused what was on trial: goes back to what the others were shown, and plans the next try.
    package func refuse(
        _ settings: CertificateSettings,
        backTo known: CertificateBundle,
        reason: String
    ) throws(CertificateProblem) {
        try restore(known, settings, reason: reason)
        var plan = plan(of: settings.name)
        plan.fail(reason, pause: Self.pauseAfterRefusal, at: now)
        store.keep(plan, of: settings.name)
    }
}
