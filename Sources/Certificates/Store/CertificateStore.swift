internal import Glibc
internal import Linux
package import OpenSSL

/// Certificates on disk, by default in Certs/.
///
/// `NAME/N/` holds generation N of a certificate, in `fullchain.pem` and `key.pem`, and the file
/// `NAME/current` holds the number N; the generation before it stays whole for a rollback. Of those before that the
/// certificates stay until they end, without their keys, so that their CA can be told to take them back; a file `revoked`
/// beside one says that it was.
///
/// A generation is written whole and brought to the disk before `current` is renamed over: a crash at any point leaves the
/// old generation or the new one, and a half-written one goes with the next. Folders are 0700, keys 0600; a file that others
/// may write, or a key they may read, is refused.
package struct CertificateStore: Sendable {
    package let folder: String
    /// Shared by the certificates that this store loads.
    private let issuers = IssuerPool()
    private let sharedWait = SharedWait()
    internal let roots: KnownRoots

    package init(folder: String, roots: KnownRoots = KnownRoots()) {
        self.folder = folder
        self.roots = roots
    }

    /// The current generation of `name`; its dates are not looked at.
    package func load(_ name: String) throws(CertificateProblem) -> CertificateBundle {
        try inUse(try currentGeneration(of: name), of: name) { number throws(CertificateProblem) in
            try load(name, generation: number)
        }
    }

    /// The same by `loadAsTold`.
    internal func loadAsTold(_ name: String) throws(CertificateProblem) -> CertificateBundle {
        try inUse(try currentGeneration(of: name), of: name) { number throws(CertificateProblem) in
            try loadAsTold(name, generation: number)
        }
    }

    /// The same; nil when there is none.
    package func loadIfPresent(_ name: String) throws(CertificateProblem) -> CertificateBundle? {
        guard let number = try generation(of: name) else { return nil }
        return try inUse(number, of: name) { number throws(CertificateProblem) in try load(name, generation: number) }
    }

    /// The same by `loadAsTold`.
    internal func loadAsToldIfPresent(_ name: String) throws(CertificateProblem) -> CertificateBundle? {
        guard let number = try generation(of: name) else { return nil }
        return try inUse(number, of: name) { number throws(CertificateProblem) in
            try loadAsTold(name, generation: number)
        }
    }

    /// One generation of `name`, current or not.
    package func load(_ name: String, generation number: Int) throws(CertificateProblem) -> CertificateBundle {
        let generation = try path(name, generation: number)
        let bundle = try CertificateSource.load(
            certificate: generation + "/fullchain.pem",
            key: generation + "/key.pem",
            trust: .ownerOnly,
            followsLinks: false,
            sharing: issuers
        )
        noteContents()
        do throws(CertificateError) {
            try bundle.requireStrength()
        } catch {
            throw .contents(path: generation + "/fullchain.pem", error)
        }
        return bundle
    }

    /// The same, of an issuer of whom nothing is here but what it sent: fails also where the chain is not the one that it came
    /// with, as far as the history tells. By its signatures all of it is known but the last certificate.
    internal func loadAsTold(_ name: String, generation number: Int) throws(CertificateProblem) -> CertificateBundle {
        let bundle = try load(name, generation: number)
        if audit.contradicts(bundle.chain, of: name, generation: number) {
            throw .changedChain(path: "\(folder)/\(name)/\(number)/fullchain.pem", name: name)
        }
        return bundle
    }

    /// The certificates of the current generation of `name`, without the key.
    package func loadChain(_ name: String) throws(CertificateProblem) -> [Certificate] {
        try inUse(try currentGeneration(of: name), of: name) { number throws(CertificateProblem) in
            try loadChain(name, generation: number)
        }
    }

    /// The same of another generation.
    internal func loadChain(_ name: String, generation number: Int) throws(CertificateProblem) -> [Certificate] {
        let chain = try path(name, generation: number) + "/fullchain.pem"
        return try CertificateSource.loadChain(chain, followsLink: false, sharing: issuers)
    }

    /// Where the certificates of the current generation of `name` are.
    package func chainPath(_ name: String) throws(CertificateProblem) -> String {
        try path(name, generation: currentGeneration(of: name)) + "/fullchain.pem"
    }

    /// Runs `body` while no other process changes the store; makes the store's folder when there is none.
    ///
    /// - Parameter isOneOfMany: others come right after it: when one of them has waited for another process, they do not.
    /// - Throws: `vacantStore`, besides what `body` does.
    package func locked<Result>(
        isOneOfMany: Bool = false,
        _ body: () throws(CertificateProblem) -> Result
    ) throws(CertificateProblem) -> Result {
        try requirePresence()
        let lock: FileLock
        do throws(FileError) {
            try FileWriting.requireOwner(folder)
            if !FileWriting.exists(folder) { try FileWriting.createFolder(folder) }
            let patience = isOneOfMany && sharedWait.wasInVain ? 0 : CertificateStore.patience
            lock = try FileLock.take(folder + "/.lock", within: patience)
        } catch {
            if error.isHeldByAnother {
                sharedWait.note(milliseconds: CertificateStore.patience)
                throw .busyStore(folder: folder)
            }
            throw .file(error)
        }
        let result = try body()
        // From here on a history that is not there is gone: versions that kept none left this file empty.
        if !audit.isEmpty, FileStamp(folder + "/.lock")?.isEmpty ?? false { lock.sign("audit.log\n") }
        _ = consume lock
        return result
    }

    /// Fails where another process goes on changing the store for as long as it is waited for. Takes that long then.
    internal func requireQuiet() throws(CertificateProblem) {
        var left = Self.patience
        while FileLock.isHeld(folder + "/.lock") {
            guard left > 0 else { throw .busyStore(folder: folder) }
            Thread.pause(milliseconds: 10)
            left -= 10
        }
    }

    /// Fails when this user could not write here, as far as that can be told without writing.
    package func requireWritable() throws(CertificateProblem) {
        do throws(FileError) {
            try FileWriting.requireWritable(folder: folder)
        } catch {
            throw .file(error)
        }
    }

    /// Fails when others than this user and root own the folder of a certificate, or of the store, or may write in it: then
    /// nothing comes into it. One that is not there will be made.
    ///
    /// - Parameter name: the certificate; nil for the store as a whole.
    internal func requireOwnFolder(of name: String? = nil) throws(CertificateProblem) {
        if let name, !Self.isUsable(name) { throw .unusableName(name) }
        let home = name.map { "\(folder)/\($0)" } ?? folder
        do throws(FileError) {
            try FileWriting.requireOwn(folder: home, followsLink: name == nil)
        } catch {
            // What this user may not look at cannot be told.
            if !error.isNoSuchFile && !error.isDenied { throw .file(error) }
        }
    }

    /// Bytes that a certificate may take, with all that is written for it.
    private static let room = 64 << 10
    /// Files and folders of the same.
    private static let roomForFiles = 16

    /// Fails where its file system has no room for another certificate. Writes nothing.
    internal func requireFreeRoom() throws(CertificateProblem) {
        do throws(FileError) {
            let free = try FileWriting.room(in: folder)
            if free.bytes < Self.room || free.files < Self.roomForFiles {
                throw FileError(path: folder, problem: .system(SystemError("statvfs", ENOSPC)))
            }
        } catch {
            throw .file(error)
        }
    }

    /// Fails where no certificate of that name could come in: a folder of others, an audit log that nothing can be added
    /// to, a disk that is full.
    internal func requireRoom(for name: String) throws(CertificateProblem) {
        try requireOwnFolder(of: name)
        do throws(FileError) {
            if FileWriting.exists(audit.path) { try FileWriting.requireAppendable(audit.path) }
            try FileWriting.createFolder(folder, followsLink: true)
            let trial = "\(folder)/.room"
            defer { FileWriting.remove(trial) }
            try FileWriting.replace(trial, with: [UInt8](repeating: 0, count: Self.room).span, mode: 0o600)
        } catch {
            throw .file(error)
        }
    }

    /// Milliseconds that another process may hold the lock; it makes a key or two meanwhile.
    private static let patience = 10_000

    /// A certificate that is to come into the store.
    package struct Arrival: Sendable {
        let name: String
        let bundle: CertificateBundle
        /// Why at this moment, for the audit log.
        let reason: String
        /// Generations besides the one before whose keys are needed yet.
        var keeping: Set<Int> = []
    }

    /// Writes `bundle` as the next generation of `name` and makes it the current one. The one before it stays whole, as
    /// does the one in force while there is a trial; of older ones the keys go. Callers hold the lock.
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
        try save([Arrival(name: name, bundle: bundle, reason: reason)], kind, now: now)
    }

    /// The same for several, of different names: all are on the disk before the first comes into force.
    internal func save(
        _ arrivals: [Arrival],
        _ kind: AuditEvent.Kind = .issued,
        now: Int64
    ) throws(CertificateProblem) {
        var places: [(number: Int, before: Int, earlier: [Int], kept: Set<Int>)] = []
        for arrival in arrivals {
            let before = try generation(of: arrival.name)
            // Higher than any that is there: after a rollback the newest is not the current one.
            let taken = try taken(of: arrival.name)
            let earlier = taken.filter { $0.kind == .folder }.map(\.number)
            let number = (taken.last?.number ?? 0) + 1
            // Where a crash came before the first pointer, or that is lost, the last is what there is to go back to.
            let shown = try trials(of: arrival.name, now: now).map(\.inForce)
            let kept = [before ?? earlier.last].compactMap(\.self) + shown
            places.append((number, before ?? 0, earlier, arrival.keeping.union(kept + [number])))
        }
        do throws(FileError) {
            for arrival in arrivals { try FileWriting.createFolder("\(folder)/\(arrival.name)", isBatched: true) }
            var batch = try FileBatch(on: folder)
            for (arrival, place) in zip(arrivals, places) {
                let home = "\(folder)/\(arrival.name)"
                try FileWriting.createFolder("\(home)/\(place.number)", isBatched: true)
                let key = arrival.bundle.key.pem
                try batch.add("\(home)/\(place.number)/key.pem", key.bytes, mode: 0o600)
                let chain = Array(arrival.bundle.chain.map(\.pem).joined().utf8)
                try batch.add("\(home)/\(place.number)/fullchain.pem", chain.span, mode: 0o644)
            }
            try batch.commit()
        } catch {
            discard(zip(arrivals, places).map { ($0.name, $1.number) })
            throw .file(error)
        }
        let events = zip(arrivals, places).map { arrival, place in
            let chain = arrival.bundle.chain
            return event(kind, arrival.name, place.number, chain[0], arrival.reason, chain: chain)
        }
        let pointers = zip(arrivals, places).map { ($0.name, Array("\($1.number)\n".utf8)) }
        do throws(CertificateProblem) {
            try point(pointers) { () throws(CertificateProblem) in
                try audit.append(events, now: now)
                for (arrival, place) in zip(arrivals, places) {
                    removeUntold(arrival.name, above: place.before, of: place.earlier)
                }
            }
        } catch {
            discard(zip(arrivals, places).map { ($0.name, $1.number) })
            throw error
        }
        noteContents()
        for (arrival, place) in zip(arrivals, places) {
            removeScraps(of: arrival.name)
            prune(arrival.name, place.earlier, keeping: place.kept, now: now)
        }
    }

    /// Removes generations that did not come into force, as on a disk that is full: what they take is what the next try
    /// needs, and nobody needs their keys.
    private func discard(_ generations: [(name: String, number: Int)]) {
        for (name, number) in generations {
            // Where the pointer's rename is all that came about, it is in force.
            do throws(CertificateProblem) {
                guard try self.number(of: name, in: pointer(of: name)) != number else { continue }
            } catch {
                continue
            }
            removeFolder(of: name, generation: number)
        }
    }

    /// Only tidiness: what cannot be removed now goes with the next. A crash leaves files with a dot before their name.
    ///
    /// - Parameter generation: in whose folder; nil for that of the certificate.
    internal func removeScraps(of name: String, generation: Int? = nil) {
        guard let home = try? openFolder(of: name, generation: generation) else { return }
        for left in (try? home.names()) ?? [] where left.hasPrefix(".") { home.remove(left) }
    }

    /// Writes a small file that says something of a certificate of this store.
    internal func write(_ text: String, to file: String) throws(CertificateProblem) {
        let bytes = Array(text.utf8)
        do throws(FileError) {
            try FileWriting.replace(file, with: bytes.span, mode: 0o644)
        } catch {
            throw .file(error)
        }
    }

    /// The numbers of all generations whose folder is there, ascending, whole or not.
    package func generations(of name: String) throws(CertificateProblem) -> [Int] {
        try taken(of: name).filter { $0.kind == .folder }.map(\.number)
    }

    /// Higher numbers are somebody else's: the next generation's would not fit.
    private static let highest = 1 << 40

    /// All that has a number for its name beside the generations' pointer, ascending, with what it is.
    internal func taken(of name: String) throws(CertificateProblem) -> [(number: Int, kind: OpenFolder.Kind)] {
        let home = try path(name)
        do throws(FileError) {
            var found: [(number: Int, kind: OpenFolder.Kind)] = []
            for (name, kind) in try OpenFolder(home).entries() {
                guard let number = Int(name), "\(number)" == name, (1...Self.highest).contains(number) else { continue }
                found.append((number, kind))
            }
            return found.sorted { $0.number < $1.number }
        } catch {
            if error.isNoSuchFile { return [] }
            throw .file(error)
        }
    }

    /// Reads a small file in a folder of the store: not through a link, in the place of either.
    internal func read(_ file: String, in name: String, limit: Int) throws(FileError) -> [UInt8] {
        try OpenFolder(folder).folder(name).read(file, limit: limit, trust: .ownerWrites)
    }

    /// Removes a file in a folder of the store, likewise, where that can be done; one that is not there is no error.
    internal func remove(_ file: String, in name: String) {
        try? OpenFolder(folder).folder(name).remove(file)
    }

    /// The folder of a certificate, or of one generation, to remove something from it: not through a link within the store,
    /// however late somebody puts one there.
    internal func openFolder(
        of name: String,
        generation: Int? = nil
    ) throws(FileError) -> OpenFolder {
        let home = try OpenFolder(folder).folder(name)
        guard let generation else { return home }
        return try home.folder("\(generation)")
    }

    /// Whether that can be the name of a certificate, and of its folder.
    internal static func isUsable(_ name: String) -> Bool {
        let isPlain = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "*"):
                true
            default:
                false
            }
        }
        return isPlain && !name.isEmpty && !name.hasPrefix(".") && name.utf8.count <= 200
    }

    /// The folder of a certificate, which may be missing.
    ///
    /// - Throws: also where there is a link in its place.
    internal func path(_ name: String) throws(CertificateProblem) -> String {
        guard Self.isUsable(name) else { throw .unusableName(name) }
        let path = "\(folder)/\(name)"
        try requireNoLink(path)
        return path
    }

    /// The folder of one generation, which may be missing.
    ///
    /// - Throws: also where there is a link in its place.
    internal func path(_ name: String, generation number: Int) throws(CertificateProblem) -> String {
        let path = try path(name) + "/\(number)"
        try requireNoLink(path)
        return path
    }

    /// Fails where a symbolic link is in the place of a folder of the store.
    private func requireNoLink(_ path: String) throws(CertificateProblem) {
        if FileWriting.isLink(path) { throw .file(FileError(path: path, problem: .link)) }
    }
}
