import Certificates
import Control
import Gateway
import OpenSSL
import Site

/// Which certificates a share of the clients is shown first: what is put on trial, and what was refused. For one thread.
internal struct Canaries {
    /// A trial under way.
    private struct Run {
        let trial: CertificateTrial
        /// Monotonic milliseconds.
        let begin: UInt64
        /// Whether the store was told of it.
        var isKnownToStore = false
    }

    /// Milliseconds between two looks at the counts.
    static let interval: UInt64 = 1_000
    /// A certificate that ends within this part of its life is followed at once, whatever clients would say: so nobody
    /// keeps one from being replaced for ever by refusing what follows.
    private static let lastPart: Int64 = 10

    private var runs: [String: Run] = [:]
    /// Nothing was served yet: what an earlier process began is over.
    private var isFresh = true
    /// Certificates that were refused, by their names, and until when they are not tried again: seconds since 1970.
    private var refused: [String: (fingerprints: [String], until: Int64)] = [:]

    var isEmpty: Bool { runs.isEmpty }
    /// No configuration was followed yet.
    var isBeginning: Bool { isFresh }

    /// The trials that the store was told of, by their certificates' names.
    var knownToStore: [String] { runs.filter(\.value.isKnownToStore).keys.sorted() }

    /// When one that was refused may be tried again: seconds since 1970.
    var nextTry: Int64? { refused.values.map { $0.until }.min() }

    /// Seconds that the trial of `name` has lasted.
    func age(of name: String, at uptime: UInt64) -> Int {
        runs[name].map { Int((max(uptime, $0.begin) - $0.begin) / 1000) } ?? 0
    }

    /// `fresh` as it is to be served after `before`: what is new and has a canary is shown to a share of the clients, and
    /// what they refused lately to nobody. What a certificate shows of others is what most clients see of those.
    func tried(_ fresh: SiteConfiguration, after before: SiteConfiguration, at now: Int64) -> SiteConfiguration {
        var tried = fresh
        // What is not for all, and what most clients are shown in its place.
        var kept: [(from: [CertificateBundle], to: [CertificateBundle])] = []
        for name in fresh.keyring.names(differingFrom: before.keyring).sorted() {
            guard let settings = fresh.site.certificates[name], let canary = settings.canary,
                let shown = before.keyring.certificates[name], let coming = fresh.keyring.certificates[name]
            else { continue }
            let new = fresh.own(coming, of: name)
            if new.allSatisfy(shown.holds) {
                // The same, maybe read once more: those who know the object go on with it.
                tried.keyring.certificates[name] = coming.map { bundle in
                    shown.first { $0.hasCertificates(of: bundle) } ?? bundle
                }
                continue
            }
            let old = before.own(shown, of: name)
            let known = old + coming.filter { !new.holds($0) }
            if before.standIns.contains(name) || fresh.emergencies.contains(name) { continue }
            if old.contains(where: { Self.endsSoon($0, at: now) }) {
                tried.notes.append("certificate \(name): the one before ends soon, so the new one is for all at once")
                continue
            }
            if let authority = fresh.authority, old.contains(where: { authority.hasTakenBack($0.chain) }) {
                tried.notes.append(
                    "certificate \(name): the internal CA has taken back the intermediate of the one before, so the new one is "
                        + "for all at once"
                )
                continue
            }
            // What an operator has put there is no certificate of the internal CA's.
            if settings.issuer == .internal, before.site.certificates[name]?.issuer == .internal,
                !before.emergencies.contains(name), let authority = fresh.authority,
                !old.contains(where: { authority.isOfRoot($0.chain) })
            {
                tried.notes.append(
                    "certificate \(name): the one before is of another root than the internal CA's, so the new one is for all at once"
                )
                continue
            }
            if let refusal = refused[name], refusal.until > now, refusal.fingerprints == new.map(\.fingerprint) {
                tried.keyring.certificates[name] = known
                kept.append((new, old))
                tried.warnings.append(
                    "certificate \(name): clients refused the new one, so the one before is served; the next try is at "
                        + UTC.text(refusal.until)
                )
                continue
            }
            guard old.count == new.count, zip(old, new).allSatisfy({ $0.isAlike($1) }) else {
                tried.notes.append(
                    "certificate \(name): the new one has other names or another kind of key, so it is for all at once"
                )
                continue
            }
            tried.keyring.certificates[name] = known
            kept.append((new, old))
            if let running = before.keyring.trials[name], running.bundles.hasCertificates(of: new),
                running.share == canary.share
            {
                tried.keyring.trials[name] = running
            } else {
                tried.keyring.trials[name] = CertificateTrial(share: canary.share, bundles: new)
            }
        }
        if !kept.isEmpty { Self.lend(kept, in: &tried) }
        return tried
    }

    /// Has certificates that show others' for names that they lack show them as most clients see them.
    ///
    /// - Parameter changes: what most clients do not see, and what they see in its place.
    static func lend(
        _ changes: [(from: [CertificateBundle], to: [CertificateBundle])],
        in configuration: inout SiteConfiguration
    ) {
        for (name, borrowed) in configuration.borrowed {
            func seen(_ bundle: CertificateBundle) -> CertificateBundle {
                guard borrowed.holds(bundle), let (_, others) = changes.first(where: { $0.from.holds(bundle) }) else {
                    return bundle
                }
                return others.first { $0.isAlike(bundle) } ?? bundle
            }
            configuration.keyring.certificates[name] = configuration.keyring.certificates[name]?.map(seen)
            configuration.borrowed[name] = borrowed.map(seen)
        }
    }

    /// Takes note of what is in force now.
    ///
    /// - Returns: the names of those whose trial begins, and of those that are on trial no longer.
    mutating func follow(
        _ configuration: SiteConfiguration,
        at uptime: UInt64
    ) -> (begun: [String], over: [String]) {
        let trials = configuration.keyring.trials
        let certificates = configuration.site.certificates
        let before = isFresh ? Array(certificates.keys) : Array(runs.keys)
        isFresh = false
        let begun = trials.filter { runs[$0.key]?.trial !== $0.value }
        runs = trials.reduce(into: [:]) { fresh, entry in
            fresh[entry.key] = begun[entry.key] == nil ? runs[entry.key] : Run(trial: entry.value, begin: uptime)
        }
        return (begun.keys.sorted(), before.filter { trials[$0] == nil }.sorted())
    }

    /// - Parameter isKnownToStore: whether the store was told of the trial under this name.
    mutating func note(_ name: String, isKnownToStore: Bool) { runs[name]?.isKnownToStore = isKnownToStore }

    /// Clients refused what is on trial under this name.
    mutating func refuse(_ name: String, at now: Int64) {
        guard let run = runs[name] else { return }
        let until = now + CertificateProvider.pauseAfterRefusal
        refused[name] = (run.trial.bundles.map(\.fingerprint), until)
    }

    /// Whether one was refused that is given to nobody yet.
    func holdsBack(_ name: String, at now: Int64) -> Bool { refused[name].map { $0.until > now } ?? false }

    /// Forgets refusals whose time is over.
    mutating func forget(at now: Int64) { refused = refused.filter { $0.value.until > now } }

    private static func endsSoon(_ bundle: CertificateBundle, at now: Int64) -> Bool {
        let validity = bundle.leaf.validity
        return validity.upperBound - now < (validity.upperBound - validity.lowerBound) / lastPart
    }
}
