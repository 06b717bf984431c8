import ArgumentParser
import Firewall
import Linux
import Site

struct PolicyStatus: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show which ruleset is in force, what waits for a confirmation, and what each rule counted.",
        discussion: "Exit status: 0 when what was confirmed is in force, 1 when the kernel holds something else, "
            + "nothing was applied, or a ruleset waits for a confirmation, 3 when the kernel cannot be asked."
    )

    @OptionGroup var state: StateOptions

    @Flag(help: "Write the status as JSON.")
    var json = false

    func run() throws {
        let status = try state.perform { (applier) throws -> KnownStatus? in
            guard json, !applier.folder.exists else {
                return try applier.undisturbed { () throws(ApplyError) in try KnownStatus(applier) }
            }
            print(KnownStatus.empty(applier.folder).indented)
            return nil
        }
        guard let status else { throw ExitCode(1) }
        if json {
            print(status.json.indented)
        } else {
            for line in status.lines { print(line) }
        }
        if status.exitStatus != 0 { throw ExitCode(status.exitStatus) }
    }
}

/// What the state says, beside what the kernel says.
private struct KnownStatus {
    private let state: FirewallState
    private let counters: [RuleCounter]
    /// Whether the watchdog of what is pending runs.
    private let isWatched: Bool
    /// What may keep it from undoing that.
    private let hindrance: String
    private let kernel: Kernel
    /// About what the machine has or does otherwise than the rules expect, and what may remove them.
    private let warnings: [String]

    private enum Kernel {
        case holdsIt
        /// Holds something else; how it differs.
        case differs([String])
        case nothingApplied
        /// Cannot be asked.
        case unknown(String)
    }

    init(_ applier: Applier) throws(ApplyError) {
        let state = try applier.state()
        self.state = state
        let holder = applier.folder.isBusy ? applier.folder.lastHolder.map { " (process \($0))" } : nil
        hindrance =
            "a full disk or a read-only one under \(applier.folder.path), or a command of gatehouse that does not end"
            + (holder ?? "")
        let machine = applier.settings
        let settings = [machine.flushWarning, machine.legacyWarning, machine.bootWarning(applier.folder)]
        warnings =
            try applier.warnings(PolicySite.machineFacts).map(\.description)
            + settings.compactMap(\.self).map { "warning: \($0)" }
        counters = (try? applier.counters()) ?? []
        isWatched = state.pending.map { Watchdog.isArmed(applier.folder, generation: $0.ruleset.generation) } ?? false
        do throws(ApplyError) {
            kernel = try applier.ownDrift().map { $0.isEmpty ? .holdsIt : .differs($0.findings) } ?? .nothingApplied
        } catch {
            kernel = .unknown(error.description)
        }
    }

    /// The document of a machine on which no ruleset was applied with this folder.
    static func empty(_ folder: StateFolder) -> JSONValue {
        .object([
            .init("confirmed", .null),
            .init("pending", .null),
            .init("watchdog", .null),
            .init("undone", .null),
            .init("stand-in", .null),
            .init("kernel", .string("nothing applied")),
            .init("findings", .strings(["there is no folder \(folder.path)"])),
            .init("warnings", .array([])),
            .init("rules", .array([])),
        ])
    }

    var exitStatus: Int32 {
        switch kernel {
        case .holdsIt: state.pending == nil && state.standIn == nil ? 0 : 1
        case .differs, .nothingApplied: 1
        case .unknown: 3
        }
    }

    var json: JSONValue {
        let (word, findings): (String, [String]) =
            switch kernel {
            case .holdsIt: ("in force", [])
            case .differs(let findings): ("differs", findings)
            case .nothingApplied: ("nothing applied", [])
            case .unknown(let why): ("unknown", [why])
            }
        let rules = counters.map { counter in
            JSONValue.object([
                .init("rule", .string(counter.rule)), .init("packets", .integer(counter.packets)),
                .init("bytes", .integer(counter.bytes)),
                .init(
                    "over-limit",
                    .object(
                        counter.overLimit.sorted { $0.key < $1.key }.map { words, packets in
                            .init(words.replacing(" ", with: "-"), .integer(packets))
                        }
                    )
                ),
            ])
        }
        return .object([
            .init("confirmed", state.confirmed?.json ?? .null),
            .init("pending", state.pending?.json ?? .null),
            .init("watchdog", state.pending == nil ? .null : .boolean(isWatched)),
            .init("undone", state.undone?.json ?? .null),
            .init("stand-in", state.standIn?.json ?? .null),
            .init("kernel", .string(word)),
            .init("findings", .strings(findings)),
            .init("warnings", .strings(warnings)),
            .init("rules", .array(rules)),
        ])
    }

    var lines: [String] {
        var lines: [String] = []
        if let pending = state.pending {
            lines.append("pending: \(Self.text(pending.ruleset)); \(end(of: pending))")
        }
        lines.append(state.confirmed.map { "confirmed: \(Self.text($0))" } ?? "no ruleset was confirmed here")
        if let standIn = state.standIn {
            lines.append("IN ITS PLACE since a boot or `policy load`: \(Self.text(standIn.ruleset)): \(standIn.why)")
        }
        if let undone = state.undone {
            lines.append("undone: generation \(undone.generation) at \(DateTime(seconds: undone.at)): \(undone.why)")
        }
        switch kernel {
        case .holdsIt: lines.append("the kernel holds generation \(state.held?.generation ?? 0)")
        case .differs(let findings): lines += findings.map { "NOT IN FORCE AS APPLIED: \($0)" }
        case .nothingApplied: break
        case .unknown(let why): lines.append("whether the kernel holds it is not known: \(why)")
        }
        return lines + warnings + counters.map(Self.text)
    }

    /// What a rule counted, and apart from it what its limit dropped.
    private static func text(_ counter: RuleCounter) -> String {
        let dropped = counter.overLimit.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        let rest = dropped.isEmpty ? "" : "; dropped: \(dropped.joined(separator: ", "))"
        return "\(counter.rule): \(counter.packets) packets, \(counter.bytes) bytes\(rest)"
    }

    /// What becomes of a ruleset that nobody confirms.
    private func end(of pending: PendingConfirmation) -> String {
        // This machine's clock may have been set since; the watchdog's was not.
        let now = Int64(clamping: Clock.monotonicNanoseconds)
        let left = pending.deadline.map { (Int64(clamping: $0) - now) / 1_000_000_000 }
        let end = isWatched ? left.map { Applier.now + $0 } ?? pending.until : pending.until
        let until = DateTime(seconds: end)
        guard isWatched else {
            return "its watchdog does not run: `gatehouse policy watch` undoes it at \(until), where that runs, and a "
                + "boot; else nobody does: `gatehouse policy confirm` or `gatehouse policy rollback`"
        }
        // The watchdog tries each second, so a minute later something keeps it from it.
        guard end + 60 < Applier.now else { return "undone at \(until) unless confirmed" }
        return "was to be undone at \(until), and its watchdog still tries to do or to record that: "
            + "\(hindrance), keeps it from it"
    }

    private static func text(_ ruleset: StoredRuleset) -> String {
        let applied = DateTime(seconds: ruleset.applied)
        return "generation \(ruleset.generation) of \(ruleset.host), \(ruleset.hash.prefix(12)), applied at \(applied)"
    }
}
