import ArgumentParser
import Certificates
import Site

extension Certs {
    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify",
            abstract: "Look closely: files, keys, chains, names and dates, the store's folders, and its history.",
            discussion: "Exit status: 0 when nothing is wrong, 3 when this user may not look, else 1."
        )

        @OptionGroup var options: CertificateOptions
        @Argument(help: "Their names in the site file. All when left out.") var names: [String] = []
        @Flag(help: "Write what was found as JSON.") var json = false

        /// What was found of one certificate, or of the store.
        private struct Finding {
            let name: String?
            var faults: [String]
            var warnings: [String] = []
            var isUnnamed = false

            var document: JSONValue {
                .object([
                    .init("certificate", name.map { .string($0) } ?? .null),
                    .init("faults", .strings(faults)),
                    .init("warnings", .strings(warnings)),
                ])
            }
        }

        func run() throws {
            let desk = try options.desk()
            let standings = try desk.certificates(names).map { desk.standing($0) }
            let isDenied = standings.contains(where: \.isDenied)
            // One that cannot be read is among the store's warnings.
            let history = isDenied ? nil : try? desk.provider.audit.verify()
            let shown = names.isEmpty ? nil : names
            let discrepancies = try history.map { try desk.discrepancies(from: $0, of: shown) } ?? []
            let damaged = Set(discrepancies.filter { $0.damage != nil }.map(\.name))
            var findings = standings.map { standing in
                var finding = Finding(name: standing.name, faults: standing.faults, warnings: standing.warnings)
                if let history, !damaged.contains(standing.name),
                    let fault = desk.provider.faultOfWayBack(of: standing.name, from: history)
                {
                    finding.faults.append(fault)
                }
                return finding
            }
            if !isDenied {
                findings.append(store(desk, discrepancies))
                if names.isEmpty { findings += unnamed(desk) }
            }
            if json {
                Output.line(JSONValue.array(findings.map(\.document)).indented)
            } else {
                for finding in findings { tell(finding) }
            }
            if isDenied { throw ExitCode(3) }
            if findings.contains(where: { !$0.faults.isEmpty }) { throw ExitCode(1) }
        }

        /// What the store has, and the site file does not name.
        private func unnamed(_ desk: CertificateOptions.Desk) -> [Finding] {
            desk.provider.unnamedStandings().map { standing in
                let words = "not in the site file; \(CertificateOptions.wordsOfUnnamed(standing.name))"
                return Finding(name: standing.name, faults: [], warnings: [words], isUnnamed: true)
            }
        }

        /// What is wrong with the store as a whole, and of the generations of what was named.
        private func store(
            _ desk: CertificateOptions.Desk,
            _ discrepancies: [CertificateStore.Discrepancy]
        ) -> Finding {
            var finding = Finding(name: nil, faults: desk.provider.storeWarnings())
            finding.faults += [desk.provider.standstill, desk.storeProblem()].compactMap(\.self)
            for discrepancy in discrepancies {
                if discrepancy.isSwapped || discrepancy.damage != nil {
                    finding.faults.append("\(discrepancy)")
                } else {
                    finding.warnings.append("\(discrepancy)")
                }
            }
            return finding
        }

        private func tell(_ finding: Finding) {
            let subject = finding.name.map { "certificate \($0): " } ?? ""
            if finding.name != nil, !finding.isUnnamed, finding.faults.isEmpty {
                Output.line(subject + "nothing is wrong with it")
            }
            // What a fault says itself is not said twice.
            for fault in finding.faults { Output.error(fault.hasPrefix(subject) ? fault : subject + fault) }
            for warning in finding.warnings { Output.error("\(subject)warning: \(warning)") }
        }
    }
}
