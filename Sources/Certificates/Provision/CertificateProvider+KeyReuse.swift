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
            // Its own key may be gone: the certificate tells the same.
            guard let leaf = try store.leaf(of: name, generation: old), key.belongs(to: leaf) else { continue }
            throw .sameKey(name: name, generation: old)
        }
    }
}
