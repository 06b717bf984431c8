import ArgumentParser
import Certificates
import Control
import OpenSSL
import Site

extension Certs {
    struct Retire: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete the keys of every generation of a certificate but the current one.",
            discussion: """
                Says whether the running gateway has let go of them, how many connections that began with them are \
                still open, and when the last one ended. With --revoke their CA takes them back first, the internal one by \
                its list; nothing is deleted when that fails.
                """
        )

        @OptionGroup var change: CertificateChangeOptions
        @Flag(help: "A key was stolen: also seal session tickets with fresh keys, and open none of those before.")
        var compromised = false
        @Option(help: "Have their CA revoke them, and tell it why.") var revoke: RevocationReason?

        func run() throws {
            let name = change.name
            let desk = try change.options.desk()
            let settings = try desk.certificate(name)
            let reason = compromised ? "compromised: \(change.reason)" : change.reason
            if let revoke {
                let revoked = try desk.perform { () throws(CertificateProblem) in
                    try desk.provider.revoke(settings, revoke, desk.outside())
                }
                for number in revoked { print("certificate \(name): generation \(number) is revoked") }
            }
            let gone = try desk.perform { () throws(CertificateProblem) in
                try desk.provider.retire(settings, reason: reason)
            }
            print(
                gone.isEmpty
                    ? "certificate \(name): there is no generation but the current one"
                    : "certificate \(name): deleted generation \(gone.map { String($0) }.joined(separator: ", "))"
            )
            if compromised {
                let isDone = try desk.ask(.renewTickets) != nil
                print(isDone ? "session tickets of before are opened no more" : "no gateway of this site runs here")
            }
            for use in try desk.ask(.uses(certificate: name))?.items ?? [] where use["shown"]?.boolean == false {
                print(Self.words(use))
            }
        }

        private static func words(_ use: JSONValue) -> String {
            let key =
                use["key_held"]?.boolean != true
                ? "its key is gone from the gateway's memory"
                : use["drains"]?.boolean == true
                    ? "its key is held by a data plane that drains, until that has ended"
                    : "its key is held by a handshake that is under way"
            let open = use["connections"]?.integer ?? 0
            let last = use["last_ended"]?.text.map { "; the last one that ended did at \($0)" } ?? ""
            return "\(use["fingerprint"]?.text?.prefix(16) ?? "")…: \(key); \(open) connections that began with it are "
                + "open\(last)"
        }
    }
}

extension RevocationReason: ExpressibleByArgument {}
