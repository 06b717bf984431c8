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
            + "no drift. Interfaces and addresses of the machine that are not as the site file says are warnings, and "
            + "no drift. Exit status: 0 when nothing drifted, 1 when something did or nothing was ever applied, 3 when "
            + "the kernel cannot be asked."
    )

    @OptionGroup var state: StateOptions

    @Flag(help: "Write the result as JSON.")
    var json = false

    func run() throws {
        let (drift, warnings) = try state.perform { applier -> (Drift, [String]) in
            do throws(ApplyError) {
                let machine = try applier.warnings(PolicySite.machineFacts).map(\.description)
                let legacy = applier.settings.legacyWarning.map { ["warning: \($0)"] } ?? []
                return (try applier.undisturbed(applier.drift), machine + legacy)
            } catch {
                // Who reads JSON gets it also where nothing was applied.
                guard json, error.kind == .wanting else { throw error }
                return (Drift(error.description), [])
            }
        }
        if json {
            print(
                JSONValue.object([
                    .init("drift", .strings(drift.findings)), .init("notes", .strings(drift.notes)),
                    .init("warnings", .strings(warnings)),
                ]).indented
            )
        } else {
            for warning in warnings { Output.error(warning) }
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
                throw ApplyError(.machine, "the kernel does not tell of changes (\(error)): run it as root")
            }
            var recorded = try? applier.state()
            // Of the last look; nil before the first.
            var known: [String]?
            // When the rules are looked at whoever changes them; nil when nothing calls for a look.
            var latest: UInt64? = Clock.monotonicNanoseconds + Self.longestCommand
            while true {
                // By a watchdog that is killed, and by a record that comes late, no rule changes and this would not be
                // woken.
                let isWaiting = known?.isEmpty == false || (try? applier.state().pending) != nil
                _ = Readiness.wait([events.raw], milliseconds: latest != nil ? 50 : isWaiting ? 1_000 : -1)
                Self.undoUnwatched(applier)
                let news: [RulesetEvents.Event]
                do {
                    news = try events.next()
                } catch {
                    throw ApplyError(.machine, "\(error)")
                }
                for event in news { Output.line(Self.text(event)) }
                let state = try? applier.state()
                if latest == nil, !news.isEmpty || state != recorded {
                    latest = Clock.monotonicNanoseconds + Self.longestCommand
                }
                recorded = state
                guard let end = latest else { continue }
                // A command that changes the rules holds the state's lock until both agree; one that begins meanwhile
                // changes one before the other.
                let isOver = Clock.monotonicNanoseconds >= end
                guard isOver || !applier.folder.isBusy else { continue }
                let now = Self.findings(applier)
                let isSettled = !applier.folder.isBusy && state == (try? applier.state())
                guard isOver || isSettled || now.isEmpty else { continue }
                latest = nil
                for finding in now where known?.contains(finding) != true { Output.line("drift: \(finding)") }
                if known == nil { Output.line("watching") }
                if now.isEmpty, known?.isEmpty == false { Output.line("the kernel holds what was applied again") }
                known = now
            }
        }
    }

    /// How long a command may change the rules, in nanoseconds, before what it has done so far is looked at.
    private static let longestCommand: UInt64 = 60_000_000_000

    private static func undoUnwatched(_ applier: Applier) {
        // Who holds the lock may be about to, and would be waited for.
        guard !applier.folder.isBusy else { return }
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

    private static func findings(_ applier: Applier) -> [String] {
        do {
            return try applier.drift().findings
        } catch {
            return [error.description]
        }
    }
}
