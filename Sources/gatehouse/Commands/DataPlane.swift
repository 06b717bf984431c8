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
        guard let account = UserAccount(argument) else { return nil }
        self.account = account
    }
}
