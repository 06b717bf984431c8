import ArgumentParser
import Certificates
import OpenSSL
import Site

extension Certs {
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what the store holds: issuer, days left, the next renewal and the tries that remain.",
            discussion: """
                Where a gateway runs, also whether it serves that. Exit status: 1 when one is at fault, or fewer than \
                \(RenewalSchedule.alarm) tries remain.
                """
        )

        @OptionGroup var options: CertificateOptions
        @Flag(help: "Write the list as JSON.") var json = false

        func run() throws {
            let desk = try options.desk()
            let served = try desk.served()
            let standings = try desk.certificates([]).map { settings in
                desk.provider.standing(settings).comparing(with: served)
            }
            if json {
                let documents = standings.map { $0.document(at: desk.now, served: served?[$0.name]) }
                print(JSONValue.array(documents).indented)
            } else {
                for standing in standings {
                    print(standing.line(at: desk.now, isServed: served?[standing.name] != nil))
                }
                if served == nil { print("no gateway of this site runs here") }
            }
            let isStoreWanting = desk.tellStoreWarnings()
            if isStoreWanting || standings.contains(where: { $0.isWanting(at: desk.now) }) { throw ExitCode(1) }
        }
    }

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Look at certificates closely: files, keys, chains, names and dates.",
            discussion: """
                Also whether the store's history holds, and whether anything would keep the next certificates out of it.
                Exit status: 0 when nothing is wrong, else 1.
                """
        )

        @OptionGroup var options: CertificateOptions
        @Argument(help: "Their names in the site file. All when left out.") var names: [String] = []

        func run() throws {
            let desk = try options.desk()
            var isWanting = false
            for settings in try desk.certificates(names) {
                let standing = desk.provider.standing(settings)
                isWanting = isWanting || !standing.faults.isEmpty
                if standing.faults.isEmpty { print("certificate \(standing.name): nothing is wrong with it") }
                for fault in standing.faults { Output.error("certificate \(standing.name): \(fault)") }
                for warning in standing.warnings { Output.error("certificate \(standing.name): warning: \(warning)") }
            }
            if desk.tellStoreWarnings() || isWanting { throw ExitCode(1) }
        }
    }
}

extension CertificateStanding {
    /// At fault when the gateway serves something else than what is stored.
    fileprivate func comparing(with served: [String: [String]]?) -> CertificateStanding {
        guard let shown = served?[name], !leaves.isEmpty else { return self }
        let stored = leaves.map(\.fingerprint)
        let others = shown.filter { !stored.contains($0) }
        if others.isEmpty { return self }
        var copy = self
        copy.faults.append(
            "the gateway serves another, \(others.map { $0.prefix(16) + "…" }.joined(separator: ", ")), and not what is "
                + "stored: its log says why, and `gatehouse reload` has it look again"
        )
        return copy
    }

    fileprivate func line(at now: Int64, isServed: Bool) -> String {
        var words = ["\(name): \(issuer)"]
        if let generation { words.append("generation \(generation)") }
        for leaf in leaves {
            let end = leaf.validity.upperBound
            words.append("good until \(UTC.text(end)) (\((end - now) / 86_400) days)")
        }
        if let due { words.append("next try \(due <= now ? "now" : UTC.text(due))") }
        if failures > 0 { words.append("\(failures) tries failed") }
        if let runway = runway(at: now) { words.append("\(runway) tries remain") }
        if isServed, faults.isEmpty { words.append("served") }
        words += faults.map { "AT FAULT: \($0)" } + warnings.map { "WARNING: \($0)" }
        return words.joined(separator: "; ")
    }

    fileprivate func document(at now: Int64, served: [String]?) -> JSONValue {
        .object([
            .init("name", .string(name)),
            .init("issuer", .string(issuer)),
            .init("generation", generation.map { .integer($0) } ?? .null),
            .init(
                "certificates",
                .array(
                    leaves.map { leaf in
                        .object([
                            .init("fingerprint", .string(leaf.fingerprint)),
                            .init("issued_by", .string(leaf.issuer)),
                            .init("names", .strings(leaf.dnsNames)),
                            .init("not_before", .string(UTC.text(leaf.validity.lowerBound))),
                            .init("not_after", .string(UTC.text(leaf.validity.upperBound))),
                            .init("seconds_left", .integer(Int(leaf.validity.upperBound - now))),
                        ])
                    }
                )
            ),
            .init("next_try", due.map { .string(UTC.text(max($0, now))) } ?? .null),
            .init("runway", runway(at: now).map { .integer($0) } ?? .null),
            .init("failures", .integer(failures)),
            .init("served", served.map { .strings($0) } ?? .null),
            .init("faults", .strings(faults)),
            .init("warnings", .strings(warnings)),
        ])
    }
}
