package import Linux
import Site

/// Where the state is kept: `state.json`, and for each generation the text that was loaded, the text that undoes it,
/// and the site file that it came from. For root alone (mode 0700).
package struct StateFolder: Sendable {
    package static let standard = "/var/lib/gatehouse/firewall"

    /// From the root on: a watchdog may work elsewhere.
    package let path: String

    /// The folder as it is, also where there is none: nothing is made.
    package init(_ path: String) throws(FileError) { self.path = try AbsolutePath.of(path) }

    package var exists: Bool { FileWriting.exists(path) }

    /// Whether texts of rulesets are there.
    package var hasRulesets: Bool {
        FileListing.names(in: path).contains { $0.hasSuffix(".\(Document.ruleset.rawValue)") }
    }

    /// Makes the folder when it is not there; else looks whose it is.
    package func make() throws(FileError) { try FileWriting.createFolder(path, followsLink: true) }

    /// Holds every other command that changes the state off; a boot waits as well.
    package func lock(within milliseconds: Int = 10_000) throws(FileError) -> FileLock {
        try FileLock.take("\(path)/lock", within: milliseconds)
    }

    /// The state; a fresh one when there is none.
    package func read() throws(StateError) -> FirewallState {
        guard let bytes = try optional("state.json") else { return FirewallState() }
        guard let value = JSONValue(parsing: String(decoding: bytes, as: UTF8.self)),
            let state = FirewallState(json: value)
        else { throw StateError("\(path)/state.json is not what gatehouse writes; move it away and apply again") }
        return state
    }

    /// On the disk when it returns: a power cut leaves the old state or the new one.
    package func write(_ state: FirewallState) throws(FileError) {
        try FileWriting.replace("\(path)/state.json", with: Array((state.json.indented + "\n").utf8).span, mode: 0o600)
    }

    /// How the name of the file ends that a generation's watchdog holds a lock of.
    static let mark = "armed"

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
        try FileWriting.replace(name(document, generation), with: bytes.span, mode: 0o600)
    }

    /// nil when that was not kept.
    package func read(_ document: Document, of generation: Int) throws(StateError) -> [UInt8]? {
        try optional("\(generation).\(document.rawValue)")
    }

    /// Removes documents of generations that no record of the state names any more, and nothing else that is there.
    package func tidy(_ state: FirewallState) {
        let kept = Set([state.confirmed, state.previous, state.pending?.ruleset].compactMap { $0?.generation })
        for name in FileListing.names(in: path) {
            let parts = name.split(separator: ".", maxSplits: 1)
            guard parts.count == 2, let number = Int(parts[0]), !kept.contains(number),
                Document(rawValue: String(parts[1])) != nil || parts[1] == Self.mark
            else { continue }
            FileWriting.remove("\(path)/\(name)")
        }
    }

    private func name(_ document: Document, _ generation: Int) -> String {
        "\(path)/\(generation).\(document.rawValue)"
    }

    private static let longest = 64 << 20

    private func optional(_ name: String) throws(StateError) -> [UInt8]? {
        do throws(FileError) {
            // Nobody but root may have put a ruleset there, since root loads it.
            return try FileReading.read("\(path)/\(name)", limit: Self.longest, trust: .ownerOnly)
        } catch {
            if error.isNoSuchFile { return nil }
            throw StateError("\(error)")
        }
    }
}

/// The state cannot be used; says what to do.
package struct StateError: Error, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
