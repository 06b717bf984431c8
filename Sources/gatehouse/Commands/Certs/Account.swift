import ArgumentParser
import Certificates
import Site

extension Certs {
    struct Account: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "account",
            abstract: "The site's accounts at CAs that speak ACME.",
            subcommands: [RotateKey.self]
        )
    }
}

extension Certs.Account {
    struct RotateKey: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rotate",
            abstract: "Give the site's accounts at its CAs new keys. The old ones are good for nothing afterwards.",
            discussion: "A CA that does not answer keeps none of the others from it: exit status 1, and which it was."
        )

        @OptionGroup var options: CertificateOptions

        func run() throws {
            let desk = try options.changingDesk()
            let all = try desk.certificates([]).flatMap { settings -> [ACMESettings] in
                guard case .acme(let acme) = settings.issuer else { return [] }
                return acme.candidates
            }
            let outside = desk.outside()
            var asked: Set<String> = []
            var status: Int32 = 0
            for acme in all where asked.insert(acme.directory).inserted {
                do throws(CertificateProblem) {
                    try desk.provider.changeAccountKey(at: acme, outside)
                    Output.line("\(acme.directory): the account has a new key")
                } catch {
                    Output.error("\(error)")
                    status = max(status, error.exitStatus)
                }
            }
            if asked.isEmpty { Output.line("the site has no certificate of an ACME server") }
            if status != 0 { throw ExitCode(status) }
        }
    }
}
