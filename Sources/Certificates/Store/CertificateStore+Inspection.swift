import Linux
import OpenSSL

/// Whether the store is as Gatehouse left it: who may change its folders, and whether its generations are those that the
/// history tells of. Changes nothing.
extension CertificateStore {
    /// Folders within the store that others than root and this user own or may write, each with what to do: those of
    /// generations, and those that belong to no certificate. Nothing is refused for them, since that would be an outage: files
    /// that others wrote are, and keys that they may read.
    ///
    /// - Parameter names: certificates whose generations are looked at, besides the internal CA's.
    package func openFolders(of names: [String]) -> [String] {
        var paths = ["acme-accounts", "acme-challenges", "plans", "hook-output", "deployed"].map { "\(folder)/\($0)" }
        for name in [InternalCA.rootName, InternalCA.intermediateName] + names {
            paths += ((try? generations(of: name)) ?? []).map { "\(folder)/\(name)/\($0)" }
        }
        return paths.compactMap { path in
            do throws(FileError) {
                try FileWriting.requireOwn(folder: path)
                return nil
            } catch {
                return error.isOfTrust ? "\(error)" : nil
            }
        }
    }

    /// Symbolic links in the places of a certificate's folder and of its generations: nothing is read, written or removed
    /// through them. Each with what to do.
    internal func links(of names: [String]) -> [String] {
        var found: [FileError] = []
        for name in names where Self.isUsable(name) {
            do throws(CertificateProblem) {
                for entry in try taken(of: name) where entry.kind == .link {
                    found.append(FileError(path: "\(folder)/\(name)/\(entry.number)", problem: .link))
                }
            } catch {
                if case .file(let problem) = error, problem.problem == .link { found.append(problem) }
            }
        }
        return found.map(\.description)
    }

    /// A generation that does not fit the history.
    package struct Discrepancy: Sendable, Equatable, CustomStringConvertible {
        package let name: String
        package let generation: Int
        /// SHA-256 of the certificate that the history tells of; nil when it tells of none.
        package let told: String?
        /// That of the certificate that is there; empty where it cannot be read.
        package let found: String
        /// Why it cannot be read; nil where it can.
        package var damage: CertificateProblem?
        /// It is the one in use.
        package var isCurrent = false

        /// Another one was put in its place.
        package var isSwapped: Bool { damage == nil && told != nil }

        package var description: String {
            let generation = "certificate \(name): generation \(generation)"
            if let damage {
                // What is to be done about one that is over is another thing than its reader thinks.
                return "\(generation) is damaged (\("\(damage)".prefix { $0 != ";" })): "
                    + (isCurrent
                        ? "`gatehouse certs rotate \(name)` makes another"
                        : "there is no way back to it, and nobody here can revoke it; "
                            + "`gatehouse certs retire \(name)` deletes its key")
            }
            guard let told else {
                return "\(generation) is in no line of the audit log: lines were taken from its end, or somebody else "
                    + "put the certificate there, or a version that kept no log"
            }
            return "\(generation) IS NOT THE CERTIFICATE OF THE AUDIT LOG, \(told.prefix(16))…, but "
                + "\(found.prefix(16))…: somebody has put another in its place; "
                + "`gatehouse certs rotate \(name) --new-key` replaces it"
        }
    }

    /// Generations that `history` does not tell of, of which it names another certificate, or that are damaged. Above the
    /// current one, those that it does not tell of are what a crash left.
    ///
    /// - Parameter name: whose generations; nil for all that the store has.
    package func discrepancies(
        from history: AuditLog.Findings,
        of name: String? = nil
    ) throws(CertificateProblem) -> [Discrepancy] {
        var told: [String: [Int: String]] = [:]
        for event in history.entries.map(\.event) where event.kind.makesGeneration {
            told[event.certificate, default: [:]][event.generation] = event.fingerprint
        }
        let beginning = history.beginning
        var found: [Discrepancy] = []
        let names = if let name { [name] } else { try names() }
        for name in names {
            // What is wrong with a pointer keeps nobody from looking at the others.
            let current = (try? number(of: name, in: pointer(of: name))) ?? 0
            for number in try generations(of: name) {
                let line = told[name]?[number]
                let leaf: Certificate
                do throws(CertificateProblem) {
                    guard let found = try self.leaf(of: name, generation: number) else { continue }
                    leaf = found
                } catch {
                    if error.isDenied { throw error }
                    var damaged = Discrepancy(name: name, generation: number, told: line, found: "", damage: error)
                    damaged.isCurrent = number == current
                    found.append(damaged)
                    continue
                }
                let fingerprint = leaf.fingerprint
                // Where the history does not hold, what follows the fault is not known; nothing follows a last line that is
                // cut short, and the store changes only after its line is whole.
                let isUnknown = history.fault != nil && !history.isCutShort
                if line == fingerprint || (line == nil && (number > current || isUnknown)) { continue }
                if line == nil, let beginning, leaf.validity.lowerBound <= beginning { continue }
                found.append(Discrepancy(name: name, generation: number, told: line, found: fingerprint))
            }
        }
        return found
    }

    /// All that has generations, in the order of their names.
    internal func names() throws(CertificateProblem) -> [String] {
        do throws(FileError) {
            return try FileReading.names(inFolder: folder).filter {
                Self.isUsable($0) && !FileWriting.isLink("\(folder)/\($0)") && FileWriting.exists(pointer(of: $0))
            }
        } catch {
            if error.isNoSuchFile { return [] }
            throw .file(error)
        }
    }

    /// Removes what a crash left above the current generation, before its history was told: numbers grow past it, and it
    /// would be taken for one that somebody put there. The store is locked.
    internal func removeUntold(_ name: String, above current: Int, of numbers: [Int]) {
        guard let last = numbers.last, last > current, let history = try? audit.verify(), history.fault == nil else {
            return
        }
        let told = Set(history.entries.map(\.event).filter { $0.certificate == name }.map(\.generation))
        // A version that kept no log may have gone back from them.
        guard current == 0 || told.contains(current) else { return }
        for number in numbers where number > current && !told.contains(number) {
            // What was there before this history is no leftover, also where the pointer was lost.
            if let beginning = history.beginning, wasThere(name, generation: number, by: beginning) { continue }
            removeFolder(of: name, generation: number)
        }
    }

    /// Whether a generation's certificate was valid already at `moment`; one that cannot be read may have been.
    private func wasThere(_ name: String, generation number: Int, by moment: Int64) -> Bool {
        do throws(CertificateProblem) {
            return try leaf(of: name, generation: number).map { $0.validity.lowerBound <= moment } ?? false
        } catch {
            return true
        }
    }
}

extension AuditLog.Findings {
    /// When it began where another was set aside, as it says itself: it tells nothing of what was there by then. Seconds
    /// since 1970; nil for a store's first history.
    fileprivate var beginning: Int64? { entries.first.flatMap { $0.event.kind == .begun ? $0.moment : nil } }
}

extension AuditEvent.Kind {
    /// Whether the line tells which certificate a generation has.
    fileprivate var makesGeneration: Bool {
        switch self {
        case .issued, .imported, .standbyUsed, .rolledBack: true
        default: false
        }
    }
}

extension FileError {
    /// It is there, and the wrong people may change it.
    fileprivate var isOfTrust: Bool {
        switch problem {
        case .foreignOwner, .tooOpen, .link: true
        default: false
        }
    }
}
