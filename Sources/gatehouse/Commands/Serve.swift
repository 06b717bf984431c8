import ArgumentParser
import Control
import Linux
import Operations

struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the gateway that the site file describes.",
        discussion: """
            Exit status: 0 after it was told to stop. When it cannot start, 1 for a certificate or a data plane that \
            is at fault, 2 for the site file, 3 for what the machine lacks.
            """
    )

    @OptionGroup var options: SiteOptions

    @Option(help: "Which gateway of the site this machine is. Default: the one whose addresses it bears.")
    var host: String?

    @Option(help: "Worker threads. Default: what the site file says, else one for each core.")
    var workers: Int?

    @Option(help: "The admin socket. Default: the site's own below /run/gatehouse, or in $XDG_RUNTIME_DIR.")
    var socket: String?

    @Option(help: .init("What an upgrade asks the new program: whether it could start.", visibility: .hidden))
    var rehearse: OwnAddresses?

    func validate() throws {
        guard (1...1024).contains(workers ?? 1) else {
            throw ValidationError("--workers: 1 to 1024, not \(workers ?? 0)")
        }
    }

    func run() throws {
        do {
            var options = ServeOptions(path: options.path)
            options.host = host
            options.workers = workers
            options.socket = socket
            guard let rehearse else { return try GatewayProcess.run(options) }
            try GatewayRehearsal.run(options, besides: rehearse.addresses)
        } catch {
            Output.error("\(error)")
            throw ExitCode(GatewayProcess.exitStatus(of: error))
        }
        throw ExitCode(Handover.readyStatus)
    }
}

/// Where the gateway that runs listens, as `ADDRESS:PORT,…`.
struct OwnAddresses: ExpressibleByArgument {
    let addresses: [SocketAddress]

    init?(argument: String) {
        addresses = argument.split(separator: ",").compactMap { SocketAddress(description: String($0)) }
    }
}
