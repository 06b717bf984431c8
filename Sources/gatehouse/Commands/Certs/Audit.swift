import ArgumentParser
import Certificates
import Linux
import OpenSSL
import Site

extension Certs {
    struct Audit: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "audit",
            abstract: "Show the store's history: what was done to which certificate, when and why.",
            discussion: """
                Exit status: 1 when a line was changed, taken out or put in, also in a history that was set aside for that, or \
                the store holds a generation that no line tells of, or another one than it tells, or the running gateway \
                knows a newer store. The last line's hash, kept elsewhere, tells whether the whole was written anew.
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
            // Some are known from the site file alone, some from the history alone.
            if let name, !shown.contains(where: { $0.event.certificate == name }) { _ = try desk.certificate(name) }
            let discrepancies = try desk.discrepancies(from: findings, of: name.map { [$0] })
            if json {
                Output.line(JSONValue.array(shown.map(\.document)).indented)
            } else {
                for entry in shown { Output.line(entry.text) }
                if findings.fault == nil {
                    let lines = "\(findings.entries.count) \(findings.entries.count == 1 ? "line" : "lines")"
                    Output.line("\(lines), none changed; the last one's hash: \(findings.head)")
                }
            }
            for discrepancy in discrepancies { Output.error("\(discrepancy)") }
            let problem = desk.storeProblem()
            if let problem { Output.error(problem) }
            if let fault = findings.fault {
                Output.error("\(log.path): line \(fault.line) \(fault.why)")
                throw ExitCode(1)
            }
            for damaged in log.damagedOnes {
                Output.error("\(damaged): a history that does not hold: look into it, and move it out of the store")
            }
            if !log.damagedOnes.isEmpty || !discrepancies.isEmpty || problem != nil { throw ExitCode(1) }
        }
    }
}

extension AuditLog.Findings {
    fileprivate var head: String { entries.last?.hash ?? "none" }
}

extension AuditLog.Entry {
    fileprivate var text: String {
        let words =
            event.kind == .begun
            ? "\(UTC.text(moment)) this history begins: \(event.reason)"
            : "\(UTC.text(moment)) \(event.certificate) \(event.kind.rawValue), generation \(event.generation), by "
                + "\(event.issuer): \(event.reason)"
        return words.printableLine
    }

    fileprivate var document: JSONValue {
        .object([
            .init("number", .integer(number)),
            .init("at", .string(UTC.text(moment))),
            .init("event", .string(event.kind.rawValue)),
            .init("certificate", .string(event.certificate)),
            .init("generation", .integer(event.generation)),
            .init("fingerprint", .string(event.fingerprint)),
            .init("chain", event.chain.map { .string($0) } ?? .null),
            .init("issuer", .string(event.issuer)),
            .init("reason", .string(event.reason)),
            .init("hash", .string(hash)),
        ])
    }
}
