import ArgumentParser
import Certificates
import OpenSSL
import Site

extension Certs {
    struct Issue: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "issue",
            abstract: "Issue a certificate that the store does not have yet.",
            discussion: "A CA that speaks ACME looks at port 80 of each name, which the running gateway answers."
        )

        @OptionGroup var options: CertificateOptions
        @Argument(help: "Its name in the site file.") var name: String

        func run() throws {
            let desk = try options.changingDesk()
            let settings = try desk.certificate(name)
            desk.tellClock()
            func need(_ desk: CertificateOptions.Desk) -> String? {
                let standing = desk.provider.standing(settings)
                guard standing.leaves.isEmpty || standing.cause != nil else { return nil }
                return standing.cause ?? "there was none in the store"
            }
            if case .files = settings.issuer {
                try desk.perform { () throws(CertificateProblem) -> Void in
                    throw .foreignIssuer(name: name, settings.issuer)
                }
            }
            guard need(desk) != nil, let bundle = try desk.make(settings, where: need) else {
                return Output.line(
                    "certificate \(name): is already in force; `gatehouse certs rotate \(name)` replaces it"
                )
            }
            Output.line("certificate \(name): issued, good until \(UTC.text(bundle.leaf.validity.upperBound))")
            let isLacking = desk.tellLack(of: settings)
            try desk.publish(settings)
            if isLacking { throw ExitCode(1) }
        }
    }

    struct Renew: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "renew",
            abstract: "Issue anew every certificate that is due. For a timer, where no gateway runs.",
            discussion: """
                Where none runs, programs of `deploy` that were not run to a good end for what is there are run, too. Exit status: \
                1 when one could not be renewed, or its program failed, now or in the last try, after which it waits for the \
                next; the others are, all the same.
                """
        )

        @OptionGroup var options: CertificateOptions

        func run() throws {
            let desk = try options.changingDesk()
            var changed: [CertificateSettings] = []
            var isWanting = false
            desk.tellClock()
            for settings in try desk.certificates([]) {
                if case .files = settings.issuer { continue }
                guard desk.need(of: settings) != nil else {
                    if desk.tellPause(of: settings) { isWanting = true }
                    continue
                }
                do {
                    guard let bundle = try desk.make(settings, where: { $0.need(of: settings) }) else { continue }
                    Output.line("certificate \(settings.name): good until \(UTC.text(bundle.leaf.validity.upperBound))")
                    if desk.tellLack(of: settings) { isWanting = true }
                    changed.append(settings)
                } catch is ExitCode {
                    isWanting = true
                }
            }
            // Where no gateway runs, the timer that runs this keeps the lists of revoked certificates fresh, too.
            do {
                let lists = try desk.perform { () throws(CertificateProblem) in try desk.provider.revocationLists() }
                if let problem = lists.problem {
                    Output.error("\(problem)")
                    isWanting = true
                }
            } catch is ExitCode {
                isWanting = true
            }
            var failure: ExitCode?
            if !changed.isEmpty {
                do {
                    try desk.publish(changed)
                } catch let code as ExitCode {
                    failure = code
                }
            } else if !isWanting {
                Output.line("no certificate is due")
            }
            try desk.deployOwed(besides: Set(changed.map(\.name)))
            if let failure { throw failure }
            if isWanting { throw ExitCode(1) }
        }
    }

    struct Rotate: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rotate",
            abstract: "Replace certificates and their keys now. The ones before stay in the store, for a rollback.",
            discussion: "Of several, one that cannot be replaced keeps no other, and the exit status is its."
        )

        @OptionGroup var options: CertificateOptions
        @Argument(help: "Their names in the site file.") var names: [String]
        @Option(help: CertificateChangeOptions.helpOfReason) var reason = CertificateChangeOptions.usualReason
        @Flag(
            help: """
                Make a new key where the site file has `reuse-key`, and go on with no order that is kept, as when a key was \
                stolen.
                """
        )
        var newKey = false

        func run() throws {
            let desk = try options.changingDesk()
            let wanted = try desk.certificates(names)
            var changed: [CertificateSettings] = []
            var failure: ExitCode?
            desk.tellClock()
            for var settings in wanted {
                if newKey { settings.reusesKey = false }
                do {
                    guard let bundle = try desk.make(settings, reason: reason, wantsNewKey: newKey) else { continue }
                    Output.line("certificate \(settings.name): good until \(UTC.text(bundle.leaf.validity.upperBound))")
                    if desk.tellLack(of: settings) { failure = failure ?? ExitCode(1) }
                    changed.append(settings)
                } catch let code as ExitCode {
                    failure = failure ?? code
                }
            }
            if !changed.isEmpty { try desk.publish(changed) }
            if let failure { throw failure }
        }
    }
}
