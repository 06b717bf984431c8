import ArgumentParser
import Firewall
import Site

struct PolicyStatus: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show which ruleset is in force, what waits for a confirmation, and what each rule counted.",
        discussion: "Exit status: 0, or 1 when a ruleset waits for a confirmation."
    )

    @OptionGroup var state: StateOptions

    @Flag(help: "Write the status as JSON.")
    var json = false

    func run() throws {
        let (known, counters, isWatched) = try state.perform { applier in
            let known = try applier.state()
            let isWatched = known.pending.map {
                Watchdog.isArmed(applier.folder, generation: $0.ruleset.generation)
            }
            return (known, (try? applier.counters()) ?? [], isWatched)
        }
        if json {
            print(Self.json(known, counters, isWatched).indented)
        } else {
            for line in Self.lines(known, counters, isWatched) { print(line) }
        }
        if known.pending != nil { throw ExitCode(1) }
    }

    private static func json(_ state: FirewallState, _ counters: [RuleCounter], _ isWatched: Bool?) -> JSONValue {
        .object([
            .init("confirmed", state.confirmed?.json ?? .null),
            .init("pending", state.pending?.json ?? .null),
            .init("watchdog", isWatched.map { .boolean($0) } ?? .null),
            .init("undone", state.undone?.json ?? .null),
            .init(
                "rules",
                .array(
                    counters.map {
                        .object([
                            .init("rule", .string($0.rule)), .init("packets", .integer($0.packets)),
                            .init("bytes", .integer($0.bytes)),
                        ])
                    }
                )
            ),
        ])
    }

    private static func lines(_ state: FirewallState, _ counters: [RuleCounter], _ isWatched: Bool?) -> [String] {
        var lines: [String] = []
        if let pending = state.pending {
            let until = DateTime(seconds: pending.until)
            lines.append("pending: \(text(pending.ruleset)); undone at \(until) unless confirmed")
            if isWatched == false {
                lines.append(
                    "its watchdog does not run, so nothing undoes it by itself: `gatehouse policy confirm` or "
                        + "`gatehouse policy rollback`"
                )
            }
        }
        lines.append(state.confirmed.map { "confirmed: \(text($0))" } ?? "no ruleset was confirmed here")
        if let undone = state.undone {
            lines.append("undone: generation \(undone.generation) at \(DateTime(seconds: undone.at)): \(undone.why)")
        }
        return lines + counters.map { "\($0.rule): \($0.packets) packets, \($0.bytes) bytes" }
    }

    private static func text(_ ruleset: StoredRuleset) -> String {
        let applied = DateTime(seconds: ruleset.applied)
        return "generation \(ruleset.generation) of \(ruleset.host), \(ruleset.hash.prefix(12)), applied at \(applied)"
    }
}
