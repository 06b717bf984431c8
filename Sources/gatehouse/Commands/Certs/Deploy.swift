import ArgumentParser
import Certificates
import Site

extension Certs {
    struct Deploy: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "deploy",
            abstract: "Run the program that the site file names for a certificate, as after a rotation.",
            discussion: "It gets the certificate's name, and the files of the chain and key that clients are shown."
        )

        @OptionGroup var options: CertificateOptions
        @Argument(help: "Its name in the site file.") var name: String

        func run() throws {
            let desk = try options.changingDesk()
            let settings = try desk.certificate(name)
            guard settings.deploy != nil else {
                Output.error(
                    "certificate \(name): the site file names no program; add `deploy: { run: /path/of/program }`"
                )
                throw ExitCode(2)
            }
            try desk.deploy(settings)
        }
    }
}
