import ArgumentParser
import Firewall

/// What the firewall's commands start to look at the kernel; not a command for people.
struct FirewallWorker: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: KernelProcess.argument,
        abstract: "Speak with nftables for the command that started this.",
        shouldDisplay: false
    )

    @Option(help: "The process that asks.")
    var parent: Int32

    func run() throws {
        let status = KernelWorker.run(parent: parent)
        if status != 0 { throw ExitCode(status) }
    }
}
