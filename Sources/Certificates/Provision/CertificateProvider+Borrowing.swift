package import OpenSSL
package import Site

/// What is shown for names for which an ACME server has given nothing yet, where something good is there: clients who got a
/// certificate that they can verify go on to get one.
extension CertificateProvider {
    /// Whether an ACME server is yet to give it, for all of its names or some.
    package func lacksNames(_ settings: CertificateSettings, _ provided: Provided) -> Bool {
        guard case .acme = settings.issuer else { return false }
        return provided.isStandIn || settings.names.contains { name in !provided.bundles.contains { $0.covers(name) } }
    }

    /// Good certificates for names, by the name that they have: it, or the wildcard above it.
    ///
    /// - Parameter places: by where they come from, each with a certificate for each kind of key. The first counts, but those
    ///   of the internal CA, which browsers refuse, come last.
    package func good(for names: [HostPattern], in places: [[CertificateBundle]]) -> [String: [CertificateBundle]] {
        let wanted = Set(names.flatMap(Self.spellings))
        let good = places.map { place in
            place.filter { !wanted.isDisjoint(with: $0.identifiers) && isGood($0) }
        }.filter { !$0.isEmpty }
        var found: [String: [CertificateBundle]] = [:]
        for place in good.filter({ !isOfOwnRoot($0[0]) }) + good.filter({ isOfOwnRoot($0[0]) }) {
            var named: [String: [CertificateBundle]] = [:]
            for bundle in place {
                for name in wanted.intersection(bundle.identifiers) { named[name, default: []].append(bundle) }
            }
            found.merge(named) { first, _ in first }
        }
        return found
    }

    /// What a certificate may have that covers a name.
    private static func spellings(_ name: HostPattern) -> [String] {
        let text = "\(name)"
        guard case .exact = name, let dot = text.firstIndex(of: ".") else { return [text] }
        return [text, "*\(text[dot...])"]
    }

    /// The certificate with good ones of others for the names that it lacks. What stands in is for what then remains.
    ///
    /// - Parameters:
    ///   - good: what `good(for:in:)` found.
    ///   - earlier: the certificate as it was before; what stood in goes on to.
    package func borrowing(
        _ settings: CertificateSettings,
        _ provided: Provided,
        from good: [String: [CertificateBundle]],
        after earlier: Provided?
    ) -> Provided {
        let own = provided.isStandIn ? [] : provided.bundles
        var borrowed: [CertificateBundle] = []
        var found: [String] = []
        var rest: [HostPattern] = []
        for name in settings.names where !own.contains(where: { $0.covers(name) }) {
            guard let bundles = Self.spellings(name).compactMap({ good[$0] }).first else {
                rest.append(name)
                continue
            }
            found.append("\(name)")
            for bundle in bundles where !borrowed.holds(bundle) { borrowed.append(bundle) }
        }
        guard !borrowed.isEmpty else { return provided }
        var filled = provided
        filled.bundles = own + borrowed
        filled.borrowed = borrowed
        filled.renewal = min(provided.renewal ?? .max, now + InternalCA.retryTime)
        let end = borrowed.map(\.end).min() ?? 0
        var words = [
            "certificate \(settings.name): its ACME server has given none for \(found.joined(separator: ", ")) yet, so a good "
                + "one that is there is shown, until \(UTC.text(end)) at most; `gatehouse certs issue \(settings.name)` asks"
        ]
        if provided.isStandIn, !rest.isEmpty {
            filled.bundles += standIn(settings, for: rest, after: earlier)
            words.append(
                "certificate \(settings.name): for \(rest.map { "\($0)" }.joined(separator: ", ")) one of the internal CA stands "
                    + "in, which browsers refuse"
            )
        }
        // What is told of a stand-in for all names is not so; of damage, it is.
        filled.warnings = (provided.isStandIn && !provided.isMakeshift ? [] : provided.warnings) + words
        return filled
    }

    /// Good certificates of the store that the site file does not name: they were served under those names, it may be.
    package func unnamedBundles() -> [[CertificateBundle]] {
        unnamedStandings().compactMap { standing in
            guard let number = standing.generation, !store.isRevoked(standing.name, generation: number),
                let bundle = try? store.loadAsTold(standing.name, generation: number)
            else { return nil }
            return [bundle]
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
            && (try? memo.standing(in: store))?.hasTakenBack(bundle.chain) != true
    }

    private func isOfOwnRoot(_ bundle: CertificateBundle) -> Bool {
        guard let root = (try? memo.standing(in: store))?.root else { return false }
        return bundle.chain.contains { $0.isIssued(by: root) }
    }
}

extension [CertificateBundle] {
    /// Whether one of them has the same certificates.
    package func holds(_ bundle: CertificateBundle) -> Bool { contains { $0.hasCertificates(of: bundle) } }
}
