import OpenSSL
package import Site

/// Certificates that keep their key, as `reuse-key` has it.
extension CertificateProvider {
    /// Fails when the current generation has the key of another one: to retire or revoke that one as if its key were known
    /// to somebody would leave the key in use.
    ///
    /// - Parameter number: the one generation that is meant; nil for all but the current one.
    package func requireOtherKey(_ settings: CertificateSettings, only number: Int? = nil) throws(CertificateProblem) {
        let name = settings.name
        let key = try store.load(name).key
        for old in try store.generations(of: name, besidesCurrentOr: number) {
            if try holds(key, name, generation: old) { throw .sameKey(name: name, generation: old) }
        }
    }

    private func holds(_ key: PrivateKey, _ name: String, generation: Int) throws(CertificateProblem) -> Bool {
        do throws(CertificateProblem) {
            // Its own key may be gone: the certificate tells the same.
            return try store.leaf(of: name, generation: generation).map { key.belongs(to: $0) } ?? false
        } catch {
            // Where the certificate is damaged, its key tells, as far as it is there.
            let held = try? CertificateSource.loadKey(store.path(name, generation: generation) + "/key.pem")
            return held?.isSame(as: key) ?? false
        }
    }
}
