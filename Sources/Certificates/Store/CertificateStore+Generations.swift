import Linux
package import OpenSSL

/// Generations beside the current one: what is there, the way back, and the end of old keys. Callers hold the lock.
extension CertificateStore {
    /// The store's history.
    package var audit: AuditLog { AuditLog(path: folder + "/audit.log") }

    /// Makes the last generation before the current one the current one again.
    ///
    /// - Parameter now: seconds since 1970; what is not valid then is not gone back to.
    /// - Returns: what is current now.
    package func rollBack(_ name: String, reason: String, now: Int64) throws(CertificateProblem) -> CertificateBundle {
        let current = try currentGeneration(of: name)
        guard let earlier = try generations(of: name).last(where: { $0 < current }) else {
            throw .noEarlierGeneration(name: name)
        }
        let bundle = try load(name, generation: earlier)
        do throws(CertificateError) {
            try bundle.requireValid(at: now)
        } catch {
            throw .contents(path: "\(folder)/\(name)/\(earlier)/fullchain.pem", error)
        }
        try audit.append(event(.rolledBack, name, earlier, bundle, reason), now: now)
        try point(name, to: earlier)
        return bundle
    }

    /// Deletes every generation but the current one, keys first.
    ///
    /// - Returns: the numbers of those that are gone.
    package func retire(_ name: String, reason: String, now: Int64) throws(CertificateProblem) -> [Int] {
        let current = try currentGeneration(of: name)
        let old = try generations(of: name).filter { $0 != current }
        guard !old.isEmpty else { return [] }
        try audit.append(event(.retired, name, current, try load(name), reason), now: now)
        for number in old { try remove(name, generation: number) }
        return old
    }

    /// Deletes every generation, the current one included, keys first.
    internal func forget(_ name: String) throws(CertificateProblem) {
        FileWriting.remove(pointer(of: name))
        for number in try generations(of: name) { try remove(name, generation: number) }
    }

    /// Whether the key of the current generation of `name` is there.
    internal func hasKey(of name: String) -> Bool {
        guard let number = try? currentGeneration(of: name) else { return false }
        return FileWriting.exists("\(folder)/\(name)/\(number)/key.pem")
    }

    /// Deletes the keys of every generation of `name`, the current one included; the certificates stay.
    internal func removeKeys(of name: String, reason: String, now: Int64) throws(CertificateProblem) {
        let current = try currentGeneration(of: name)
        try audit.append(event(.retired, name, current, try load(name), reason), now: now)
        for number in try generations(of: name) { FileWriting.remove("\(folder)/\(name)/\(number)/key.pem") }
    }

    internal func event(
        _ kind: AuditEvent.Kind,
        _ name: String,
        _ generation: Int,
        _ bundle: CertificateBundle,
        _ reason: String
    ) -> AuditEvent {
        AuditEvent(
            kind,
            certificate: name,
            generation: generation,
            fingerprint: bundle.leaf.fingerprint,
            issuer: bundle.leaf.issuer,
            reason: reason
        )
    }
}
