import Glibc
package import Linux
import Site

/// Where the state is kept: `state.json`, the ruleset that was confirmed last, and for each generation the text that was
/// loaded, the text that undoes it, and the site file that it came from. For root alone (mode 0700).
package struct StateFolder: Sendable {
    package static let standard = "/var/lib/gatehouse/firewall"

    /// From the root on: a watchdog may work elsewhere.
    package let path: String

    /// The folder as it is, also where there is none: nothing is made.
    package init(_ path: String) throws(FileError) { self.path = try AbsolutePath.of(path) }

    package var exists: Bool { FileWriting.exists(path) }

    /// Whether this user may not look into it, and so cannot tell what is there, or whether it is there.
    package var isClosed: Bool { FileListing.isDenied(path) }

    /// Makes the folder when it is not there; else looks whose it is.
    package func make() throws(FileError) { try FileWriting.createFolder(path, followsLink: true) }

    private var lockPath: String { "\(path)/lock" }

    /// How long a command waits for another one, in milliseconds.
    static let patience = 10_000

    /// Holds every other command that changes the state off; a boot waits as well. What writers that were killed left
    /// beside the files is removed: nobody else writes as long as the lock is held.
    package func lock() throws(FileError) -> FileLock {
        let lock = try FileLock.take(lockPath, within: Self.patience)
        lock.sign("\(getpid())\n")
        for name in FileListing.names(in: path) {
            guard let target = FileWriting.target(ofScratch: name) else { continue }
            let isOurs = generation(of: target) != nil || [statePath, confirmedPath].contains("\(path)/\(target)")
            if isOurs { FileWriting.remove("\(path)/\(name)") }
        }
        return lock
    }

    /// The process that took the lock last; nil where that is not known.
    package var lastHolder: Int32? {
        guard let bytes = try? FileReading.read(lockPath, limit: 64, followsLink: false) else { return nil }
        return Int32(String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self))
    }

    /// Whether a command changes the state now.
    package var isBusy: Bool { FileLock.isHeld(lockPath) }

    private var statePath: String { "\(path)/state.json" }

    var isStateGone: Bool { !FileWriting.exists(statePath) }

    /// The state; a fresh one where nothing was ever applied.
    ///
    /// - Throws: when it is gone, damaged, of a form that is not known, or others may have written it.
    package func read() throws(StateError) -> FirewallState {
        let again = "apply the policy again"
        let bytes: [UInt8]
        do throws(FileError) {
            bytes = try read(statePath)
        } catch {
            guard error.isNoSuchFile else { throw StateError("\(error)", lastConfirmed, "put that right") }
            // An apply writes the state before any ruleset.
            guard newestGeneration > 0 || FileWriting.exists(confirmedPath) else { return FirewallState() }
            throw StateError("\(statePath) is gone", lastConfirmed, again)
        }
        let value = JSONValue(parsing: String(decoding: bytes, as: UTF8.self))
        if let state = value.flatMap(FirewallState.init(json:)) { return state }
        let away = "move it away (`mv \(statePath) \(statePath).damaged`) and \(again)"
        if let version = value?["version"]?.integer, version > FirewallState.version {
            let what =
                "\(statePath) was written by a later gatehouse (form \(version), known is \(FirewallState.version))"
            throw StateError(what, lastConfirmed, "use that gatehouse, or \(away)")
        }
        let what = "\(statePath) is damaged (\(bytes.count) bytes that are not what gatehouse writes)"
        throw StateError(what, lastConfirmed, away)
    }

    /// On the disk when it returns: a power cut leaves the old state or the new one.
    package func write(_ state: FirewallState) throws(FileError) {
        try FileWriting.replace(statePath, with: Array((state.json.indented + "\n").utf8).span, mode: 0o600)
    }

    private var confirmedPath: String { "\(path)/confirmed.nft" }

    /// The ruleset that was confirmed last, known without the state; nil when it is not there whole.
    package var lastConfirmed: LastConfirmed? { (try? read(confirmedPath)).flatMap { LastConfirmed($0) } }

    package func write(_ confirmed: LastConfirmed) throws(FileError) {
        try FileWriting.replace(confirmedPath, with: confirmed.bytes.span, mode: 0o600)
    }

    /// How the name of the file ends that a generation's watchdog holds a lock of.
    private static let mark = "armed"

    /// The file that a generation's watchdog holds a lock of.
    func mark(of generation: Int) -> String { "\(path)/\(generation).\(Self.mark)" }

    /// What is kept of a generation.
    package enum Document: String, Sendable, CaseIterable {
        /// The text that was loaded, which loads the whole table anew.
        case ruleset = "nft"
        /// The text that restores what was in force before it.
        case undo = "undo.nft"
        /// The site file that it was compiled from.
        case site = "site.yaml"
        /// The tables of others at that moment, as libnftables listed them.
        case foreign = "foreign.json"
    }

    package func write(_ bytes: [UInt8], _ document: Document, of generation: Int) throws(FileError) {
        try FileWriting.replace(path(of: document, generation), with: bytes.span, mode: 0o600)
    }

    /// nil when that was not kept.
    package func read(_ document: Document, of generation: Int) throws(FileError) -> [UInt8]? {
        do throws(FileError) {
            return try read(path(of: document, generation))
        } catch {
            if error.isNoSuchFile { return nil }
            throw error
        }
    }

    func path(of document: Document, _ generation: Int) -> String { "\(path)/\(generation).\(document.rawValue)" }

    /// Removes documents of generations that no record of the state names any more, and nothing else that is there. For who
    /// holds the lock.
    package func tidy(_ state: FirewallState) {
        let kept = Set([state.confirmed, state.previous, state.pending?.ruleset].compactMap { $0?.generation })
        for (name, generation) in files where !kept.contains(generation) { FileWriting.remove("\(path)/\(name)") }
    }

    /// The highest generation of which something is kept; 0 when there is none.
    var newestGeneration: Int { files.map(\.generation).max() ?? 0 }

    var watchedGenerations: [Int] {
        files.filter { $0.name.hasSuffix(".\(Self.mark)") && FileLock.isHeld("\(path)/\($0.name)") }.map(\.generation)
    }

    /// What is kept of generations.
    private var files: [(name: String, generation: Int)] {
        FileListing.names(in: path).compactMap { name in generation(of: name).map { (name: name, generation: $0) } }
    }

    /// The generation that a file of that name is kept of; nil for other files.
    private func generation(of name: String) -> Int? {
        let parts = name.split(separator: ".", maxSplits: 1)
        guard parts.count == 2, let generation = Int(parts[0]),
            Document(rawValue: String(parts[1])) != nil || parts[1] == Self.mark
        else { return nil }
        return generation
    }

    private static let longest = 64 << 20

    private func read(_ path: String) throws(FileError) -> [UInt8] {
        // Nobody but root may have put a ruleset there, since root loads it.
        try FileReading.read(path, limit: Self.longest, trust: .ownerOnly)
    }
}
