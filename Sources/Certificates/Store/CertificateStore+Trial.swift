import Linux
import OpenSSL

/// While a gateway shows the current generation to a share of its clients first, `NAME/in-force.GATEWAY` holds the number of
/// the one that the others are shown, and the moment by which the trial is over at the latest. That one stays whole, whatever
/// is issued meanwhile, and nothing is retired.
///
/// Gateways that share a store have a mark each, and each deletes its own alone. One that a gateway left that is gone counts
/// until its moment.
extension CertificateStore {
    /// What one gateway shows while it tries the current generation.
    package struct Trial: Sendable, Hashable {
        package let gateway: GatewayIdentity
        /// The generation that most of its clients are shown.
        package let inForce: Int
        /// When it is over at the latest: seconds since 1970.
        package let end: Int64
    }

    private static let markPrefix = "in-force."
    /// What versions before wrote for whichever gateway was the last to: it says nothing any more.
    private static let sharedMark = "in-force"

    private func mark(of name: String, by gateway: GatewayIdentity) -> String {
        "\(folder)/\(name)/\(Self.markPrefix)\(gateway)"
    }

    /// The trials of a certificate, in the order of their gateways' names.
    ///
    /// - Parameter now: seconds since 1970.
    package func trials(of name: String, now: Int64) throws(CertificateProblem) -> [Trial] {
        let home = try path(name)
        let current = try number(of: name, in: pointer(of: name))
        let files: [String]
        do throws(FileError) {
            files = try FileReading.names(inFolder: home)
        } catch {
            if error.isNoSuchFile { return [] }
            throw .file(error)
        }
        var found: [Trial] = []
        for file in files where file.hasPrefix(Self.markPrefix) {
            let words = try words(of: name, in: "\(home)/\(file)")
            // A crash may have left it after a way back.
            guard words.count == 2, let inForce = Int(words[0]), let end = Int64(words[1]), end > now,
                inForce != current
            else { continue }
            let gateway = GatewayIdentity(file.dropFirst(Self.markPrefix.count))
            found.append(Trial(gateway: gateway, inForce: inForce, end: end))
        }
        return found
    }

    /// The current generation is on trial at a gateway from now on. The store is locked.
    ///
    /// - Parameters:
    ///   - bundle: what the others of its clients are shown.
    ///   - end: when that is over at the latest: seconds since 1970.
    /// - Returns: whether there is a mark of it now.
    internal func beginTrial(
        of name: String,
        at gateway: GatewayIdentity,
        besides bundle: CertificateBundle,
        until end: Int64
    ) throws(CertificateProblem) -> Bool {
        // Where two new ones came at once, it may be gone: then whoever serves it brings it back (`restore`).
        guard let number = try generation(holding: bundle, of: name) else { return false }
        try write("\(number) \(end)\n", to: mark(of: name, by: gateway))
        return true
    }

    /// Whether the mark of a gateway's trial is there.
    internal func isMarked(_ name: String, by gateway: GatewayIdentity) -> Bool {
        FileWriting.exists(mark(of: name, by: gateway))
    }

    /// All clients of a gateway are shown the same from now on.
    package func endTrial(of name: String, at gateway: GatewayIdentity) throws(CertificateProblem) {
        // A store that can only be read has none to delete.
        let files = [mark(of: name, by: gateway), "\(folder)/\(name)/\(Self.sharedMark)"].filter(FileWriting.exists)
        if files.isEmpty { return }
        _ = try path(name)
        for file in files { try delete(file) }
    }

    /// Nothing of a certificate is kept for a trial from now on: gateways that look after theirs end them.
    ///
    /// - Returns: those that were.
    internal func endTrials(of name: String, now: Int64) throws(CertificateProblem) -> [Trial] {
        let running = try trials(of: name, now: now)
        for trial in running { try delete(mark(of: name, by: trial.gateway)) }
        return running
    }

    internal func requireNoTrial(of name: String, now: Int64) throws(CertificateProblem) {
        let running = try trials(of: name, now: now)
        if !running.isEmpty { throw .onTrial(name: name, running) }
    }
}
