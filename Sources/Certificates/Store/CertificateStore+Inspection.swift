import Linux
import OpenSSL

/// Whether the store is as Gatehouse left it: who may change its folders, and whether its generations are those that the
/// history tells of. Changes nothing.
extension CertificateStore {
    /// What of the store belongs to no certificate, and others than root and this user own or may write: each with what to do.
    /// Nothing is refused for it, since that would be an outage: files that others wrote are, and keys that they may read.
    internal func openPlaces() -> [String] {
        let folders = [".claims", "acme-accounts", "acme-challenges", "plans", "hook-output", "deployed"]
        var found = folders.compactMap { name in
            Self.distrust { () throws(FileError) in try FileWriting.requireOwn(folder: "\(folder)/\(name)") }
        }
        if let lock = Self.distrust({ () throws(FileError) in
            try FileReading.requireTrust("\(folder)/.lock", .ownerOnly)
        }) {
            found.append(lock)
        }
        return found.map(\.description)
    }

    /// The same of certificates' generations, and of the keys of those that are not in use: they are for the way back. And
    /// symbolic links in the places of a certificate's folder and of its generations, through which nothing is read, written or
    /// removed.
    internal func openPlaces(of names: [String]) -> [String] {
        names.filter(Self.isUsable).flatMap(openGenerations).map(\.description)
    }

    private func openGenerations(of name: String) -> [FileError] {
        let entries: [(number: Int, kind: OpenFolder.Kind)]
        do throws(CertificateProblem) {
            entries = try taken(of: name)
        } catch {
            if case .file(let problem) = error, problem.problem == .link { return [problem] }
            return []
        }
        var found: [FileError] = []
        for (number, kind) in entries {
            let path = "\(folder)/\(name)/\(number)"
            switch kind {
            case .link: found.append(FileError(path: path, problem: .link))
            case .folder:
                let home = Self.distrust { () throws(FileError) in try FileWriting.requireOwn(folder: path) }
                if let home { found.append(home) }
                let key = Self.distrust { () throws(FileError) in
                    try FileReading.requireTrust(path + "/key.pem", .ownerOnly)
                }
                // Of what is in use, whoever reads it says so.
                if let key, number != (try? generation(of: name)) { found.append(key) }
            case .other: break
            }
        }
        return found
    }

    /// What a look finds where the wrong people may change, or read, what is there.
    private static func distrust(_ look: () throws(FileError) -> Void) -> FileError? {
        do throws(FileError) {
            try look()
            return nil
        } catch {
            return error.isOfTrust ? error : nil
        }
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
        /// The certificate is the one of the history; the fingerprints are those of its chain.
        package var isOfChain = false
        /// It is the one in use.
        package var isCurrent = false

        /// Another one was put in its place.
        package var isSwapped: Bool { damage == nil && told != nil }

        package var description: String {
            let generation = "certificate \(name): generation \(generation)"
            if let damage {
                // What is to be done about one that is over is another thing than its reader thinks.
                return "\(generation) is damaged (\("\(damage)".prefix { $0 != ";" })): "
                    + (isCurrent || InternalCA.isOwn(name)
                        ? remedy("makes another")
                        : "there is no way back to it, and nobody here can revoke it; "
                            + "`gatehouse certs retire \(name)` deletes its key")
            }
            if isOfChain {
                let another = isCurrent && !InternalCA.isOwn(name) ? ", or \(remedy("makes another"))" : ""
                return "\(generation): WHAT FOLLOWS THE CERTIFICATE IS NOT WHAT THE AUDIT LOG TELLS: it is damaged, or "
                    + "somebody changed it; bring it back from a backup\(another)"
            }
            guard let told else {
                return "\(generation) is in no line of the audit log: lines were taken from its end, or somebody else "
                    + "put the certificate there, or a version that kept no log"
            }
            return "\(generation) IS NOT THE CERTIFICATE OF THE AUDIT LOG, \(told.prefix(16))…, but "
                + "\(found.prefix(16))…: somebody has put another in its place; " + remedy("replaces it", " --new-key")
        }

        /// What brings another: a command, but for the internal CA's root.
        private func remedy(_ does: String, _ options: String = "") -> String {
            switch name {
            case InternalCA.rootName: "bring it back from a backup"
            case InternalCA.intermediateName: "`gatehouse certs ca renew` \(does)"
            default: "`gatehouse certs rotate \(name)\(options)` \(does)"
            }
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
        var told: [String: [Int: AuditEvent]] = [:]
        for event in history.arrivals { told[event.certificate, default: [:]][event.generation] = event }
        let beginning = history.beginning
        var found: [Discrepancy] = []
        let names = if let name { [name] } else { try names() }
        for name in names {
            // What is wrong with a pointer keeps nobody from looking at the others.
            let current = (try? number(of: name, in: pointer(of: name))) ?? 0
            for number in try generations(of: name) {
                let event = told[name]?[number]
                let line = event?.fingerprint
                let chain: [Certificate]
                do throws(CertificateProblem) {
                    guard let found = try self.chain(of: name, generation: number) else { continue }
                    chain = found
                } catch {
                    if error.isDenied { throw error }
                    var damaged = Discrepancy(name: name, generation: number, told: line, found: "", damage: error)
                    damaged.isCurrent = number == current
                    found.append(damaged)
                    continue
                }
                let leaf = chain[0]
                let fingerprint = leaf.fingerprint
                if line == fingerprint, let told = event?.chain, told != chain.fingerprint {
                    var changed = Discrepancy(name: name, generation: number, told: told, found: chain.fingerprint)
                    (changed.isOfChain, changed.isCurrent) = (true, number == current)
                    found.append(changed)
                    continue
                }
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

    /// Why there is no way back to the generation before the current one of `name`, where there should be one: as far as
    /// `history` tells, it was in force, and neither was its key deleted nor it revoked. nil where nothing is wrong.
    internal func faultOfWayBack(of name: String, from history: AuditLog.Findings, now: Int64) -> String? {
        do throws(CertificateProblem) {
            _ = try wayBack(of: name, now: now)
            return nil
        } catch {
            switch error {
            case .noEarlierGeneration:
                guard let number = generationBefore(of: name, in: history) else { return nil }
                return "there is no way back to generation \(number): its key or its certificate IS GONE, and no line "
                    + "of the history tells why; after `gatehouse certs rotate \(name)` there is one to what is in use now"
            // That its time is over is as it should be; what is wrong with the current one is said of that.
            case .revoked, .contents(_, .expired), .contents(_, .notYetValid), .missing, .vacantStore, .noPointer,
                .unusableName:
                return nil
            default:
                return "there is no way back to the generation before: \(error)"
            }
        }
    }

    private func generationBefore(of name: String, in history: AuditLog.Findings) -> Int? {
        var current: Int?
        var before: Int?
        for event in history.entries.map(\.event) where event.certificate == name {
            switch event.kind {
            case .issued, .imported, .standbyUsed: (before, current) = (current, event.generation)
            // Of those before it, the keys were deleted when the one came that was gone back from.
            case .rolledBack: (before, current) = (nil, event.generation)
            case .retired, .revoked: if event.generation == before { before = nil }
            case .offered, .promoted, .begun: break
            }
        }
        guard let before, let current, before < current else { return nil }
        return (try? currentGeneration(of: name)) == current ? before : nil
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
        // That the key of one was deleted does not tell where it came from.
        let told = Set(history.arrivals.filter { $0.certificate == name }.map(\.generation))
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

    /// The lines that tell which certificate a generation has.
    fileprivate var arrivals: [AuditEvent] { entries.map(\.event).filter(\.kind.makesGeneration) }
}

extension AuditEvent.Kind {
    /// Whether the line tells which certificate a generation has.
    internal var makesGeneration: Bool {
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
