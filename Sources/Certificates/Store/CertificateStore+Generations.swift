import Linux
package import OpenSSL

/// Generations beside the current one: what is there, the way back, and the end of old keys. Callers hold the lock.
extension CertificateStore {
    /// The store's history.
    package var audit: AuditLog { AuditLog(path: folder + "/audit.log") }

    /// The generations that are not the current one, ascending, whole or not.
    ///
    /// - Parameter number: the one of them that is meant; nil for all.
    package func generations(of name: String, besidesCurrentOr number: Int?) throws(CertificateProblem) -> [Int] {
        let current = try currentGeneration(of: name)
        let all = try generations(of: name)
        guard let number else { return all.filter { $0 != current } }
        guard number != current else { throw .currentGeneration(name: name, number) }
        guard all.contains(number) else { throw .noGeneration(name: name, number) }
        return [number]
    }

    /// The certificate of a generation, also of one whose key is gone; nil where a crash left none.
    package func leaf(of name: String, generation number: Int) throws(CertificateProblem) -> Certificate? {
        try chain(of: name, generation: number)?.first
    }

    /// The same with its issuers.
    internal func chain(of name: String, generation number: Int) throws(CertificateProblem) -> [Certificate]? {
        do throws(CertificateProblem) {
            return try CertificateSource.loadChain(file("fullchain.pem", of: name, number), followsLink: false)
        } catch {
            guard case .file(let problem) = error, problem.isNoSuchFile else { throw error }
            return nil
        }
    }

    /// The generation before the current one, where it is whole, valid at `now` and not revoked; nil where it is not. Where no
    /// pointer says which is the current one, the last.
    internal func earlierGeneration(of name: String, now: Int64) -> (number: Int, bundle: CertificateBundle)? {
        let current = (try? generation(of: name)) ?? .max
        guard let number = try? generations(of: name).last(where: { $0 < current }),
            !isRevoked(name, generation: number), let bundle = try? loadAsTold(name, generation: number),
            (try? bundle.requireValid(at: now)) != nil, !hasRevokedIntermediate(bundle)
        else { return nil }
        return (number, bundle)
    }

    /// The number of the last generation before the current one that is whole; nil where there is none.
    internal func generationBefore(of name: String) throws(CertificateProblem) -> Int? {
        guard let current = try generation(of: name) else { return nil }
        return try generations(of: name).last { $0 < current && isWhole(name, generation: $0) }
    }

    /// Whether the key of the current generation of `name` is there.
    internal func hasKey(of name: String) -> Bool {
        guard let number = try? currentGeneration(of: name) else { return false }
        return hasKey(of: name, generation: number)
    }

    internal func hasKey(of name: String, generation number: Int) -> Bool {
        FileWriting.exists(file("key.pem", of: name, number))
    }

    /// Whether neither crash nor retirement has left a part of it alone.
    private func isWhole(_ name: String, generation number: Int) -> Bool {
        hasKey(of: name, generation: number) && FileWriting.exists(file("fullchain.pem", of: name, number))
    }

    private func file(_ file: String, of name: String, _ number: Int) -> String {
        "\(folder)/\(name)/\(number)/\(file)"
    }

    // MARK: The way back

    /// Makes the generation in force before the current one the current one again: the last before it that is whole.
    ///
    /// - Parameter now: seconds since 1970; what is not valid then, or was revoked, is not gone back to.
    /// - Returns: what is current now.
    package func rollBack(_ name: String, reason: String, now: Int64) throws(CertificateProblem) -> CertificateBundle {
        let (number, bundle) = try wayBack(of: name, now: now)
        try goBack(name, to: number, bundle, reason: reason, now: now)
        return bundle
    }

    /// What `rollBack` makes the current one, or why it makes none so.
    internal func wayBack(
        of name: String,
        now: Int64
    ) throws(CertificateProblem) -> (number: Int, bundle: CertificateBundle) {
        let current = try currentGeneration(of: name)
        let before = try generations(of: name).last { $0 < current && isWhole(name, generation: $0) }
        // Of several gateways' trials, the last that clients were shown without one.
        let inForce = try trials(of: name, now: now).map(\.inForce).filter { $0 < current }.max()
        guard let earlier = inForce ?? before else { throw .noEarlierGeneration(name: name) }
        guard !isRevoked(name, generation: earlier) else { throw .revoked(name: name, earlier) }
        let bundle = try loadAsTold(name, generation: earlier)
        do throws(CertificateError) {
            try bundle.requireValid(at: now)
        } catch {
            throw .contents(path: file("fullchain.pem", of: name, earlier), error)
        }
        guard !hasRevokedIntermediate(bundle) else { throw .revoked(name: name, earlier) }
        return (earlier, bundle)
    }

    private func hasRevokedIntermediate(_ bundle: CertificateBundle) -> Bool {
        (try? InternalCAStanding(in: self))?.hasTakenBack(bundle.chain) == true
    }

    /// Makes what was served before the current generation the current one again, whatever became of its own generation
    /// meanwhile.
    package func restore(
        _ bundle: CertificateBundle,
        as name: String,
        reason: String,
        now: Int64
    ) throws(CertificateProblem) {
        if let number = try generation(holding: bundle, of: name) {
            try goBack(name, to: number, bundle, reason: reason, now: now)
        } else {
            try save(bundle, as: name, .rolledBack, reason: reason, now: now)
        }
    }

    private func goBack(
        _ name: String,
        to number: Int,
        _ bundle: CertificateBundle,
        reason: String,
        now: Int64
    ) throws(CertificateProblem) {
        try point(name, backTo: number) { () throws(CertificateProblem) in
            try audit.append(event(.rolledBack, name, number, bundle.leaf, reason, chain: bundle.chain), now: now)
        }
    }

    /// The last generation that is whole and has this certificate; nil when there is none.
    internal func generation(holding bundle: CertificateBundle, of name: String) throws(CertificateProblem) -> Int? {
        for number in try generations(of: name).reversed() where isWhole(name, generation: number) {
            // One that is damaged is another.
            if let leaf = try? leaf(of: name, generation: number), leaf.der == bundle.leaf.der { return number }
        }
        return nil
    }

    // MARK: The end

    /// Deletes the keys of the generations that are not current. Their certificates stay until they end, for their CA to
    /// take them back. One that cannot be deleted keeps no other.
    ///
    /// - Parameter number: the one generation that is meant; nil for all.
    /// - Returns: the numbers of those whose keys were there.
    package func retire(
        _ name: String,
        only number: Int? = nil,
        reason: String,
        now: Int64
    ) throws(CertificateProblem) -> [Int] {
        try requireNoTrial(of: name, now: now)
        var gone: [Int] = []
        var problem: CertificateProblem?
        for old in try generations(of: name, besidesCurrentOr: number) {
            do throws(CertificateProblem) {
                if try deleteKey(of: name, generation: old, reason: reason, now: now) { gone.append(old) }
                removeIfEnded(name, generation: old, now: now)
            } catch {
                problem = problem ?? error
            }
        }
        if let problem { throw problem }
        return gone
    }

    /// Deletes every generation, the current one included, keys first.
    internal func forget(_ name: String) throws(CertificateProblem) {
        try delete(pointer(of: name))
        for number in try generations(of: name) {
            do throws(FileError) {
                try openFolder(of: name, generation: number).delete("key.pem")
            } catch {
                throw .file(error)
            }
            removeFolder(of: name, generation: number)
        }
    }

    internal func removeFolder(of name: String, generation number: Int) {
        guard let home = try? openFolder(of: name) else { return }
        home.removeFolder("\(number)", first: "key.pem")
    }

    /// Deletes a file for certain; one that is not there is no error.
    internal func delete(_ path: String) throws(CertificateProblem) {
        do throws(FileError) {
            try FileWriting.delete(path)
        } catch {
            throw .file(error)
        }
    }

    /// Deletes the keys of every generation of `name`, the current one included; the certificates stay.
    ///
    /// - Throws: `keyRemains` when one of them is still there; the others are gone then.
    internal func removeKeys(of name: String, reason: String, now: Int64) throws(CertificateProblem) {
        var problem: CertificateProblem?
        for number in try generations(of: name) {
            do throws(CertificateProblem) {
                _ = try deleteKey(of: name, generation: number, reason: reason, now: now)
            } catch {
                problem = problem ?? error
            }
        }
        if let problem { throw problem }
    }

    /// The history is told when the key is gone, and not before: it tells nothing that did not happen.
    ///
    /// - Returns: whether it was there.
    /// - Throws: `keyRemains` when it still is.
    private func deleteKey(
        of name: String,
        generation number: Int,
        reason: String,
        now: Int64
    ) throws(CertificateProblem) -> Bool {
        do throws(FileError) {
            // Also what a write left that was broken off.
            let home = try openFolder(of: name, generation: number)
            let keys = try home.names().filter { $0 == "key.pem" || $0.hasPrefix(".key.pem.") }
            guard !keys.isEmpty else { return false }
            for key in keys { try home.delete(key) }
        } catch {
            throw .keyRemains(error)
        }
        let leaf: Certificate?
        do throws(CertificateProblem) {
            leaf = try self.leaf(of: name, generation: number)
        } catch {
            let event = AuditEvent(
                .retired,
                certificate: name,
                generation: number,
                fingerprint: "",
                issuer: "",
                reason: "\(reason) (of a certificate that cannot be read)"
            )
            try audit.append(event, now: now)
            return true
        }
        // Of one that a crash left half written, no certificate is known.
        if let leaf { try audit.append(event(.retired, name, number, leaf, reason), now: now) }
        return true
    }

    /// Only tidiness: what cannot be removed now goes with the next. What a write left that was broken off goes with its
    /// folder, which has no certificate.
    ///
    /// - Parameter generations: those that are there, ascending.
    internal func prune(_ name: String, _ generations: [Int], keeping kept: Set<Int> = [], now: Int64) {
        var mayHaveEnded = true
        for old in generations where !kept.contains(old) {
            // Asked first: of many that wait for their end, few have a key, and folders need not be opened for them.
            if hasKey(of: name, generation: old) { try? openFolder(of: name, generation: old).remove("key.pem") }
            // The oldest end first: when one has not, those after it are not read.
            if mayHaveEnded || !FileWriting.exists(file("fullchain.pem", of: name, old)) {
                mayHaveEnded = removeIfEnded(name, generation: old, now: now)
            }
        }
    }

    /// Removes a generation whose certificate has ended, or was never written.
    @discardableResult
    private func removeIfEnded(_ name: String, generation number: Int, now: Int64) -> Bool {
        let leaf: Certificate?
        do throws(CertificateProblem) { leaf = try self.leaf(of: name, generation: number) } catch { return false }
        if let leaf, leaf.validity.upperBound >= now { return false }
        removeFolder(of: name, generation: number)
        return true
    }

    /// Notes that the CA is told to take a generation back. Said before it is: there is no way back to it from here on, also
    /// when this is broken off.
    internal func markRevoked(
        _ name: String,
        generation number: Int,
        _ reason: RevocationReason
    ) throws(CertificateProblem) {
        guard try currentGeneration(of: name) != number else { throw .currentGeneration(name: name, number) }
        try write("\(reason.rawValue)\n", to: file("revoked", of: name, number))
        removeScraps(of: name, generation: number)
    }

    /// Its CA did not take it back.
    internal func unmarkRevoked(_ name: String, generation number: Int) throws(CertificateProblem) {
        try delete(file("revoked", of: name, number))
    }

    internal func isRevoked(_ name: String, generation number: Int) -> Bool {
        FileWriting.exists(file("revoked", of: name, number))
    }

    internal func event(
        _ kind: AuditEvent.Kind,
        _ name: String,
        _ generation: Int,
        _ leaf: Certificate,
        _ reason: String,
        chain: [Certificate]? = nil
    ) -> AuditEvent {
        AuditEvent(
            kind,
            certificate: name,
            generation: generation,
            fingerprint: leaf.fingerprint,
            chain: chain?.fingerprint,
            issuer: leaf.issuer,
            reason: reason
        )
    }
}
