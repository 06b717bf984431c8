import ArgumentParser
import Certificates
import Control
import OpenSSL

extension Certs {
    struct Authority: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ca",
            abstract: "The site's own CA.",
            subcommands: [Init.self, Root.self, RevocationList.self, Detach.self, Renew.self]
        )

        struct Init: ParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "init",
                abstract: "Make the internal CA when there is none.",
                discussion: """
                    The first `issue` does the same, but for a store whose CA was lost: clients would not trust another root, \
                    so that is made for who asks for it here alone, and so is one taken that somebody has put into the store. A running \
                    gateway replaces then what another root vouched for. Exit status: 3 when one runs and does not answer.
                    """
            )

            @OptionGroup var options: CertificateOptions

            func run() throws {
                let desk = try options.changingDesk()
                let before = try? desk.provider.existingRoot()
                let wasKnown = desk.provider.knowsRoot
                let root = try desk.perform { () throws(CertificateProblem) in try desk.provider.root() }
                Output.line(
                    "\(root.subject), good until \(UTC.text(root.validity.upperBound)), SHA-256 \(root.fingerprint)"
                )
                guard before?.der != root.der || !wasKnown else { return }
                var gateway = SideQuestions(desk)
                if gateway.ask(.certificates(of: nil)) != nil {
                    Output.line(
                        "the gateway has looked for certificates of another root, and replaces them; `gatehouse certs list` tells"
                    )
                }
                if gateway.isSilent { throw ExitCode(3) }
                if gateway.hasFailed { throw ExitCode(1) }
            }
        }

        struct Root: ParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "export",
                abstract: "Write the root certificate, for the trust stores of clients, to standard output."
            )

            @OptionGroup var options: CertificateOptions

            func run() throws {
                let desk = try options.desk()
                let root = try desk.perform { () throws(CertificateProblem) in try desk.provider.existingRoot() }
                Output.text(root.pem)
            }
        }

        struct RevocationList: ParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "crl",
                abstract: "Write the lists of certificates that the CA has revoked, as PEM, to standard output.",
                discussion: """
                    That of each intermediate that has signed what has not ended, the one that signs now first; they are made \
                    anew where that is due and count for a week: programs that read them from a file need it anew each \
                    day. After them that of the root, which lists intermediates.
                    """
            )

            @OptionGroup var options: CertificateOptions

            func run() throws {
                let desk = try options.changingDesk()
                let lists = try desk.perform { () throws(CertificateProblem) in try desk.provider.livingLists() }
                Output.text(lists.intermediates.map(\.pem).joined() + (lists.root?.pem ?? ""))
                if lists.root == nil {
                    Output.error(
                        "there is no list of the root yet, without which programs that look at the whole chain refuse every "
                            + "certificate: bring the root's key, and run `gatehouse certs ca renew --root-key FILE`"
                    )
                }
            }
        }

        struct Detach: ParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "detach",
                abstract: "Take the root's key off this machine: write it to a file, and delete it from the store.",
                discussion: """
                    The intermediate goes on issuing for as long as it lasts; `ca renew` makes the next one with the \
                    file. Keep it where no network reaches.
                    """
            )

            @OptionGroup var options: CertificateOptions
            @Option(help: "The file; it must not be there yet.") var out: String

            func run() throws {
                let desk = try options.changingDesk()
                try desk.perform { () throws(CertificateProblem) in try desk.provider.detachRoot(to: out) }
                Output.line("the root's key is in \(out), and no longer in the store")
            }
        }

        struct Renew: ParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "renew",
                abstract: "Make a new intermediate, which signs from then on.",
                discussion: """
                    What those before have signed stays good. With --revoke they are put on the root's list, as when their key \
                    was stolen, and what they have signed is replaced: at once where a gateway runs, else by `certs renew` or \
                    the next start. Bring the list to clients by `ca crl`.
                    """
            )

            @OptionGroup var options: CertificateOptions
            @Option(help: "The root's key, where it was taken off this machine. It is not kept.") var rootKey: String?
            @Option(help: "Take the intermediates before back, and say why.") var revoke: RevocationReason?

            func run() throws {
                let desk = try options.changingDesk()
                let signer = try desk.perform { () throws(CertificateProblem) in
                    try desk.provider.renewIntermediate(rootKey: rootKey, revoking: revoke)
                }
                Output.line("\(signer.subject), good until \(UTC.text(signer.validity.upperBound))")
                let isServed = try desk.publish()
                if revoke != nil, !isServed {
                    Output.line(
                        "what those before have signed is good for nothing now: `gatehouse certs renew` replaces it, or the next "
                            + "start of the gateway"
                    )
                }
            }
        }
    }
}
