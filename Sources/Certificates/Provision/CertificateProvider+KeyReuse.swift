import OpenSSL
package import Site

/// Certificates that keep their key, as `reuse-key` has it.
extension CertificateProvider {
    /// Fails when the current generation has the key of one before, as `reuse-key` has it: to retire that one as if its key
    /// were known to somebody would leave the key in use.
    package func requireOtherKey(_ settings: CertificateSettings) throws(CertificateProblem) {
        let current = try store.currentGeneration(of: settings.name)
        let leaf = try store.loadChain(settings.name, generation: current)[0]
        for number in try store.generations(of: settings.name) where number != current {
            guard let old = try? store.load(settings.name, generation: number) else { continue }
            if old.key.belongs(to: leaf) { throw .sameKey(name: settings.name, generation: number) }
        }
    }
}
