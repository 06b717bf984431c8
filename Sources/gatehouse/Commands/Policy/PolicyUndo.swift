import ArgumentParser
import Firewall

struct PolicyConfirm: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "confirm",
        abstract: "Keep the ruleset that was applied; the next boot loads it.",
        discussion: "Exit status: 0 when it is kept, 1 when none waits: it was undone already."
    )

    @OptionGroup var state: StateOptions

    func run() throws {
        Output.line("generation \(try state.perform { try $0.confirm() }) is kept")
    }
}

struct PolicyRollback: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Undo the ruleset that waits for a confirmation; without one, go back to the one before.",
        discussion: "Exit status: 0 when that is done, 1 when there is nothing to go back to."
    )

    @OptionGroup var state: StateOptions

    func run() throws {
        let generation = try state.perform { try $0.rollback() }
        Output.line(generation.map { "generation \($0) is in force" } ?? "this machine has no rules of gatehouse now")
    }
}

struct PolicyLoad: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Load the last confirmed ruleset, as at boot.",
        discussion: "Exit status: 0 also when none was ever confirmed, 1 when its text was changed, else 2 or 3."
    )

    @OptionGroup var state: StateOptions

    func run() throws {
        let generation = try state.perform { try $0.boot() }
        Output.line(generation.map { "generation \($0) is loaded" } ?? "no ruleset was ever confirmed here")
    }
}

/// What `policy apply` starts before it loads; not a command for people.
struct FirewallWatchdog: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: Watchdog.argument,
        abstract: "Bring the old rules back unless the new ones are confirmed.",
        shouldDisplay: false
    )

    @OptionGroup var state: StateOptions

    @Option(help: "Which generation waits.")
    var generation: Int

    @Option(help: "For how long.")
    var seconds: Int

    func run() throws {
        try state.perform { try Watchdog.run($0, generation: generation, seconds: seconds) }
    }
}
