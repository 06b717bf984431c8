import Linux
import OpenSSL

/// Which process makes a certificate just now: `.claims/NAME`, which is locked for as long.
package struct CertificateClaim: Sendable, Equatable, CustomStringConvertible {
    /// Its identifier, and the machine's name.
    package let process: Int
    package let machine: String
    /// When it began: seconds since 1970.
    package let start: Int64
    /// What it was started as, such as `gatehouse certs rotate`.
    package let command: String

    package init(process: Int, machine: String, start: Int64, command: String) {
        self.process = process
        self.machine = machine
        self.start = start
        self.command = command
    }

    internal init?(_ text: String) {
        let words = text.split(separator: " ", maxSplits: 3)
        guard words.count == 4, let process = Int(words[0]), let start = Int64(words[1]),
            UTC.range.contains(start)
        else { return nil }
        self.init(process: process, machine: String(words[2]), start: start, command: String(words[3]).printableLine)
    }

    internal var text: String { "\(process) \(start) \(machine.isEmpty ? "-" : machine) \(command)" }

    package var description: String {
        "process \(process) of \(machine) (`\(command)`) has been making it since \(UTC.text(start))"
    }

    /// What a gateway is started as.
    package static let gateway = "gatehouse serve"

    /// What to do where it does not end.
    package var advice: String {
        "nobody else makes it before that has ended, which may take an hour where its CA is slow: see what holds it up, or "
            + (command == Self.gateway
                ? "start the gateway on \(machine) anew (`systemctl restart gatehouse`)"
                : "end it on \(machine) (`kill -KILL \(process)`)")
    }
}

extension CertificateStore {
    private var claimFolder: String { folder + "/.claims" }
    private func claimPath(_ name: String) -> String { "\(claimFolder)/\(name)" }

    /// Runs `body` while no other process makes a certificate of this name; one that does may take minutes, as its CA does.
    ///
    /// - Parameters:
    ///   - claim: who this is.
    ///   - patience: how long another one is waited for, in milliseconds, by who that is, where it is known.
    internal func claimed<Result>(
        _ name: String,
        by claim: CertificateClaim,
        patience: (CertificateClaim?) -> Int,
        _ body: () throws(CertificateProblem) -> Result
    ) throws(CertificateProblem) -> Result {
        _ = try path(name)
        try requirePresence()
        let lock: FileLock
        do throws(FileError) {
            // What root leaves in the store of another user keeps that one from making any.
            try FileWriting.requireOwner(folder)
            if !FileWriting.exists(folder) { try FileWriting.createFolder(folder) }
            try FileWriting.createFolder(claimFolder)
            lock = try take(name, patience: patience)
        } catch {
            if error.isHeldByAnother { throw .beingMade(name: name, self.claim(of: name)) }
            throw .file(error)
        }
        lock.sign(claim.text)
        let outcome = Swift.Result { () throws(CertificateProblem) in try body() }
        // Who comes next is not taken for this one before it has signed.
        lock.sign("")
        _ = consume lock
        return try outcome.get()
    }

    /// Fails where this user could claim no certificate, since the folder of claims may not be written. Changes nothing.
    internal func requireClaims() throws(CertificateProblem) {
        guard FileWriting.exists(claimFolder) else { return }
        do throws(FileError) {
            try FileWriting.requireWritable(folder: claimFolder)
        } catch {
            throw .file(error)
        }
    }

    /// The same of the claim of one certificate, which another user may have left.
    internal func requireClaim(of name: String) throws(CertificateProblem) {
        guard FileWriting.exists(claimPath(name)) else { return }
        do throws(FileError) {
            try FileWriting.requireOwner(claimPath(name))
            try FileWriting.requireUsable(claimPath(name))
        } catch {
            throw .file(error)
        }
    }

    /// Milliseconds that whoever only looks whether it is locked may hold the lock.
    private static let timeOfLooks = 200

    private func take(_ name: String, patience: (CertificateClaim?) -> Int) throws(FileError) -> FileLock {
        do throws(FileError) {
            return try FileLock.take(claimPath(name), within: Self.timeOfLooks)
        } catch {
            guard error.isHeldByAnother else { throw error }
            return try FileLock.take(claimPath(name), within: patience(claim(of: name)))
        }
    }

    /// Who makes it just now; nil when nobody does, or nobody knows who.
    package func claim(of name: String) -> CertificateClaim? {
        guard FileLock.isHeld(claimPath(name)),
            let bytes = try? FileReading.read(
                claimPath(name),
                limit: 1024,
                trust: .ownerOnly,
                followsLink: false
            )
        else { return nil }
        return CertificateClaim(String(decoding: bytes, as: UTF8.self))
    }
}
