import Linux
package import OpenSSL
import Site

/// The certificates and keys of a site, by the names that its file gives them.
///
/// Immutable; keys stay in one place for all workers.
package struct Keyring: Sendable {
    package var certificates: [String: [CertificateBundle]]
    /// What is shown to a share of the clients in the place of the first of them: bundle for bundle alike.
    package var trials: [String: CertificateTrial]

    package init(_ certificates: [String: [CertificateBundle]], trials: [String: CertificateTrial] = [:]) {
        self.certificates = certificates
        self.trials = trials
    }

    /// All that clients may be shown of one name's certificates.
    package func offered(_ name: String) -> [CertificateBundle] {
        (certificates[name] ?? []) + (trials[name]?.bundles ?? [])
    }

    /// Ends a trial: what was on it is for all clients.
    package mutating func promote(_ name: String) {
        guard let trial = trials.removeValue(forKey: name), let shown = certificates[name] else { return }
        certificates[name] = trial.bundles + shown.dropFirst(trial.bundles.count)
    }

    /// The same certificates, as the objects that they are in `other` where they are there.
    package func sharing(with other: Keyring) -> Keyring {
        var shared = self
        for (name, bundles) in certificates {
            // What was on trial may be in force now.
            let others = other.offered(name)
            shared.certificates[name] = bundles.map { bundle in
                others.first { $0.hasCertificates(of: bundle) } ?? bundle
            }
        }
        for (name, trial) in trials {
            guard let held = other.trials[name], held.share == trial.share,
                held.bundles.hasCertificates(of: trial.bundles)
            else { continue }
            // What was counted counts on.
            shared.trials[name] = held
        }
        return shared
    }

    /// The names of the certificates that are not the very same objects as in `other`, or are not in it, or differ in
    /// what is on trial.
    package func names(differingFrom other: Keyring) -> Set<String> {
        var names: Set<String> = []
        for (name, bundles) in certificates {
            let others = other.certificates[name] ?? []
            if !bundles.elementsEqual(others, by: ===) || trials[name] !== other.trials[name] { names.insert(name) }
        }
        return names
    }

    /// What the listeners of `plan` show their clients that show one of `names`, after this keyring took the place of
    /// `before`, with which they showed `shown`.
    package func generations(
        for plan: Plan,
        changed names: Set<String>,
        since before: Keyring,
        _ shown: [Int: CertificateGeneration]
    ) -> [Int: CertificateGeneration] {
        var generations: [Int: CertificateGeneration] = [:]
        for listener in plan.listeners {
            let changed = listener.tls?.certificates.filter(names.contains) ?? []
            guard !changed.isEmpty, let old = shown[listener.id] else { continue }
            generations[listener.id] =
                replacements(of: changed, in: before).flatMap { old.replacing($0, number: old.number) }
                ?? generation(for: listener, number: old.number, Self.challenges(plan.handshakeChallenges))
        }
        return generations
    }

    /// Bundle for bundle; nil when there are more of a name or fewer than there were.
    private func replacements(of names: [String], in before: Keyring) -> [CertificateGeneration.Replacement]? {
        var changes: [CertificateGeneration.Replacement] = []
        for name in names {
            guard let old = before.certificates[name], let new = certificates[name], old.count == new.count else {
                return nil
            }
            // By this, a trial that is over is over.
            changes += zip(old, new).filter { $0 !== $1 || before.trials[name] != nil }.map { .init($0, by: $1) }
        }
        return changes + trialChanges(of: names)
    }

    private func trialChanges(of names: [String]) -> [CertificateGeneration.Replacement] {
        names.flatMap { name -> [CertificateGeneration.Replacement] in
            guard let trial = trials[name], let shown = certificates[name] else { return [] }
            return zip(shown, trial.bundles).map { .init($0, by: $1, onTrial: trial) }
        }
    }

    /// What each listener of `plan` shows its clients.
    package func generations(for plan: Plan) -> [Int: CertificateGeneration] {
        var generations: [Int: CertificateGeneration] = [:]
        let challenges = Self.challenges(plan.handshakeChallenges)
        for listener in plan.listeners {
            generations[listener.id] = generation(for: listener, number: plan.generation, challenges)
        }
        return generations
    }

    private func generation(
        for listener: ListenerPlan,
        number: UInt64,
        _ challenges: [String: CertificateBundle]
    ) -> CertificateGeneration? {
        guard let tls = listener.tls else { return nil }
        let held = tls.certificates.map { certificates[$0] ?? [] }
        // By its place alone: another that has its names may come first for those, and lacks its addresses.
        let first = held.first { !$0.isEmpty }
        let unknownName: CertificateGeneration.UnknownName =
            if tls.usesDefault, let first { .serve(first: first.count) } else { .refuse }
        let generation = CertificateGeneration(
            number: number,
            bundles: held.flatMap(\.self),
            named: zip(held, tls.names).flatMap { bundles, names in bundles.map { _ in names } },
            unknownName: unknownName,
            challenges: challenges
        )
        let changes = trialChanges(of: tls.certificates)
        return changes.isEmpty ? generation : generation.replacing(changes, number: number) ?? generation
    }

    /// Certificates for CAs that look for them, by the name that they ask for. One that cannot be made, for lack of
    /// memory, is left out: the CA says that it missed it.
    private static func challenges(_ wanted: [String: String]) -> [String: CertificateBundle] {
        let now = Clock.realtimeSeconds
        var made: [String: CertificateBundle] = [:]
        for (name, authorization) in wanted {
            // RFC 8738, section 6: an address is asked for by its name in the reverse tree.
            let asked = IPAddress(name)?.reverseName ?? name
            made[asked] = try? ChallengeCertificate.make(for: name, keyAuthorization: authorization, now: now)
        }
        return made
    }
}

extension [CertificateBundle] {
    /// Whether both hold the same certificates in the same order.
    package func hasCertificates(of others: [CertificateBundle]) -> Bool {
        elementsEqual(others) { $0.hasCertificates(of: $1) }
    }
}
