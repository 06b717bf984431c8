import Linux
package import OpenSSL
package import Site

/// What is shown for names for which an ACME server has given nothing yet, or which files lack, where something good is there:
/// clients who got a certificate that they can verify go on to get one.
extension CertificateProvider {
    /// Whether its issuer is yet to give it, for all of its names or some, or to give another for one that has ended.
    package func lacksNames(_ settings: CertificateSettings, _ provided: Provided) -> Bool {
        guard settings.issuer != .internal else { return false }
        return settings.names.contains { lacks($0, provided) }
    }

    private func lacks(_ name: HostPattern, _ provided: Provided) -> Bool {
        provided.isStandIn || !provided.bundles.contains { $0.covers(name) && $0.end >= now }
    }

    /// Good certificates for names that others lack.
    package struct Good {
        /// By the name that they have: it, or the wildcard above it.
        fileprivate var bundles: [String: [CertificateBundle]] = [:]
        /// By wildcards, the single names below them for which there are some, and no certificate that a listener shows.
        fileprivate var single: [String: [String]] = [:]

        /// Those of `names` that none of them has.
        fileprivate func lacking(of names: [HostPattern]) -> [HostPattern] {
            names.filter { name in
                !CertificateProvider.spellings(name).contains { bundles[$0] != nil }
            }
        }

        fileprivate mutating func add(_ others: Good) {
            bundles.merge(others.bundles) { first, _ in first }
            single.merge(others.single) { first, second in Set(first + second).sorted() }
        }
    }

    /// Whose certificates may be shown for names that others lack.
    package struct Lenders: Sendable {
        /// By where they come from, each with a certificate for each kind of key.
        package var places: [[CertificateBundle]]
        /// Generations before those in use: for names alone that none of `places` has.
        fileprivate let before: [[CertificateBundle]]

        package static let none = Lenders(places: [], before: [])
    }

    /// Those that count for `names`: generations before the ones in use are read where `places` have nothing for one of them.
    ///
    /// - Parameter known: what was found before; what is there now, afterwards.
    package func lenders(
        in places: [[CertificateBundle]],
        for names: [HostPattern],
        knowing known: inout UnnamedNames
    ) -> Lenders {
        let rest = good(for: names, in: places).lacking(of: names)
        let before = rest.isEmpty ? [] : bundlesBefore(for: rest, besides: places, knowing: &known)
        return Lenders(places: places, before: before)
    }

    /// Good certificates for names, and for those below a wildcard.
    package func good(for names: [HostPattern], in lenders: Lenders) -> Good {
        var found = good(for: names, in: lenders.places)
        if !lenders.before.isEmpty { found.add(good(for: found.lacking(of: names), in: lenders.before)) }
        return found
    }

    /// - Parameter places: for a name and a kind of key the first counts; those of the internal CA, which browsers refuse, for names
    ///   alone that no other has.
    private func good(for names: [HostPattern], in places: [[CertificateBundle]]) -> Good {
        var wanted = Set(names.flatMap(Self.spellings))
        var found = Good()
        let wildcards = Set(names.map { "\($0)" }.filter { $0.hasPrefix("*.") })
        if !wildcards.isEmpty {
            let shown = shownNames
            let named = Set(
                site.certificates.values.filter { shown.contains($0.name) }.flatMap(\.names).map { "\($0)" }
            )
            let single = Set(places.joined().flatMap(\.identifiers)).subtracting(named)
                .filter { wildcards.contains($0.wildcardAbove) && !wildcards.contains($0) }
            found.single = Dictionary(grouping: single.sorted(), by: \.wildcardAbove)
            wanted.formUnion(single)
        }
        let good = places.map { place in
            place.filter { !wanted.isDisjoint(with: $0.identifiers) && isGood($0) }
        }.filter { !$0.isEmpty }
        for places in [good.filter { !isSignedHere($0[0]) }, good.filter { isSignedHere($0[0]) }] {
            var named: [String: [CertificateBundle]] = [:]
            for bundle in places.joined() {
                for name in wanted.intersection(bundle.identifiers) {
                    let others = named[name] ?? []
                    if others.contains(where: { $0.algorithm == bundle.algorithm }) { continue }
                    named[name] = others + [bundle]
                }
            }
            found.bundles.merge(named) { first, _ in first }
        }
        return found
    }

    /// What a certificate may have that covers a name.
    internal static func spellings(_ name: HostPattern) -> [String] {
        let text = "\(name)"
        return [text, text.wildcardAbove]
    }

    /// Names for which something is looked for.
    internal struct Wanted {
        private let spellings: Set<String>
        private let wildcards: Set<String>

        init(_ names: [HostPattern]) {
            spellings = Set(names.flatMap(CertificateProvider.spellings))
            wildcards = Set(names.map { "\($0)" }.filter { $0.hasPrefix("*.") })
        }

        /// Whether a certificate has one of them, or a name below a wildcard of them.
        func isAmong(_ identifiers: [String]) -> Bool {
            identifiers.contains { spellings.contains($0) || wildcards.contains($0.wildcardAbove) }
        }
    }

    /// The certificate with good ones of others for the names that it lacks. What stands in is for what then remains.
    ///
    /// - Parameters:
    ///   - good: what `good(for:in:)` found.
    ///   - earlier: the certificate as it was before; what stood in goes on to.
    package func borrowing(
        _ settings: CertificateSettings,
        _ provided: Provided,
        from good: Good,
        after earlier: Provided?
    ) -> Provided {
        guard let loan = loan(settings, provided, from: good) else { return provided }
        var filled = provided
        let own = provided.isStandIn ? [] : provided.bundles
        // What has ended is for those alone for whom there is nothing else.
        filled.bundles = own.filter { $0.end >= now } + loan.bundles + own.filter { $0.end < now }
        filled.borrowed = loan.bundles
        filled.renewal = min(provided.renewal ?? .max, now + InternalCA.retryTime)
        filled.warnings = loan.warnings
        if provided.isStandIn, !loan.rest.isEmpty {
            filled.bundles += standIn(settings, for: loan.rest, after: earlier)
        }
        return filled
    }

    /// What a start would warn of, where others have what a certificate lacks: nil where they have nothing.
    internal func warnings(
        of settings: CertificateSettings,
        _ provided: Provided,
        borrowingFrom lenders: Lenders
    ) -> [String]? {
        loan(settings, provided, from: good(for: settings.names, in: lenders))?.warnings
    }

    /// What others have for a certificate's names.
    private struct Loan {
        var bundles: [CertificateBundle] = []
        /// The names for which there is nothing; of a wildcard there may be something for single names below it.
        var rest: [HostPattern] = []
        /// What is said of the certificate then.
        var warnings: [String] = []
    }

    /// - Returns: nil where the others have nothing that it lacks.
    private func loan(
        _ settings: CertificateSettings,
        _ provided: Provided,
        from good: Good
    ) -> Loan? {
        var loan = Loan()
        var found: [String] = []
        for name in settings.names where lacks(name, provided) {
            let spelling = Self.spellings(name).first { good.bundles[$0] != nil }
            if spelling == nil { loan.rest.append(name) }
            // For a wildcard that nothing has, what is there for single names below it.
            for source in spelling.map({ [$0] }) ?? good.single["\(name)"] ?? [] {
                guard let bundles = good.bundles[source] else { continue }
                found.append(spelling == nil ? source : "\(name)")
                for bundle in bundles where !loan.bundles.holds(bundle) { loan.bundles.append(bundle) }
            }
        }
        guard !loan.bundles.isEmpty else { return nil }
        let end = loan.bundles.map(\.end).min() ?? 0
        let names = found.joined(separator: ", ")
        let (why, remedy) =
            settings.issuer.isStored
            ? ("its ACME server has given none for \(names) yet", "`gatehouse certs issue \(settings.name)` asks")
            : ("its files have none for \(names)", "put one for these there, or correct `names`")
        // What is told of a stand-in for all names is not so; of damage, it is.
        loan.warnings = provided.isStandIn && !provided.isMakeshift ? [] : provided.warnings
        loan.warnings.append(
            "certificate \(settings.name): \(why), so a good one that is there is shown, until \(UTC.text(end)) at most; \(remedy)"
        )
        if provided.isStandIn, !loan.rest.isEmpty {
            loan.warnings.append(
                "certificate \(settings.name): for \(loan.rest.map { "\($0)" }.joined(separator: ", ")) one of the internal CA "
                    + "stands in, which browsers refuse"
            )
        }
        return loan
    }

    /// What a start could show in place of others' certificates.
    ///
    /// - Parameter shown: the names of those of the site that listeners show.
    package func lenders(among shown: Set<String>) -> Lenders {
        let own = site.certificates.values.filter { shown.contains($0.name) }.sorted { $0.name < $1.name }
        let found = Parallel.map(own) { [self] settings in atStart(settings) }
        let names = own.flatMap(\.names)
        var unnamed = UnnamedNames()
        let places = found.compactMap(\.self) + unshownBundles(for: names, knowing: &unnamed)
        return lenders(in: places, for: names, knowing: &unnamed)
    }

    /// What a start has of a certificate; where it makes another, as of the internal CA, what is the generation before then.
    private func atStart(_ settings: CertificateSettings) -> [CertificateBundle]? {
        if let found = try? find(settings) { return found.bundles }
        guard settings.issuer == .internal, let bundle = try? store.load(settings.name), isOfCAInUse(bundle) else {
            return nil
        }
        return [bundle]
    }

    /// The certificates of ACME servers for which a start would find nothing that clients take, for names for which they are shown
    /// something that they take, of each kind of key: what came from files is in no store, and what was in it may be gone.
    ///
    /// - Parameters:
    ///   - served: what clients are shown.
    ///   - shown: the names of those of the site that listeners show.
    package func lost(without served: [CertificateBundle], among shown: Set<String>) -> [String] {
        // That the store is away, and what is wrong with what it has, is said by the rehearsal of the start.
        guard !store.isVacant else { return [] }
        let served = served.filter(isGood)
        var lenders: (present: [CertificateBundle], before: [CertificateBundle])?
        return shown.sorted().filter { name in
            guard let settings = site.certificates[name], case .acme = settings.issuer else { return false }
            let found: Provided?
            do throws(CertificateProblem) { found = try find(settings) } catch { return false }
            let own = (found ?? stray(settings))?.bundles ?? []
            let lacking = settings.names.filter { wanted in
                !own.contains { $0.covers(wanted) && $0.end >= now } && served.contains { $0.covers(wanted) }
            }
            guard !lacking.isEmpty else { return false }
            if lenders == nil {
                let found = self.lenders(among: shown)
                lenders = (
                    present: found.places.joined().filter(isGood), before: found.before.joined().filter(isGood)
                )
            }
            guard let (present, before) = lenders else { return false }
            return lacking.contains { wanted in
                let offered = served.filter { $0.covers(wanted) }
                let trusted = offered.filter { !isSignedHere($0) }
                let sources = present.contains { $0.covers(wanted) } ? present : before
                let found = sources.filter { $0.covers(wanted) && (trusted.isEmpty || !isSignedHere($0)) }
                let kinds = Set((trusted.isEmpty ? offered : trusted).map(\.algorithm))
                return !kinds.isSubset(of: found.map(\.algorithm))
            }
        }
    }

    private func standIn(
        _ settings: CertificateSettings,
        for names: [HostPattern],
        after earlier: Provided?
    ) -> [CertificateBundle] {
        if let earlier, earlier.isStandIn {
            let texts = Set(names.map { "\($0)" })
            let held = earlier.bundles.filter { bundle in
                !earlier.borrowed.holds(bundle) && isGood(bundle) && Set(bundle.identifiers) == texts
            }
            if !held.isEmpty { return held }
        }
        var part = settings
        part.names = names
        return (try? standIn(part))?.bundles ?? []
    }

    /// Whether clients who trust its CA take it.
    private func isGood(_ bundle: CertificateBundle) -> Bool {
        (try? bundle.requireServable()) != nil && (try? bundle.requireValid(at: now)) != nil
            && !hasTakenBack(bundle.chain) && !hasGivenUp(bundle.chain)
    }
}

extension [CertificateBundle] {
    /// Whether one of them has the same certificates.
    package func holds(_ bundle: CertificateBundle) -> Bool { contains { $0.hasCertificates(of: bundle) } }
}
