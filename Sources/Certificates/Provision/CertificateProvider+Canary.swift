package import Site

/// What the store is told of a certificate that a share of the clients is shown first.
extension CertificateProvider {
    /// Seconds until the next try after clients refused one: CAs give few for the same names in a week.
    package static let pauseAfterRefusal: Int64 = 86_400

    /// Notes in the audit log that the trial of the current generation has begun or ended well.
    package func note(
        _ kind: AuditEvent.Kind,
        _ settings: CertificateSettings,
        reason: String
    ) throws(CertificateProblem) {
        try ordered { () throws(CertificateProblem) in
            let number = try store.currentGeneration(of: settings.name)
            let bundle = try store.load(settings.name, generation: number)
            try store.audit.append(store.event(kind, settings.name, number, bundle, reason), now: now)
        }
    }

    /// Clients refused the current generation: goes back to the one before, and plans the next try.
    package func refuse(_ settings: CertificateSettings, reason: String) throws(CertificateProblem) {
        _ = try rollBack(settings, reason: reason)
        var plan = store.plan(of: settings.name)
        plan.fail(reason, pause: Self.pauseAfterRefusal, at: now)
        store.keep(plan, of: settings.name)
    }
}
