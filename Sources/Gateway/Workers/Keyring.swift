package import OpenSSL

/// The certificates and keys of a site, by the names that its file gives them.
///
/// Immutable; keys stay in one place for all workers.
package struct Keyring: Sendable {
    package var certificates: [String: [CertificateBundle]]

    package init(_ certificates: [String: [CertificateBundle]]) {
        self.certificates = certificates
    }

    /// What each listener of `plan` shows its clients.
    package func generations(for plan: Plan) -> [Int: CertificateGeneration] {
        var generations: [Int: CertificateGeneration] = [:]
        for listener in plan.listeners {
            guard let tls = listener.tls else { continue }
            let bundles = tls.certificates.flatMap { certificates[$0] ?? [] }
            let fallback = bundles.first?.names.first
            generations[listener.id] = CertificateGeneration(
                number: plan.generation,
                bundles: bundles,
                unknownName: tls.usesDefault ? fallback.map { .serve($0) } ?? .refuse : .refuse
            )
        }
        return generations
    }
}
