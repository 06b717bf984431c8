/// The certificates of all hosts at one moment. Immutable, so that any number of workers share it.
package final class CertificateGeneration: Sendable {
    /// What a client gets that asks for a name none of the certificates has, or for none.
    package enum UnknownName: Sendable {
        /// The alert unrecognized_name.
        case refuse
        /// The first so many of the bundles, which are one certificate's.
        case serve(first: Int)
    }

    /// One name's certificates, at most one of each key algorithm.
    internal final class Host: Sendable {
        let bundles: [CertificateBundle]
        /// What a share of the clients gets instead, while it is on trial.
        private let candidates: [CertificateBundle]
        private let trial: CertificateTrial?
        private let isExact: Bool
        private let digest: [UInt8]

        init(name: String, bundles: [CertificateBundle]) {
            self.bundles = bundles
            candidates = []
            trial = nil
            isExact = !name.hasPrefix("*.")
            digest = Digest.sha256Half(Array(name.utf8))
        }

        private init(
            _ other: Host,
            bundles: [CertificateBundle],
            candidates: [CertificateBundle] = [],
            trial: CertificateTrial? = nil
        ) {
            self.bundles = bundles
            self.candidates = candidates
            self.trial = trial
            isExact = other.isExact
            digest = other.digest
        }

        /// The same name after a change; nil when it does not serve what is to be changed.
        func after(_ change: Replacement) -> Host? {
            guard let place = bundles.firstIndex(where: { $0 === change.old }) else { return nil }
            guard let trial = change.trial else {
                var bundles = self.bundles
                bundles[place] = change.new
                return Host(self, bundles: bundles)
            }
            // A trial with keys of several kinds comes in several changes.
            var candidates = self.trial === trial ? self.candidates : bundles
            candidates[place] = change.new
            return Host(self, bundles: bundles, candidates: candidates, trial: trial)
        }

        /// All that clients may be shown.
        var offered: [CertificateBundle] { bundles + candidates }

        /// The first of these that is meant, without an array of them for each handshake.
        func firstOffered(where isMeant: (CertificateBundle) -> Bool) -> CertificateBundle? {
            bundles.first(where: isMeant) ?? candidates.first(where: isMeant)
        }

        /// What this client is shown; it is counted what becomes of it, while something is on trial.
        func choice(for session: TLSSession) -> [CertificateBundle] {
            guard let trial else { return bundles }
            let isPicked = trial.picks(session.client)
            session.tally = trial.tally(ofFresh: isPicked)
            return isPicked ? candidates : bundles
        }

        /// What a session of `serverName` is bound to: 16 bytes, different for each name served.
        func binding(for serverName: [UInt8]) -> [UInt8] {
            isExact ? digest : Digest.sha256Half(serverName)
        }
    }

    /// One bundle that takes another's place.
    package struct Replacement {
        package let old: CertificateBundle
        package let new: CertificateBundle
        /// For a share of the clients alone, as long as this lasts; nil for all of them.
        package let trial: CertificateTrial?

        package init(_ old: CertificateBundle, by new: CertificateBundle, onTrial trial: CertificateTrial? = nil) {
            self.old = old
            self.new = new
            self.trial = trial
        }
    }

    /// Its number, for status and logs.
    package let number: UInt64
    private let exact: [[UInt8]: Host]
    /// Keyed by what follows `*.`.
    private let wildcard: [[UInt8]: Host]
    /// By wildcards as certificates have them, exact names that such a certificate is meant for.
    private let meantByWildcard: [String: Set<String>]
    private let fallback: Host?
    /// Answers to TLS-ALPN-01, by the name that the CA asks for. Empty at nearly all times.
    private let challenges: [[UInt8]: Host]

    /// - Parameters:
    ///   - bundles: in order of precedence: for a name and key algorithm that several have, the first counts.
    ///   - named: the names that each of `bundles` is meant for. For such a name those count alone that are meant for it and have
    ///     it, or the wildcard above it; what merely has it, as what was issued before the name went to another one, does for want
    ///     of these.
    ///   - challenges: answers to TLS-ALPN-01 (RFC 8737), by the name in SNI; shown to who speaks `acme-tls/1` alone.
    package init(
        number: UInt64,
        bundles: [CertificateBundle],
        named: [[String]] = [],
        unknownName: UnknownName,
        challenges: [String: CertificateBundle] = [:]
    ) {
        self.number = number
        self.challenges = Dictionary(
            uniqueKeysWithValues: challenges.map { name, bundle in
                // No site's name holds a space: what is resumed here is resumed nowhere else.
                (Array(name.utf8), Host(name: "acme-tls/1 \(name)", bundles: [bundle]))
            }
        )
        var meantByWildcard: [String: Set<String>] = [:]
        let meant = zip(bundles, named).map { bundle, names -> (CertificateBundle, Set<String>) in
            let own = Set(bundle.names)
            for name in names where !own.contains(name) && own.contains(name.wildcardAbove) {
                meantByWildcard[name.wildcardAbove, default: []].insert(name)
            }
            return (bundle, Set(names.filter { own.contains($0) || own.contains($0.wildcardAbove) }))
        }
        self.meantByWildcard = meantByWildcard
        var byName = Self.byName(meant)
        byName.merge(Self.byName(bundles.map { ($0, Set($0.names)) })) { meant, _ in meant }
        var exact: [[UInt8]: Host] = [:]
        var wildcard: [[UInt8]: Host] = [:]
        for (name, bundles) in byName {
            let host = Host(name: name, bundles: bundles)
            if name.hasPrefix("*.") {
                wildcard[Array(name.utf8.dropFirst(2))] = host
            } else {
                exact[Array(name.utf8)] = host
            }
        }
        self.exact = exact
        self.wildcard = wildcard
        switch unknownName {
        case .refuse:
            fallback = nil
        case .serve(let first):
            var held: [CertificateBundle] = []
            for bundle in bundles.prefix(first) where !held.contains(where: { $0.algorithm == bundle.algorithm }) {
                held.append(bundle)
            }
            // The empty name: sessions of unknown names are bound together, and to no known one.
            fallback = held.isEmpty ? nil : Host(name: "", bundles: held)
        }
    }

    /// The bundles of each name, at most one of each key algorithm.
    private static func byName(_ entries: [(CertificateBundle, Set<String>)]) -> [String: [CertificateBundle]] {
        var byName: [String: [CertificateBundle]] = [:]
        for (bundle, names) in entries {
            for name in names where !byName[name, default: []].contains(where: { $0.algorithm == bundle.algorithm }) {
                byName[name, default: []].append(bundle)
            }
        }
        return byName
    }

    private init(
        number: UInt64,
        exact: [[UInt8]: Host],
        wildcard: [[UInt8]: Host],
        meantByWildcard: [String: Set<String>],
        fallback: Host?,
        challenges: [[UInt8]: Host]
    ) {
        self.number = number
        self.challenges = challenges
        self.exact = exact
        self.wildcard = wildcard
        self.meantByWildcard = meantByWildcard
        self.fallback = fallback
    }

    /// The same with some bundles in the place of others: what it costs grows with these, not with all that there are.
    ///
    /// - Returns: nil when one differs in its names or in the kind of its key from the one before: then which bundle
    ///   serves which name must be found anew.
    package func replacing(
        _ replacements: [Replacement],
        number: UInt64
    ) -> CertificateGeneration? {
        var exact = self.exact
        var wildcard = self.wildcard
        var fallback = self.fallback
        for change in replacements {
            guard change.old.isAlike(change.new) else { return nil }
            for name in names(of: change.old) {
                if name.hasPrefix("*.") {
                    let label = Array(name.utf8.dropFirst(2))
                    if let host = wildcard[label]?.after(change) { wildcard[label] = host }
                } else {
                    let label = Array(name.utf8)
                    if let host = exact[label]?.after(change) { exact[label] = host }
                }
            }
            fallback = fallback?.after(change) ?? fallback
        }
        return CertificateGeneration(
            number: number,
            exact: exact,
            wildcard: wildcard,
            meantByWildcard: meantByWildcard,
            fallback: fallback,
            challenges: challenges
        )
    }

    /// The names for which a certificate may be shown.
    private func names(of bundle: CertificateBundle) -> [String] {
        bundle.names.flatMap { [$0] + (meantByWildcard[$0]?.sorted() ?? []) }
    }

    /// The certificates of which a client that takes this kind of key alone gets one: who asks for `name` (in lower case), or
    /// for none when it is empty. Several during a trial, none when there is none for it.
    package func leaves(for name: String, _ key: PrivateKey.Algorithm) -> [Certificate] {
        host(for: Array(name.utf8))?.offered.filter { $0.algorithm == key }.map(\.leaf) ?? []
    }

    /// What a client asks for that gets this certificate: one of its names for which no other comes first; empty where it is for
    /// those who ask for no name alone. Nil where nobody gets it.
    package func nameAsked(for bundle: CertificateBundle) -> String? {
        let der = bundle.leaf.der
        return (names(of: bundle) + [""]).first { name in
            leaves(for: name, bundle.algorithm).contains { $0.der == der }
        }
    }

    internal var hasChallenges: Bool { !challenges.isEmpty }

    /// The answer to TLS-ALPN-01 for a name in lower case.
    internal func challenge(for name: [UInt8]) -> Host? { challenges[name] }

    /// The host of a name in lower case: its own entry, else the wildcard one label up, else the default.
    internal func host(for name: [UInt8]) -> Host? {
        if let host = exact[name] { return host }
        if !wildcard.isEmpty, let dot = name.firstIndex(of: UInt8(ascii: ".")), dot > 0,
            let host = wildcard[Array(name[(dot + 1)...])]
        {
            return host
        }
        return fallback
    }
}
