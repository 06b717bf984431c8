import ArgumentParser
import Firewall
import Site

struct PolicyCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Load a host's ruleset for real, in a network that goes away, and read back what the kernel holds.",
        discussion: "Exit status: 0 when it loads, 2 when the kernel refuses it, 3 when it cannot be tried here."
    )

    @OptionGroup var options: SiteOptions

    @Option(help: "Which host of the site. Default: the one whose addresses this machine bears.")
    var host: String?

    @Option(help: "The ruleset as text.")
    var ruleset: String

    func run() throws {
        let source = try PolicySource(options)
        let host = try source.host(host)
        let compiled = try source.ruleset(host, file: ruleset)
        do {
            let held = try ScratchKernel().hold(compiled.text)
            Output.line("\(host.name): the kernel takes the ruleset; its listing has \(held.count) bytes")
        } catch .refused(let problems) {
            Output.error("\(host.name): " + problems.described { compiled.ruleOfLine[$0] })
            throw ExitCode(2)
        } catch .unavailable(let why) {
            Output.error("\(host.name): unproved: \(why)")
            throw ExitCode(3)
        }
    }
}
