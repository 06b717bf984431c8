import ArgumentParser

/// The command line: what it takes, what it calls. All else is in the modules.
@main
struct Gatehouse: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gatehouse",
        abstract: "The front door of a small site: HTTPS, load balancing, firewall and certificates from one file.",
        subcommands: [Check.self, Schema.self, Serve.self, Status.self, Server.self, Demo.self, App.self]
    )
}
