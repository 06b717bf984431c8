import ArgumentParser
import Certificates
import OpenSSL

extension Certs {
    struct Standby: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "standby",
            abstract: "Put the standby of a certificate in its place, now.",
            discussion: """
                It is the certificate of another issuer that the site file names with `standby`. It becomes a new \
                generation, and another standby is ordered. Exit status: 1 when there is none that is good.
                """
        )

        @OptionGroup var change: CertificateChangeOptions

        func run() throws {
            let desk = try change.options.changingDesk()
            let settings = try desk.certificate(change.name)
            let bundle = try desk.perform { () throws(CertificateProblem) in
                try desk.provider.useStandby(settings, reason: change.reason, isAsked: true)
            }
            Output.line(
                "certificate \(change.name): the standby, of \(bundle.leaf.issuer), is good until "
                    + UTC.text(bundle.leaf.validity.upperBound)
            )
            try desk.publish(settings)
        }
    }
}
