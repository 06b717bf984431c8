import ArgumentParser
import Control
import Glibc
import Linux

/// What the control plane starts; not a command for people.
struct DataPlane: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: DataPlaneConvention.argument,
        abstract: "Serve what the control plane hands over.",
        shouldDisplay: false
    )

    @Option(help: "Whom to become, as NAME:UID:GID.")
    var user: AccountArgument?

    func run() throws {
        let status = DataPlaneProcess.run(
            confinement: .init(user: user?.account, filter: .dataPlane()),
            service: GatewayDataPlane()
        )
        if status != 0 { throw ExitCode(status) }
    }
}

/// A user whom the control plane has looked up: the data plane reads no file of users.
struct AccountArgument: ExpressibleByArgument {
    let account: UserAccount

    init?(argument: String) {
        let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, let identifier = UInt32(parts[1]), let group = UInt32(parts[2]) else { return nil }
        account = UserAccount(name: String(parts[0]), identifier: identifier, group: group)
    }
}
