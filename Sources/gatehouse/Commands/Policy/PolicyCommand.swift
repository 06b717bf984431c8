import ArgumentParser

struct PolicyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy",
        abstract: "The firewalls of the site's hosts.",
        subcommands: [PolicyCompile.self]
    )
}
