import ArgumentParser
import Glibc
import Linux
import Operations

/// The command line: what it takes, what it calls. All else is in the modules.
///
/// Every command says its name: of the types' names the parser makes them by searches that take longer than all else at a start.
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
        let arguments = Array(CommandLine.arguments.dropFirst())
        let named = Self.named(arguments)
        if case .none(let problem) = named {
            Output.error(problem)
            Glibc.exit(2)
        }
        do {
            if case .command(_, in: let groups, _) = named, groups.contains(where: { $0 == Certs.self }) {
                // The clients of a gateway under load would wait for all that such a command does beside it.
                try Thread.inBackground { try run(arguments, named) }
            } else {
                try run(arguments, named)
            }
        } catch {
            guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
            Output.error(fullMessage(for: error))
            Glibc.exit(2)
        }
    }

    /// What the words before the first option name.
    private enum Named: Sendable {
        /// A command, the groups that it is in, and what is said to it.
        case command(any ParsableCommand.Type, in: [any ParsableCommand.Type], [String])
        /// Nothing, where a command must stand; what to say of that.
        case none(String)
        /// A group of commands, or help.
        case other
    }

    /// - Note: the parser would call the first option behind an unknown word unknown.
    private static func named(_ arguments: [String]) -> Named {
        var groups: [any ParsableCommand.Type] = []
        var commands = configuration.subcommands
        for (index, word) in arguments.enumerated() {
            guard !word.hasPrefix("-"), word != "help" else { return .other }
            guard let command = commands.first(where: { $0._commandName == word }) else {
                let names = commands.filter { $0.configuration.shouldDisplay }.map { $0._commandName }
                let path = (["gatehouse"] + arguments.prefix(index)).joined(separator: " ")
                let list = names.map { "`\($0)`" }.joined(separator: ", ")
                return .none("\(path): there is no command `\(word)`; it has \(list). `\(path) --help` says more")
            }
            commands = command.configuration.subcommands
            if commands.isEmpty { return .command(command, in: groups, Array(arguments[(index + 1)...])) }
            groups.append(command)
        }
        return .other
    }

    private static func run(_ arguments: [String], _ named: Named) throws {
        var command = try parse(arguments, named)
        // Before any of them reads a key. The one that needs a user namespace reads none.
        if !(command is FirewallWorker) { ProcessDumps.forbid() }
        try command.run()
    }

    /// One that is named, and to which nothing wrong is said, is parsed alone. The parser looks at all others, too, for help and
    /// for what is wrong, which makes a start several times as long.
    private static func parse(_ arguments: [String], _ named: Named) throws -> any ParsableCommand {
        if case .command(let type, _, let words) = named, let command = try? type.parseAsRoot(words),
            Swift.type(of: command) == type
        {
            return command
        }
        return try parseAsRoot(arguments)
    }
}
