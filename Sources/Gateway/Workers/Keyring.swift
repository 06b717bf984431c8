import Linux
package import OpenSSL
import Site

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
        let challenges = Self.challenges(plan.handshakeChallenges)
        for listener in plan.listeners {
            guard let tls = listener.tls else { continue }
            let bundles = tls.certificates.flatMap { certificates[$0] ?? [] }
            let fallback = bundles.first?.names.first
            generations[listener.id] = CertificateGeneration(
                number: plan.generation,
                bundles: bundles,
                unknownName: tls.usesDefault ? fallback.map { .serve($0) } ?? .refuse : .refuse,
                challenges: challenges
            )
        }
        return generations
    }

    /// Certificates for CAs that look for them, by the name that they ask for. One that cannot be made, for lack of
    /// memory, is left out: the CA says that it missed it.
    private static func challenges(_ wanted: [String: String]) -> [String: CertificateBundle] {
        let now = Int64(Clock.realtimeMicroseconds / 1_000_000)
        var made: [String: CertificateBundle] = [:]
        for (name, authorization) in wanted {
            // RFC 8738, section 6: an address is asked for by its name in the reverse tree.
            let asked = IPAddress(name)?.reverseName ?? name
            made[asked] = try? ChallengeCertificate.make(for: name, keyAuthorization: authorization, now: now)
        }
        return made
    }
}
