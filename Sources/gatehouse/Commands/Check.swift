import ArgumentParser
import Certificates
import Control
import Firewall
import Linux
import Site

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check the site file: every error at once, with its place and what to do.",
        discussion: """
            Holds the policy against its claims and its tests, and the gateway against the policy.
            Exit status: 0 when it can be served, 1 when the policy or a certificate is at fault, 2 when the file is.
            """
    )

    @OptionGroup var options: SiteOptions

    @Flag(help: "Write the result as JSON.")
    var json = false

    func run() throws {
        var outcome = SiteFile.load(path: options.path)
        var isRefused = outcome.model == nil
        var note: Diagnostic?
        if let model = outcome.model {
            let references = ReferenceCheck.findings(model, file: options.path, whereDenied: .warning)
            isRefused = references.contains { $0.severity == .error }
            let now = Clock.realtimeSeconds
            outcome = outcome.adding(references)
                .adding(PolicyCheck.findings(model, file: options.path, now: now))
                .adding(
                    CertificateCheck.findings(
                        model,
                        file: options.path,
                        whereAbsent: .warning,
                        besides: Self.servedStore(model)
                    )
                )
            note = NeedsNote.note(model, Intent(of: model, at: now), file: options.path)
        }
        if json {
            print(outcome.adding([note].compactMap(\.self)).json)
        } else if let model = outcome.model, !outcome.hasErrors {
            if !outcome.diagnostics.isEmpty { Output.error(outcome.text) }
            print(
                "\(options.path): \(model.name) is well described: \(model.hosts.count) hosts, "
                    + "\(model.gateway?.pools.count ?? 0) pools, \(model.certificates.count) certificates"
            )
            if let note { print(note) }
        } else {
            Output.error(outcome.text)
        }
        if isRefused { throw ExitCode(2) }
        if outcome.hasErrors { throw ExitCode(1) }
    }

    /// Milliseconds that a gateway may take to say what it serves.
    private static let patience: Int32 = 5_000

    /// The store that the running gateway has read something of; nil where none answers this user. It is asked where its next reload
    /// would find nothing.
    private static func servedStore(_ site: SiteModel) -> String? {
        guard CertificateStore(folder: site.certificateStore).isVacant else { return nil }
        let socket = AdminSocket.defaultPath(of: site.name)
        guard let line = try? AdminClient.ask(.status, at: socket, within: patience) else { return nil }
        return JSONValue(parsing: line)?["result"]?["certificate_store"]?.text
    }
}
