internal import Linux
package import OpenSSL

/// Certificates on disk, by default in Certs/.
///
/// `NAME/N/` holds generation N of a certificate, in `fullchain.pem` and `key.pem`, and the file
/// `NAME/current` holds the number N; the generation before it stays for a rollback. A generation is written whole and brought to the disk before
/// `current` is renamed over: a crash at any point leaves the old generation or the new one, and a
/// half-written one is overwritten by the next. Folders are 0700, keys 0600; a file that others may
/// write, or a key they may read, is refused.
package struct CertificateStore: Sendable {
    package let folder: String
    /// Shared by the certificates that this store loads.
    private let issuers = IssuerPool()

    package init(folder: String) {
        self.folder = folder
    }

    /// The current generation of `name`; its dates are not looked at.
    package func load(_ name: String) throws(CertificateProblem) -> CertificateBundle {
        try load(name, generation: try currentGeneration(of: name))
    }

    /// The same; nil when there is none.
    package func loadIfPresent(_ name: String) throws(CertificateProblem) -> CertificateBundle? {
        guard let number = try generation(of: name) else { return nil }
        return try load(name, generation: number)
    }

    /// One generation of `name`, current or not.
    package func load(_ name: String, generation number: Int) throws(CertificateProblem) -> CertificateBundle {
        let generation = try path(name) + "/\(number)"
        return try CertificateSource.load(
            certificate: generation + "/fullchain.pem",
            key: generation + "/key.pem",
            trust: .ownerOnly,
            sharing: issuers
        )
    }

    /// The certificates of the current generation of `name`, without the key.
    package func loadChain(_ name: String) throws(CertificateProblem) -> [Certificate] {
        try CertificateSource.loadChain(chainPath(name))
    }

    /// Where the certificates of the current generation of `name` are.
    package func chainPath(_ name: String) throws(CertificateProblem) -> String {
        try path(name) + "/\(currentGeneration(of: name))/fullchain.pem"
    }

    /// The file that changes with the current generation of `name`.
    package func pointer(of name: String) -> String { "\(folder)/\(name)/current" }

    /// Runs `body` while no other process changes the store; makes the store's folder when there is none.
    package func locked<Result>(
        _ body: () throws(CertificateProblem) -> Result
    ) throws(CertificateProblem) -> Result {
        let lock: FileLock
        do throws(FileError) {
            if !FileWriting.exists(folder) { try FileWriting.createFolder(folder) }
            lock = try FileLock.take(folder + "/.lock", within: CertificateStore.patience)
        } catch {
            throw .file(error)
        }
        let result = try body()
        _ = consume lock
        return result
    }

    /// Fails when this user could not write here, as far as that can be told without writing.
    package func requireWritable() throws(CertificateProblem) {
        do throws(FileError) {
            try FileWriting.requireWritable(folder: folder)
        } catch {
            throw .file(error)
        }
    }

    /// Milliseconds that another process may hold the lock; it makes a key or two meanwhile.
    private static let patience = 10_000

    /// Writes `bundle` as the next generation of `name` and makes it the current one. The one before it stays,
    /// older ones are removed. Callers hold the lock.
    ///
    /// - Parameters:
    ///   - kind: what the audit log says was done; it is told before the generation becomes the current one.
    ///   - reason: why at this moment, for the audit log.
    ///   - now: seconds since 1970.
    package func save(
        _ bundle: CertificateBundle,
        as name: String,
        _ kind: AuditEvent.Kind = .issued,
        reason: String,
        now: Int64
    ) throws(CertificateProblem) {
        let home = try path(name)
        let before = try generation(of: name)
        // Higher than any that is there: after a rollback the newest is not the current one.
        let number = (try generations(of: name).last ?? 0) + 1
        let key = bundle.key.pem
        do throws(FileError) {
            try FileWriting.createFolder(home)
            let folder = "\(home)/\(number)"
            try FileWriting.createFolder(folder)
            try FileWriting.replace(folder + "/key.pem", with: key.bytes, mode: 0o600)
            let chain = Array(bundle.chain.map(\.pem).joined().utf8)
            try FileWriting.replace(folder + "/fullchain.pem", with: chain.span, mode: 0o644)
        } catch {
            throw .file(error)
        }
        try audit.append(event(kind, name, number, bundle, reason), now: now)
        try point(name, to: number)
        // Only tidiness: what cannot be removed now goes with the next. A crash leaves files with a dot before their name.
        for left in (try? FileReading.names(inFolder: home)) ?? [] where left.hasPrefix(".") {
            FileWriting.remove("\(home)/\(left)")
        }
        for old in try generations(of: name) where old != number && old != before {
            try? remove(name, generation: old)
        }
    }

    /// Makes a generation that is whole the current one.
    internal func point(_ name: String, to number: Int) throws(CertificateProblem) {
        let file = pointer(of: name)
        let pointer = Array("\(number)\n".utf8)
        do throws(FileError) {
            try FileWriting.replace(file, with: pointer.span, mode: 0o644)
        } catch {
            throw .file(error)
        }
    }

    /// Deletes a generation, its key first.
    internal func remove(_ name: String, generation number: Int) throws(CertificateProblem) {
        FileWriting.removeFolder("\(try path(name))/\(number)", first: "key.pem")
    }

    /// The numbers of all generations whose folder is there, ascending, whole or not.
    package func generations(of name: String) throws(CertificateProblem) -> [Int] {
        let home = try path(name)
        do throws(FileError) {
            return try FileReading.names(inFolder: home).compactMap { Int($0) }.sorted()
        } catch {
            if error.isNoSuchFile { return [] }
            throw .file(error)
        }
    }

    /// `name` has a current generation.
    package func contains(_ name: String) throws(CertificateProblem) -> Bool {
        try generation(of: name) != nil
    }

    /// The number of the generation that is served.
    package func currentGeneration(of name: String) throws(CertificateProblem) -> Int {
        guard let number = try generation(of: name) else { throw .missing(name: name, folder: folder) }
        return number
    }

    private func generation(of name: String) throws(CertificateProblem) -> Int? {
        _ = try path(name)
        do throws(FileError) {
            let bytes = try FileReading.read(pointer(of: name), limit: 32, trust: .ownerWrites)
            // A pointer that is no number is treated as a crash that never happened: nothing is current.
            return Int(String(decoding: bytes, as: UTF8.self).prefix { $0.isNumber })
        } catch {
            if error.isNoSuchFile { return nil }
            throw .file(error)
        }
    }

    private func path(_ name: String) throws(CertificateProblem) -> String {
        let isUsable = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "*"):
                true
            default:
                false
            }
        }
        guard isUsable, !name.isEmpty, !name.hasPrefix("."), name.utf8.count <= 200 else { throw .unusableName(name) }
        return "\(folder)/\(name)"
    }
}
