import ArgumentParser
import Certificates
import OpenSSL

extension Certs {
    struct Rollback: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rollback",
            abstract: "Go back to the generation of a certificate before the current one.",
            discussion: """
                The next one is made a day later, by `certs rotate`, or when the site file asks for something else. Exit \
                status: 1 when there is none, it is not valid any more, or it lacks a name that the current one covers.
                """
        )

        @OptionGroup var change: CertificateChangeOptions

        func run() throws {
            let desk = try change.options.changingDesk()
            let settings = try desk.certificate(change.name)
            let wish = desk.wishInForce(of: settings)
            let bundle = try desk.perform { () throws(CertificateProblem) in
                try desk.provider.rollBack(settings, wishing: wish, reason: change.reason)
            }
            let end = UTC.text(bundle.leaf.validity.upperBound)
            Output.line("certificate \(change.name): back to the one that is good until \(end)")
            if let next = desk.provider.standing(settings).due, next > desk.now {
                Output.line(
                    "certificate \(change.name): the next one is made at \(UTC.text(next)), or by `gatehouse certs rotate "
                        + "\(change.name)`"
                )
            }
            try desk.publish(settings)
        }
    }
}
