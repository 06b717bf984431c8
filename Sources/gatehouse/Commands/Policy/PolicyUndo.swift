import ArgumentParser
import Firewall
import Linux

struct PolicyConfirm: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "confirm",
        abstract: "Keep the ruleset that was applied; the next boot loads it.",
        discussion: "Give it from a new connection: that it is made is the proof. In the session of `apply` it warns. "
            + "Exit status: 0 when it is kept, also when that is so already and none waits; 1 when it was undone, none was "
            + "ever applied, or the kernel does not hold it."
    )

    @OptionGroup var state: StateOptions

    func run() throws {
        switch try state.perform({ try $0.confirm() }) {
        case .kept(let generation, let ended, let session):
            ended.say()
            Output.line("generation \(generation) is kept")
            if let session, session == EntranceOptions.session { Self.warn(of: session) }
        case .before(let generation):
            Output.line("generation \(generation) was confirmed before and is in force; none waits for a confirmation")
        }
    }

    private static func warn(of session: String) {
        Output.error(
            "warning: it was applied in this SSH session (SSH_CONNECTION is `\(session)`), which was open before and goes "
                + "on by itself: that a new connection is let in is not shown. Log in once more while this one is open; "
                + "where that fails, `gatehouse policy rollback`"
        )
    }
}

struct PolicyRollback: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Undo the ruleset that waits for a confirmation; without one, apply the one before again.",
        discussion: "What waits is undone at once. The one before is applied like any other: it must let you in, "
            + "and waits for a confirmation itself. Exit status: 0 when that is done, 1 when there is nothing to go back to, "
            + "or it would shut you out, else 2 or 3."
    )

    @OptionGroup var state: StateOptions
    @OptionGroup var entrance: EntranceOptions

    func run() throws {
        try state.perform { applier in
            guard try applier.state().pending == nil else {
                let (generation, ended) = try applier.rollback()
                let inForce = generation.map { "generation \($0) is in force" }
                Output.line(inForce ?? "this machine has no rules of gatehouse now")
                return ended.say()
            }
            var order = try applier.previous(
                confirmWithin: entrance.confirmWithin.seconds,
                takesUnknown: entrance.unproved
            )
            order.session = EntranceOptions.session
            try entrance.require(try entrance.accesses(), order.ruleset, beside: try applier.liveListing())
            let outcome = try applier.apply(order, arm: EntranceOptions.watchdog(applier.folder))
            entrance.say(outcome, order.ruleset.compiled.intent.host)
        }
    }
}

struct PolicyLoad: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Load the last confirmed ruleset, as at boot.",
        discussion:
            "Where its text is not what was confirmed, its copy or the one before is loaded, and so is the one before "
            + "where the kernel does not take it; where nothing is known that was confirmed and no ruleset of gatehouse is "
            + "in force, one that lets in SSH alone. Exit status: 0 also when none was ever confirmed, else 1, 2 or 3 when no "
            + "confirmed one could be loaded."
    )

    @OptionGroup var state: StateOptions

    func run() throws {
        let boot = try state.perform { try $0.boot() }
        for warning in boot.warnings { Output.error("warning: \(warning)") }
        boot.ended.say()
        Output.line(boot.generation.map { "generation \($0) is loaded" } ?? "no ruleset was ever confirmed here")
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

    @Option(help: "Until when, in nanoseconds of the clock that does not jump.")
    var until: UInt64

    func run() throws {
        let group = Watchdog.joinGroup()
        defer { group?.leave() }
        try state.perform { try Watchdog.run($0, generation: generation, until: until) }
    }
}
