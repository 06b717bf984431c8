import ArgumentParser
import Certificates
import Linux
import OpenSSL
import Site

extension Certs {
    struct Import: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take over a certificate and key that were made elsewhere.",
            discussion: "A folder of certbot (/etc/letsencrypt/live/NAME) or of Caddy holds both: name it with --from."
        )

        @OptionGroup var options: CertificateOptions
        @Argument(help: "Its name in the site file.") var name: String
        @Option(help: "A folder of certbot or Caddy.") var from: String?
        @Option(help: "A PEM file: the certificate, then its issuers.") var certificate: String?
        @Option(help: "A PEM file: its private key.") var key: String?

        func validate() throws {
            guard (from == nil) != (certificate == nil && key == nil), (certificate == nil) == (key == nil) else {
                throw ValidationError("name a folder with --from, or two files with --certificate and --key")
            }
        }

        func run() throws {
            let desk = try options.desk()
            let settings = try desk.certificate(name)
            let bundle = try desk.perform { () throws(CertificateProblem) in
                let files = try from.map { (folder) throws(CertificateProblem) in
                    try CertificateFolder.files(in: folder)
                }
                let bundle = try CertificateSource.load(
                    certificate: files?.certificate ?? certificate ?? "",
                    key: files?.key ?? key ?? ""
                )
                try desk.provider.take(bundle, as: settings, reason: "imported from \(from ?? certificate ?? "")")
                return bundle
            }
            print("certificate \(name): good until \(UTC.text(bundle.leaf.validity.upperBound))")
            try desk.publish()
        }
    }

    struct Export: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a certificate and its key into a folder, for another program.",
            discussion: "fullchain.pem (0644) and privkey.pem (0600), each replaced as a whole."
        )

        @OptionGroup var options: CertificateOptions
        @Argument(help: "Its name in the site file.") var name: String
        @Option(help: "The folder; made (0700) when it is not there.") var out: String

        func run() throws {
            let desk = try options.desk()
            let settings = try desk.certificate(name)
            try desk.perform { () throws(CertificateProblem) in try desk.provider.export(settings, to: out) }
            print("certificate \(name): \(out)/fullchain.pem and \(out)/privkey.pem")
        }
    }

    struct Authority: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ca",
            abstract: "The site's own CA.",
            subcommands: [Init.self, Root.self]
        )

        struct Init: ParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Make the internal CA when there is none. The first `issue` does the same."
            )

            @OptionGroup var options: CertificateOptions

            func run() throws {
                let desk = try options.desk()
                let root = try desk.perform { () throws(CertificateProblem) in try desk.provider.root() }
                print("\(root.subject), good until \(UTC.text(root.validity.upperBound)), SHA-256 \(root.fingerprint)")
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
                print(root.pem, terminator: "")
            }
        }
    }
}
