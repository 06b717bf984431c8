import ArgumentParser
import Linux
import Operations

struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run the gateway that the site file describes.")

    @OptionGroup var options: SiteOptions

    @Option(help: "Which host of the site this machine is. Default: the one whose addresses it bears.")
    var host: String?

    @Option(help: "Worker threads. Default: what the site file says, else one for each core.")
    var workers: Int?

    func run() throws {
        do {
            try GatewayProcess.run(path: options.path, workers: workers)
        } catch {
            Output.error("\(error)")
            throw ExitCode(2)
        }
    }
}
