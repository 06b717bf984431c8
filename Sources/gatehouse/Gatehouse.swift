import ArgumentParser
import Glibc
import Linux
import Operations

/// The command line: what it takes, what it calls. All else is in the modules.
@main
struct Gatehouse: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gatehouse",
        abstract: "The front door of a small site: HTTPS, load balancing, firewall and certificates from one file.",
        version: "gatehouse \(GatewayView.programVersion)",
        subcommands: [
            Check.self, Schema.self, Serve.self, Status.self, Reload.self, Upgrade.self, Server.self, Certs.self,
            PolicyCommand.self, Demo.self, App.self,
            DataPlane.self, FirewallWorker.self,
            FirewallWatchdog.self,
        ]
    )

    /// Wrong usage ends with 2, where the parser would say 64 (EX_USAGE).
    static func main() {
        if let problem = unknownCommand(Array(CommandLine.arguments.dropFirst())) {
            Output.error(problem)
            Glibc.exit(2)
        }
        do {
            var command = try parseAsRoot()
            // Before any of them reads a key. The one that needs a user namespace reads none.
            if !(command is FirewallWorker) { ProcessDumps.forbid() }
            try command.run()
        } catch {
            guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
            Output.error(fullMessage(for: error))
            Glibc.exit(2)
        }
    }

    /// What to say of a word where a command must stand: the parser would call the first option behind it unknown. nil
    /// where there is none.
    static func unknownCommand(_ arguments: [String]) -> String? {
        var group: any ParsableCommand.Type = Self.self
        var path = "gatehouse"
        for word in arguments {
            let commands = group.configuration.subcommands
            guard !commands.isEmpty, !word.hasPrefix("-"), word != "help" else { return nil }
            guard let command = commands.first(where: { $0._commandName == word }) else {
                let names = commands.filter { $0.configuration.shouldDisplay }.map { $0._commandName }
                let list = names.map { "`\($0)`" }.joined(separator: ", ")
                return "\(path): there is no command `\(word)`; it has \(list). `\(path) --help` says more"
            }
            (group, path) = (command, "\(path) \(word)")
        }
        return nil
    }
}
