import Linux
import OpenSSL
import Site

/// Certificates of the store that the site file does not name: they left it, or are another site's. Nothing of this site
/// renews them, and what they have of keys stays until somebody deletes it.
extension CertificateProvider {
    /// How they stand, in the order of their names.
    package func unnamedStandings() -> [CertificateStanding] {
        let known = knownNames
        return ((try? store.names()) ?? []).filter { !known.contains($0) }.sorted().map { name in
            var standing = CertificateStanding(unnamed: name)
            standing.generation = try? store.currentGeneration(of: name)
            if let chain = try? store.loadChain(name), let leaf = chain.first {
                standing.leaves = [leaf]
                standing.ends = [chain.map(\.validity.upperBound).min() ?? 0]
            }
            return standing
        }
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
