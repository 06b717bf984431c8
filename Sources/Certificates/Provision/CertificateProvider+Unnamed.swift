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

    private var unnamed: [String] {
        let known = knownNames
        return ((try? store.names()) ?? []).filter { !known.contains($0) }.sorted()
    }

    /// For which names they are, so that only those are loaded, with their keys, that somebody lacks.
    package struct UnnamedNames: Sendable {
        internal struct Entry: Sendable {
            let generation: Int
            /// The pointer, and the certificate of that generation, before they were read.
            let stamps: [FileStamp?]
            let identifiers: [String]
        }

        fileprivate var entries: [String: Entry] = [:]
        /// The same of the generations before those in use of certificates that the site file names.
        internal var before: [String: Entry] = [:]

        package init() {}
    }

    /// Those that may be shown for some of `names`: they were served under them, it may be.
    ///
    /// - Parameter known: what was found before; what is there now, afterwards.
    package func unnamedBundles(
        for names: [HostPattern],
        knowing known: inout UnnamedNames
    ) -> [[CertificateBundle]] {
        let places = unnamed
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
    package func isUnnamed(_ name: String) -> Bool {
        !knownNames.contains(name) && (try? store.names())?.contains(name) ?? false
    }

    /// The names that have their place in the store: certificates of the site file, their standbys, and the store's own.
    private var knownNames: Set<String> {
        let certificates = site.certificates.values
        return Set(
            certificates.map(\.name) + certificates.compactMap(\.standbyCertificate?.name)
        ).union(CertificateSettings.reservedNames)
    }

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
