import ArgumentParser
import Certificates
import OpenSSL

extension Certs {
    struct Rollback: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Go back to the generation of a certificate before the current one.",
            discussion: "Exit status: 1 when there is none, or it is not valid any more."
        )

        @OptionGroup var options: CertificateOptions
        @Argument(help: "Its name in the site file.") var name: String
        @Option(help: "Why, for the audit log.") var reason = "an operator asked for it"

        func run() throws {
            let desk = try options.desk()
            let settings = try desk.certificate(name)
            let bundle = try desk.perform { () throws(CertificateProblem) in
                try desk.provider.rollBack(settings, reason: reason)
            }
            let end = UTC.text(bundle.leaf.validity.upperBound)
            print("certificate \(name): back to the one that is good until \(end)")
            try desk.publish()
        }
    }

    struct Retire: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete the keys of every generation of a certificate but the current one."
        )

        @OptionGroup var options: CertificateOptions
        @Argument(help: "Its name in the site file.") var name: String
        @Option(help: "Why, for the audit log.") var reason = "an operator asked for it"

        func run() throws {
            let desk = try options.desk()
            let settings = try desk.certificate(name)
            let gone = try desk.perform { () throws(CertificateProblem) in
                try desk.provider.retire(settings, reason: reason)
            }
            print(
                gone.isEmpty
                    ? "certificate \(name): there is no generation but the current one"
                    : "certificate \(name): deleted generation \(gone.map { String($0) }.joined(separator: ", "))"
            )
        }
    }
}
