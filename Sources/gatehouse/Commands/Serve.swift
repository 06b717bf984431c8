import ArgumentParser
import Linux
import Operations

struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
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
            try GatewayProcess.run(options)
        } catch {
            Output.error("\(error)")
            throw ExitCode(GatewayProcess.exitStatus(of: error))
        }
    }
}
