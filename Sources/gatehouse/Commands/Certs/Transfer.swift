import ArgumentParser
import Certificates
import Linux
import OpenSSL
import Site

extension Certs {
    struct Import: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "import",
            abstract: "Take over a certificate and key that were made elsewhere.",
            discussion: """
                A folder of certbot (/etc/letsencrypt/live/NAME) or of Caddy holds both: name it with --from. So does a \
                PKCS #12 file: --pkcs12.
                """
        )

        @OptionGroup var options: CertificateOptions
        @Argument(help: "Its name in the site file.") var name: String
        @Option(help: "A folder of certbot or Caddy.") var from: String?
        @Option(help: "A PEM file: the certificate, then its issuers.") var certificate: String?
        @Option(help: "A PEM file: its private key.") var key: String?
        @Option(name: .customLong("pkcs12"), help: "A PKCS #12 file: certificate, issuers and key.") var pkcs12: String?
        @Option(help: "The file that holds the password of the PKCS #12 file, in its first line.")
        var passwordFile: String?

        func validate() throws {
            let ways = [from != nil, certificate != nil || key != nil, pkcs12 != nil].count { $0 }
            guard ways == 1, (certificate == nil) == (key == nil), passwordFile == nil || pkcs12 != nil else {
                throw ValidationError(
                    "name a folder with --from, two files with --certificate and --key, or one with --pkcs12"
                )
            }
        }

        private func load() throws(CertificateProblem) -> CertificateBundle {
            if let pkcs12 { return try CertificateSource.load(pkcs12: pkcs12, passwordFile: passwordFile) }
            let files = try from.map { (folder) throws(CertificateProblem) in
                try CertificateFolder.files(in: folder)
            }
            return try CertificateSource.load(
                certificate: files?.certificate ?? certificate ?? "",
                key: files?.key ?? key ?? ""
            )
        }

        func run() throws {
            let desk = try options.changingDesk()
            let settings = try desk.certificate(name)
            desk.tellClock()
            let (bundle, known) = try desk.perform { () throws(CertificateProblem) in
                let bundle = try load()
                return (bundle, try desk.provider.take(bundle, as: settings, from: from ?? certificate ?? pkcs12 ?? ""))
            }
            if let doubt = desk.provider.doubt(of: bundle, settings) { Output.error("warning: \(doubt)") }
            if let known {
                return Output.line(
                    "certificate \(name): the store has it already, as generation \(known), which is in use"
                )
            }
            Output.line("certificate \(name): good until \(UTC.text(bundle.leaf.validity.upperBound))")
            try desk.publish(settings)
        }
    }

    struct Export: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "export",
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
            Output.line("certificate \(name): \(out)/fullchain.pem and \(out)/privkey.pem")
        }
    }
}
