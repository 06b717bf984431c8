import ArgumentParser
import Certificates
import OpenSSL
import Site

extension Certs {
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what the store holds: issuer, days left, the next renewal and the tries that remain.",
            discussion: "Exit status: 1 when one is at fault, or fewer than \(RenewalSchedule.alarm) tries remain."
        )

        @OptionGroup var options: CertificateOptions
        @Flag(help: "Write the list as JSON.") var json = false

        func run() throws {
            let desk = try options.desk()
            let standings = try desk.certificates([]).map { desk.provider.standing($0) }
            if json {
                print(JSONValue.array(standings.map { $0.document(at: desk.now) }).indented)
            } else {
                for standing in standings { print(standing.line(at: desk.now)) }
            }
            if standings.contains(where: { $0.isWanting(at: desk.now) }) { throw ExitCode(1) }
        }
    }

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Look at certificates closely: files, keys, chains, names and dates.",
            discussion: "Exit status: 0 when nothing is wrong, else 1."
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
            }
            if isWanting { throw ExitCode(1) }
        }
    }
}

extension CertificateStanding {
    fileprivate func line(at now: Int64) -> String {
        var words = ["\(name): \(issuer)"]
        if let generation { words.append("generation \(generation)") }
        for leaf in leaves {
            let end = leaf.validity.upperBound
            words.append("good until \(UTC.text(end)) (\((end - now) / 86_400) days)")
        }
        if let due { words.append("next try \(due <= now ? "now" : UTC.text(due))") }
        if let runway = runway(at: now) { words.append("\(runway) tries remain") }
        return (words + faults.map { "AT FAULT: \($0)" }).joined(separator: "; ")
    }

    fileprivate func document(at now: Int64) -> JSONValue {
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
            .init("faults", .strings(faults)),
        ])
    }
}
