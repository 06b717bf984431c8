import ArgumentParser
import Firewall
import Linux
import Site

struct PolicyCompile: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compile",
        abstract: "Write the nftables ruleset of a host, or of all hosts.",
        discussion: """
            The same site file gives the same bytes. A ruleset replaces the table `inet gatehouse` and no other, in one
            transaction: `nft -f FILE`. Exit status: 0 when it is written, 2 when the site file or the command is wrong,
            3 when a file cannot be written.
            """
    )

    @OptionGroup var options: SiteOptions

    @Option(help: "The host, as the site file calls it.")
    var host: String?

    @Flag(help: "Every host of the site; needs --out.")
    var all = false

    @Option(help: "The folder for the files, one for each host: HOST.nft. Without it the ruleset is printed.")
    var out: String?

    func validate() throws {
        guard all != (host != nil) else { throw ValidationError("Say --host HOST, or --all with --out FOLDER.") }
        guard !all || out != nil else { throw ValidationError("--all needs --out FOLDER.") }
    }

    func run() throws {
        var outcome = SiteFile.load(path: options.path)
        if let model = outcome.model {
            // A ruleset that breaks a claim is written all the same: it may be the one that is in force.
            let now = Clock.realtimeSeconds
            outcome = outcome.adding(PolicyCheck.brokenClaims(model, file: options.path, now: now))
        }
        if !outcome.diagnostics.isEmpty { Output.error(outcome.text) }
        guard let model = outcome.model, !outcome.hasErrors else { throw ExitCode(2) }
        let intent = Intent(of: model)
        let hosts = try host.map { [try intent.host($0, of: options.path)] } ?? intent.hosts
        guard let out else {
            for host in hosts { Output.text(Compiler.compile(host).text().text) }
            return
        }
        do {
            if !FileWriting.exists(out) { try FileWriting.createFolder(out) }
        } catch {
            Output.error("the folder for the rulesets was not made: \(error)")
            throw ExitCode(3)
        }
        let failures = Parallel.map(hosts) { host in
            Self.write(Compiler.compile(host).text().text, host: host.host, folder: out)
        }
        guard let failure = failures.compactMap(\.self).first else { return }
        Output.error(failure)
        throw ExitCode(3)
    }

    /// Why the file was not written; nil when it was.
    private static func write(_ text: String, host: String, folder: String) -> String? {
        let bytes = Array(text.utf8)
        do {
            try FileWriting.replace("\(folder)/\(host).nft", with: bytes.span, mode: 0o644)
            return nil
        } catch {
            return "the ruleset of \(host) was not written: \(error)"
        }
    }
}
