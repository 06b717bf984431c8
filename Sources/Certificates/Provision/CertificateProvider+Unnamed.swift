import Linux
package import OpenSSL
package import Site

/// Certificates of the store that the site file does not name: they left it, or are another site's. Nothing of this site
/// renews them, and what they have of keys stays until somebody deletes it.
extension CertificateProvider {
    /// How they stand, in the order of their names.
    package func unnamedStandings() -> [CertificateStanding] {
        unnamed.map { name in
            var standing = CertificateStanding(unnamed: name)
            standing.generation = try? store.currentGeneration(of: name)
            if let chain = try? store.loadChain(name), let leaf = chain.first {
                standing.leaves = [leaf]
                standing.ends = [chain.end]
            }
            return standing
        }
    }

    private var unnamed: [String] { stored(besides: site.certificates.keys) }

    /// What no listener shows as the store has it: also those of the site file that are for other programs alone, or that come from
    /// files by now.
    private var unshown: [String] {
        let shown = shownNames
        return stored(
            besides: site.certificates.values.filter { $0.issuer.isStored && shown.contains($0.name) }.map(\.name)
        )
    }

    /// The store's certificates in the order of their names, without the standbys of the site's, and what the store has for itself.
    private func stored(besides names: some Sequence<String>) -> [String] {
        let others = Set(names).union(site.certificates.values.compactMap(\.standbyCertificate?.name))
            .union(CertificateSettings.reservedNames)
        return ((try? store.names()) ?? []).filter { !others.contains($0) }.sorted()
    }

    /// The names of the site's certificates that listeners show.
    internal var shownNames: Set<String> { Set(site.gateway?.listeners.flatMap { $0.tls?.certificates ?? [] } ?? []) }

    /// For which names those are that no listener shows, so that only those are loaded, with their keys, that somebody lacks.
    package struct UnnamedNames: Sendable {
        internal struct Entry: Sendable {
            let generation: Int
            /// The pointer, and the certificate of that generation, before they were read.
            let stamps: [FileStamp?]
            let identifiers: [String]
        }

        fileprivate var entries: [String: Entry] = [:]
        /// The same of the generations before those in use, of certificates that the site file has issued.
        internal var before: [String: Entry] = [:]

        package init() {}
    }

    /// Those that no listener shows, and that may be shown for some of `names`: they were served under them, it may be.
    ///
    /// - Parameter known: what was found before; what is there now, afterwards.
    package func unshownBundles(
        for names: [HostPattern],
        knowing known: inout UnnamedNames
    ) -> [[CertificateBundle]] {
        let places = unshown
        let entries = Parallel.map(places) { [self, before = known.entries] name in
            entry(of: name, after: before[name])
        }
        known.entries = [:]
        for (name, entry) in zip(places, entries) { known.entries[name] = entry }
        let wanted = Wanted(names)
        return zip(places, entries).compactMap { name, entry in
            guard let entry, wanted.isAmong(entry.identifiers),
                !store.isRevoked(name, generation: entry.generation),
                let bundle = try? store.loadAsTold(name, generation: entry.generation)
            else { return nil }
            return [bundle]
        }
    }

    private func entry(of name: String, after earlier: UnnamedNames.Entry?) -> UnnamedNames.Entry? {
        let pointer = FileStamp(store.pointer(of: name))
        func look(at number: Int) -> [FileStamp?] {
            [pointer, FileStamp("\(store.folder)/\(name)/\(number)/fullchain.pem")]
        }
        if let earlier, look(at: earlier.generation) == earlier.stamps { return earlier }
        guard let number = try? store.currentGeneration(of: name) else { return nil }
        let stamps = look(at: number)
        guard let leaf = try? store.loadChain(name, generation: number).first else { return nil }
        return UnnamedNames.Entry(generation: number, stamps: stamps, identifiers: leaf.identifiers)
    }

    /// Whether the store has such a one.
    package func isUnnamed(_ name: String) -> Bool { unnamed.contains(name) }

    /// Deletes all keys of such a one. Its certificates stay, so that they can be revoked when the site file names it again: then
    /// another is issued, with which those go that have ended.
    ///
    /// - Returns: the generations whose keys were there.
    package func retireUnnamed(_ name: String, reason: String) throws(CertificateProblem) -> [Int] {
        try ordered { () throws(CertificateProblem) in
            try store.requireNoTrial(of: name, now: moment)
            let generations = try store.generations(of: name)
            let held = generations.filter { store.hasKey(of: name, generation: $0) }
            try ACMEAccountStore.deletePendingOrders(for: name, in: store)
            try store.removeKeys(of: name, reason: "\(reason) (the site file does not name it)", now: moment)
            // Last: as long as it is there, the certificate is told of.
            try store.delete(store.pointer(of: name))
            store.prune(name, generations, now: moment)
            ACMEAccountStore.endPendingOrders(for: name, in: store)
            return held
        }
    }
}
