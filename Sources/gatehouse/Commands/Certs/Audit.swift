import ArgumentParser
import Certificates
import OpenSSL
import Site

extension Certs {
    struct Audit: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the store's history: what was done to which certificate, when and why.",
            discussion: """
                Exit status: 1 when a line was changed, taken out or put in, also in a history that was set aside for that. The last line's hash, kept elsewhere, tells \
                whether the whole was written anew.
                """
        )

        @OptionGroup var options: CertificateOptions
        @Argument(help: "The certificate; all when left out.") var name: String?
        @Flag(help: "Write the history as JSON.") var json = false

        func run() throws {
            let desk = try options.desk()
            let log = desk.provider.audit
            let findings = try desk.perform { () throws(CertificateProblem) in try log.verify() }
            let shown = findings.entries.filter {
                name == nil || $0.event.certificate == name || $0.event.kind == .begun
            }
            if json {
                print(JSONValue.array(shown.map(\.document)).indented)
            } else {
                for entry in shown { print(entry.text) }
                if findings.fault == nil {
                    print("\(findings.entries.count) lines, none changed; the last one's hash: \(findings.head)")
                }
            }
            if let fault = findings.fault {
                Output.error("\(log.path): line \(fault.line) \(fault.why)")
                throw ExitCode(1)
            }
            for damaged in log.damagedOnes {
                Output.error("\(damaged): a history that does not hold: look into it, and move it out of the store")
            }
            if !log.damagedOnes.isEmpty { throw ExitCode(1) }
        }
    }
}

extension AuditLog.Findings {
    fileprivate var head: String { entries.last?.hash ?? "none" }
}

extension AuditLog.Entry {
    fileprivate var text: String {
        if event.kind == .begun { return "\(UTC.text(moment)) this history begins: \(event.reason)" }
        return "\(UTC.text(moment)) \(event.certificate) \(event.kind.rawValue), generation \(event.generation), by "
            + "\(event.issuer): \(event.reason)"
    }

    fileprivate var document: JSONValue {
        .object([
            .init("number", .integer(number)),
            .init("at", .string(UTC.text(moment))),
            .init("event", .string(event.kind.rawValue)),
            .init("certificate", .string(event.certificate)),
            .init("generation", .integer(event.generation)),
            .init("fingerprint", .string(event.fingerprint)),
            .init("issuer", .string(event.issuer)),
            .init("reason", .string(event.reason)),
            .init("hash", .string(hash)),
        ])
    }
}
