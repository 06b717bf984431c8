import ArgumentParser
import Linux
import Site

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check the site file: every error at once, with its place and what to do."
    )

    @OptionGroup var options: SiteOptions

    @Flag(help: "Write the result as JSON.")
    var json = false

    func run() throws {
        let outcome = SiteFile.load(path: options.path)
        if json {
            print(outcome.json)
        } else if let model = outcome.model {
            if !outcome.diagnostics.isEmpty { Output.error(outcome.text) }
            print(
                "\(options.path): \(model.name) is well described: \(model.hosts.count) hosts, "
                    + "\(model.gateway?.pools.count ?? 0) pools, \(model.certificates.count) certificates"
            )
        } else {
            Output.error(outcome.text)
        }
        if outcome.model == nil { throw ExitCode(2) }
    }
}
