import ArgumentParser
import Linux
import Operations

struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run the gateway that the site file describes.")

    @OptionGroup var options: SiteOptions

    @Option(help: "Which host of the site this machine is; it must bear the role `gateway`.")
    var host: String?

    @Option(help: "Worker threads. Default: what the site file says, else one for each core.")
    var workers: Int?

    @Option(help: "The admin socket. Default: the site's own below /run/gatehouse, or in $XDG_RUNTIME_DIR.")
    var socket: String?

    func run() throws {
        do {
            try GatewayProcess.run(path: options.path, host: host, workers: workers, socket: socket)
        } catch {
            Output.error("\(error)")
            throw ExitCode(2)
        }
    }
}
