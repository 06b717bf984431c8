import OpenSSL

/// What is told of the store's generations, and of its history beside them.
extension CertificateProvider {
    /// The store's history.
    package var audit: AuditLog { store.audit }

    /// What does not fit between the store's generations and its history.
    ///
    /// - Parameter name: whose generations; nil for all that the store has.
    package func discrepancies(
        from history: AuditLog.Findings,
        of name: String? = nil
    ) throws(CertificateProblem) -> [CertificateStore.Discrepancy] {
        do throws(CertificateProblem) {
            return try store.discrepancies(from: history, of: name)
        } catch {
            throw storeProblem(error)
        }
    }

    /// Why `rollBack` would not go back to the generation before the current one, where it should be there.
    package func faultOfWayBack(of name: String, from history: AuditLog.Findings) -> String? {
        store.faultOfWayBack(of: name, from: history, now: now)
    }

    /// The generations that `retire` is for, and whether their keys are there; none where it refuses them.
    package func generationsToRetire(of name: String, only number: Int?) -> [(number: Int, hasKey: Bool)] {
        let numbers = (try? store.generations(of: name, besidesCurrentOr: number)) ?? []
        return numbers.map { (number: $0, hasKey: store.hasKey(of: name, generation: $0)) }
    }

    /// SHA-256 of the certificates of these generations, or of all, as far as they are there.
    package func fingerprints(of name: String, generations: [Int]? = nil) -> [String] {
        (generations ?? (try? store.generations(of: name)) ?? []).compactMap { number in
            do throws(CertificateProblem) {
                return try store.leaf(of: name, generation: number)?.fingerprint
            } catch {
                return nil
            }
        }
    }
}
