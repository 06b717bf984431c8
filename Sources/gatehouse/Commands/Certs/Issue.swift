import ArgumentParser
import Certificates
import OpenSSL
import Site

extension Certs {
    struct Issue: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Issue a certificate that the store does not have yet.",
            discussion: "Exit status: 0 when it is there; `rotate` replaces one that is."
        )

        @OptionGroup var options: CertificateOptions
        @Argument(help: "Its name in the site file.") var name: String

        func run() throws {
            let desk = try options.desk()
            let settings = try desk.certificate(name)
            let provided = try desk.perform { () throws(CertificateProblem) in try desk.provider.provide(settings) }
            for note in provided.notes { print(note) }
            for warning in provided.warnings { Output.error("warning: \(warning)") }
            guard !provided.notes.isEmpty else {
                return print("certificate \(name): the store's will do; `gatehouse certs rotate \(name)` replaces it")
            }
            try desk.publish()
        }
    }

    struct Renew: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Issue anew every certificate that is due. For a timer, where no gateway runs.",
            discussion: "Exit status: 1 when one could not be renewed; the others are, all the same."
        )

        @OptionGroup var options: CertificateOptions

        func run() throws {
            let desk = try options.desk()
            var isChanged = false
            var isWanting = false
            for settings in try desk.certificates([]) where settings.issuer == .internal {
                do throws(CertificateProblem) {
                    let provided = try desk.provider.provide(settings)
                    for note in provided.notes { print(note) }
                    for warning in provided.warnings { Output.error("warning: \(warning)") }
                    isChanged = isChanged || !provided.notes.isEmpty
                    isWanting = isWanting || !provided.warnings.isEmpty
                } catch {
                    Output.error("\(error)")
                    isWanting = true
                }
            }
            if isChanged { try desk.publish() } else { print("no certificate is due") }
            if isWanting { throw ExitCode(1) }
        }
    }

    struct Rotate: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Replace a certificate and its key now. The one before stays in the store, for a rollback."
        )

        @OptionGroup var options: CertificateOptions
        @Argument(help: "Its name in the site file.") var name: String
        @Option(help: "Why, for the audit log.") var reason = "an operator asked for it"

        func run() throws {
            let desk = try options.desk()
            let settings = try desk.certificate(name)
            let bundle = try desk.perform { () throws(CertificateProblem) in
                try desk.provider.issue(settings, reason: reason)
            }
            print("certificate \(name): good until \(UTC.text(bundle.leaf.validity.upperBound))")
            try desk.publish()
        }
    }
}
