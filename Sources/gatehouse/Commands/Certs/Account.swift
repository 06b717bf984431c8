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
            abstract: "Give the site's accounts at its CAs new keys. The old ones are good for nothing afterwards."
        )

        @OptionGroup var options: CertificateOptions

        func run() throws {
            let desk = try options.desk()
            let all = try desk.certificates([]).flatMap { settings -> [ACMESettings] in
                guard case .acme(let acme) = settings.issuer else { return [] }
                return acme.candidates
            }
            let done = try desk.perform { () throws(CertificateProblem) in
                try desk.provider.changeAccountKeys(all, desk.outside())
            }
            for directory in done { Output.line("\(directory): the account has a new key") }
            if done.isEmpty { Output.line("the site has no certificate of an ACME server") }
        }
    }
}
