import ArgumentParser
import Firewall

/// What the firewall's commands start for each look at the kernel; not a command for people.
struct FirewallWorker: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: KernelProcess.argument,
        abstract: "Speak with nftables for the command that started this.",
        shouldDisplay: false
    )

    @Option(help: "The process that asks.")
    var parent: Int32

    @Argument(help: "hold, load, json or text.")
    var task: String

    func run() throws {
        guard let task = KernelTask(rawValue: task) else { throw ValidationError("\(task): no such task") }
        let status = KernelWorker.run(task, parent: parent)
        if status != 0 { throw ExitCode(status) }
    }
}
