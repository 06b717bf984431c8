import ArgumentParser
import Firewall
import Linux
import Site

struct PolicyDrift: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drift",
        abstract: "Say what the kernel holds beside what was applied, tables of others included.",
        discussion:
            "Elements that come into or go from a block list of another program, such as fail2ban's, are noted and "
            + "no drift. An interface that the site file names and the machine does not have is a warning, and no "
            + "drift. Exit status: 0 when nothing drifted, 1 when something did or nothing was ever applied, 3 when the "
            + "kernel cannot be asked."
    )

    @OptionGroup var state: StateOptions

    @Flag(help: "Write the result as JSON.")
    var json = false

    func run() throws {
        let (drift, warnings) = try state.perform { applier -> (Drift, [Diagnostic]) in
            do throws(ApplyError) {
                return (try applier.drift(), try applier.missingInterfaces(present: InterfaceNames.all()))
            } catch {
                // Who reads JSON gets it also where nothing was applied.
                guard json, error.kind == .wanting else { throw error }
                return (Drift(error.description), [])
            }
        }
        if json {
            let warnings = JSONValue.strings(warnings.map(\.description))
            print(
                JSONValue.object([
                    .init("drift", .strings(drift.findings)), .init("notes", .strings(drift.notes)),
                    .init("warnings", warnings),
                ]).indented
            )
        } else {
            for warning in warnings { Output.error(warning.description) }
            for note in drift.notes { print("note: \(note)") }
            let findings = drift.findings.joined(separator: "\n")
            print(drift.isEmpty ? "the kernel holds what was applied" : findings)
        }
        if !drift.isEmpty { throw ExitCode(1) }
    }
}

struct PolicyWatch: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Write a line for each change of the kernel's rules: who made it, and what drifted by it.",
        discussion: "A ruleset that nobody confirmed in time, and of which the watchdog was killed, it undoes itself."
    )

    @OptionGroup var state: StateOptions

    func run() throws {
        try state.perform { applier in
            let events: RulesetEvents
            do {
                events = try RulesetEvents()
            } catch {
                throw ApplyError(.machine, "the kernel does not tell of changes: \(error)")
            }
            var state = try? applier.state()
            var known = Self.findings(applier)
            for finding in known { Output.line("drift: \(finding)") }
            Output.line("watching")
            while true {
                // By a watchdog that is killed, and by a record that comes late, no rule changes and this would not be
                // woken.
                let isWaiting = !known.isEmpty || (try? applier.state().pending) != nil
                _ = Readiness.wait([events.raw], milliseconds: isWaiting ? 1_000 : -1)
                Self.undoUnwatched(applier)
                let news: [RulesetEvents.Event]
                do {
                    news = try events.next()
                } catch {
                    throw ApplyError(.machine, "\(error)")
                }
                for event in news { Output.line(Self.text(event)) }
                let recorded = try? applier.state()
                guard !news.isEmpty || recorded != state else { continue }
                state = recorded
                let now = Self.findings(applier)
                for finding in now where !known.contains(finding) { Output.line("drift: \(finding)") }
                if now.isEmpty, !known.isEmpty { Output.line("the kernel holds what was applied again") }
                known = now
            }
        }
    }

    /// How long a command may change the rules, in milliseconds, before what it has done so far is looked at.
    private static let longestCommand = 60_000

    private static func undoUnwatched(_ applier: Applier) {
        do {
            guard let generation = try applier.expireUnwatched() else { return }
            Output.line("generation \(generation) is undone: nobody confirmed it in time, and its watchdog was gone")
        } catch {
            Output.error("gatehouse: what nobody confirmed is not undone: \(error)")
        }
    }

    private static func text(_ event: RulesetEvents.Event) -> String {
        switch event {
        case .missed: "changes came faster than they could be read; some are not named"
        case .changed(let change):
            "generation \(change.generation) of the kernel, by \(change.name) (process \(change.process))"
        }
    }

    /// A command that changes the rules holds the state's lock until both agree; one that begins meanwhile changes one
    /// before the other.
    private static func findings(_ applier: Applier) -> [String] {
        var found: [String] = []
        for _ in 0..<mostLooks {
            applier.folder.awaitQuiet(milliseconds: longestCommand)
            let before = try? applier.state()
            do {
                found = try applier.drift().findings
            } catch {
                found = [error.description]
            }
            if found.isEmpty || !applier.folder.isBusy && before == (try? applier.state()) { break }
        }
        return found
    }

    /// How often it looks again while commands come and go.
    private static let mostLooks = 10
}
