import Glibc
import Linux
import OpenSSL

/// Histories that do not hold: certificates are renewed all the same, since a damaged log must not become an outage. What
/// there is goes out of the way under a name of its own, `audit.log.damaged-N`, and the first line of the next history
/// tells of it. As long as it lies there, everything that shows the store says so: who has looked into it takes it away.
extension AuditLog {
    private var folder: String { path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "." }
    private var prefix: String { path.split(separator: "/").last.map(String.init).map { $0 + ".damaged-" } ?? "" }

    /// The store is this user's, whatever the history is.
    internal var isInOwnFolder: Bool { FileWriting.isOwn(folder) }

    /// Those that lie in the store, by their paths, in the order in which they were set aside.
    package var damagedOnes: [String] {
        ((try? FileReading.names(inFolder: folder)) ?? [])
            .compactMap { $0.hasPrefix(prefix) ? Int($0.dropFirst(prefix.count)) : nil }
            .sorted().map { "\(folder)/\(prefix)\($0)" }
    }

    /// How the history stands.
    package enum Standing: Sendable, Equatable {
        /// Also where this user may not look into a store of others.
        case holds
        /// All lines do but the last, which has no end: a crash leaves that, and nothing that it was to tell came about.
        case cutShort
        /// It does not hold, for this: the end of a sentence.
        case damaged(String)
    }

    /// Why the history does not hold, as the end of a sentence; nil when it does.
    package var fault: String? { if case .damaged(let why) = standing { why } else { nil } }

    package var standing: Standing {
        if isKnownToHold { return .holds }
        do throws(CertificateProblem) {
            return try lookAtAll()
        } catch {
            guard error.isOfThisFile, !error.isDenied || isInOwnFolder else { return .holds }
            return .damaged("cannot be read: \(error)")
        }
    }

    /// SHA-256 of the certificates that were revoked, as far as this history and those set aside tell.
    package var revoked: Set<String> {
        let logs = damagedOnes.map(AuditLog.init(path:)) + [self]
        let entries = logs.flatMap { log in (try? log.verify())?.entries ?? [] }
        return Set(entries.map(\.event).filter { $0.kind == .revoked }.map(\.fingerprint))
    }

    /// Moves it out of the way. The store is locked.
    internal func setAside() throws(CertificateProblem) {
        let number = (damagedOnes.last.flatMap { Int($0.dropFirst("\(folder)/\(prefix)".count)) } ?? 0) + 1
        do throws(FileError) {
            try FileWriting.move(path, to: "\(folder)/\(prefix)\(number)")
        } catch {
            throw .audit(path: path, "\(fault ?? "it does not hold"), and it cannot be moved away (\(error.fault))")
        }
    }

    /// What a history begins with where there was another.
    internal var beginnings: [AuditEvent] {
        guard let last = damagedOnes.last else { return [] }
        let old = AuditLog(path: last)
        // One that this user may not read has none that could be told.
        let bytes = try? FileReading.read(last, limit: Self.limit, followsLink: false)
        let fingerprint = bytes.map(Fingerprint.sha256) ?? ""
        return [
            AuditEvent(
                .begun,
                certificate: "",
                generation: 0,
                fingerprint: fingerprint,
                issuer: "",
                reason: "the history before \(old.fault ?? "does not hold"); it is set aside as "
                    + "\(last.dropFirst(folder.count + 1))"
            )
        ]
    }
}

extension CertificateProblem {
    /// The file itself is at fault: another try, with more memory or room, would find the same.
    internal var isOfThisFile: Bool {
        guard case .file(let error) = self else { return false }
        if case .system(let system) = error.problem { return ![EMFILE, ENFILE, ENOMEM, EINTR].contains(system.code) }
        return true
    }

    /// This user may not read or write the file.
    internal var isDenied: Bool { if case .file(let error) = self { error.isDenied } else { false } }
}
