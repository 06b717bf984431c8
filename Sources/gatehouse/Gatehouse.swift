import ArgumentParser
import Glibc
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
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
            Output.error(fullMessage(for: error))
            Glibc.exit(2)
        }
    }
}
