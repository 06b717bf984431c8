import ArgumentParser
import Certificates
import Linux
import OpenSSL
import Site

extension Certs {
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "Show what the store holds: issuer, days left, the next renewal and the tries that remain.",
            discussion: """
                Where a gateway runs, also whether it serves that. Exit status: 1 when one is at fault, or fewer than \
                \(RenewalSchedule.alarm) tries remain; 3 when this user may not look, or a gateway runs and does not answer.
                """
        )

        @OptionGroup var options: CertificateOptions
        @Argument(help: "The certificates that are shown. All when left out.") var names: [String] = []
        @Flag(help: "Write the list as JSON.") var json = false

        func run() throws {
            let desk = try options.desk()
            let gateway = try desk.shown()
            let served = gateway.certificates
            let standings = try desk.certificates([]).map { desk.standing($0) } + desk.provider.unnamedStandings()
            let stored = Dictionary(
                standings.map { ($0.name, $0.leaves.map(\.fingerprint)) },
                uniquingKeysWith: { first, _ in first }
            )
            let all = Set(stored.values.joined())
            var holders: [String: Set<String>] = [:]
            for (name, shown) in served ?? [:] {
                for certificate in shown { holders[certificate.fingerprint, default: []].insert(name) }
            }
            // A name that nothing has is an error.
            for name in names where stored[name] == nil { _ = try desk.certificate(name) }
            let compared = standings.filter { names.isEmpty || names.contains($0.name) }.map { standing in
                var compared = standing.comparing(
                    with: served,
                    standby: stored[standing.standbyName] ?? [],
                    all: all
                )
                compared.warnings += [gateway.waits[standing.name]].compactMap(\.self)
                return compared
            }
            let storeWarnings =
                desk.provider.storeWarnings(of: names.isEmpty ? nil : Set(names))
                + [desk.provider.standstill, gateway.storeProblem].compactMap(\.self)
            if json {
                var documents = compared.map { $0.document(at: desk.now, served: served?[$0.name]) }
                // As `verify` has it: what is wrong with the store belongs to no certificate.
                if !storeWarnings.isEmpty {
                    documents.append(.object([.init("name", .null), .init("warnings", .strings(storeWarnings))]))
                }
                Output.line(JSONValue.array(documents).indented)
            } else {
                for standing in compared {
                    Output.line(
                        standing.line(
                            at: desk.now,
                            served: served.map { $0[standing.name] ?? [] },
                            borrowers: standing.isUnnamed || served?[standing.name] == nil
                                ? standing.borrowers(among: holders) : []
                        )
                    )
                }
                if served == nil, gateway.silence == nil { Output.line(desk.absence) }
            }
            if let silence = gateway.silence { Output.error("\(silence); what is listed is what the store tells") }
            if let clockDoubt = gateway.clockDoubt { Output.error("warning: the gateway says: \(clockDoubt)") }
            desk.tell(storeWarnings: storeWarnings)
            if gateway.silence != nil || compared.contains(where: \.isDenied) { throw ExitCode(3) }
            let isWanting = compared.contains { $0.isWanting(at: desk.now) }
            if !storeWarnings.isEmpty || isWanting || gateway.clockDoubt != nil { throw ExitCode(1) }
        }
    }
}

extension CertificateStanding {
    fileprivate var standbyName: String { name + CertificateSettings.standbySuffix }

    /// At fault when the gateway serves something else than what is stored.
    ///
    /// - Parameters:
    ///   - standby: what is kept ready for it.
    ///   - all: what there is under any name; another's is shown beside it for names that it lacks.
    fileprivate func comparing(
        with served: [String: [ServedCertificate]]?,
        standby: [String],
        all: Set<String>
    ) -> CertificateStanding {
        guard let shown = served?[name] else { return self }
        var copy = self
        if shown.contains(where: { standby.contains($0.fingerprint) }) { copy.isStandby = true }
        let own = Set(leaves.map(\.fingerprint) + standby)
        let isShown = shown.contains { own.contains($0.fingerprint) }
        // What is shown beside one that lacks names, which is a fault of its own, is for these: a generation before, it may be.
        if isShown, !faults.isEmpty { return copy }
        // What is stored is what those who are not shown it yet are to get.
        let foreign = shown.filter { one in
            !own.contains(one.fingerprint) && !(isShown && all.contains(one.fingerprint)) && one.trial != .others
        }
        // Of one that cannot be read, what is served is said beside it.
        if leaves.isEmpty || foreign.isEmpty { return copy }
        copy.faults.append(
            "the gateway serves another, \(foreign.map(\.start).joined(separator: ", ")), and not what is stored"
                + (isRefused ? "" : ": its log says why, and `gatehouse reload` has it look again")
        )
        return copy
    }

    /// The certificates for which the gateway shows this one, which have none of their own yet.
    ///
    /// - Parameter holders: under which names the gateway shows each certificate.
    fileprivate func borrowers(among holders: [String: Set<String>]) -> [String] {
        Set(leaves.flatMap { holders[$0.fingerprint] ?? [] }).subtracting([name]).sorted()
    }

    /// - Parameter borrowers: what `borrowers(among:)` found.
    fileprivate func line(at now: Int64, served: [ServedCertificate]?, borrowers: [String]) -> String {
        let origin = isUnnamed ? "not in the site file" : issuer + (directory.map { ", \($0)" } ?? "")
        var words = ["\(name): \(origin)"]
        if let generation { words.append("generation \(generation)") }
        for end in ends { words.append("good until \(UTC.text(end)) (\(Self.days(end - now)))") }
        if isStandby {
            let issuer = leaves.first.map { ", of \($0.issuer.printableLine)" } ?? ""
            words.append("ITS STANDBY IS SERVED\(issuer)")
        }
        if let due { words.append("next try \(due <= now ? "now" : UTC.text(due))") }
        if let claim, warnings.isEmpty { words.append("\(claim)") }
        if failures > 0 {
            words.append("\(failures) \(failures == 1 ? "try" : "tries") failed, the last one: \(plan.problem)")
        }
        if let rest = rest(at: now) {
            words.append("no other before \(UTC.text(rest.end)): \(rest.why.printableLine)")
        }
        if let runway = runway(at: now) { words.append("\(runway) \(runway == 1 ? "try remains" : "tries remain")") }
        if isUnnamed {
            if !borrowers.isEmpty {
                words += [Self.words(ofBorrowers: borrowers), "nothing of this site renews it"]
            } else {
                words.append(
                    served?.isEmpty == false
                        ? "the gateway serves it until `gatehouse reload`" : CertificateOptions.wordsOfUnnamed(name)
                )
            }
        } else if let served, faults.isEmpty {
            if !served.isEmpty || !isStandbyItself { words.append(Self.words(of: served, borrowers: borrowers)) }
        } else if let served, !served.isEmpty {
            words.append("the gateway serves \(served.map(\.text).joined(separator: ", "))")
        }
        words += faults.map { "AT FAULT: \($0)" } + warnings.map { "WARNING: \($0)" }
        return words.joined(separator: "; ")
    }

    /// It is one that is kept ready.
    private var isStandbyItself: Bool { name.hasSuffix(CertificateSettings.standbySuffix) }

    private static func words(ofBorrowers borrowers: [String]) -> String {
        "the gateway shows it for \(borrowers.joined(separator: ", ")), until there is one of that name"
    }

    /// - Parameter served: empty for one that no listener shows under its name.
    private static func words(of served: [ServedCertificate], borrowers: [String]) -> String {
        if served.isEmpty {
            return "kept fresh for other programs"
                + (borrowers.isEmpty ? ", no listener shows it" : "; \(words(ofBorrowers: borrowers))")
        }
        let others = served.filter { $0.trial == .others }
        guard let share = served.share, !others.isEmpty else { return "served" }
        return "served to \(share) % of the clients, \(others.map(\.text).joined(separator: ", ")) to the others"
    }

    private static func days(_ seconds: Int64) -> String {
        switch seconds {
        case ..<0: "over"
        case ..<7_200: "\(seconds / 60) minutes"
        case ..<172_800: "\(seconds / 3600) hours"
        default: "\(seconds / 86_400) days"
        }
    }

    fileprivate func document(at now: Int64, served: [ServedCertificate]?) -> JSONValue {
        .object([
            .init("name", .string(name)),
            .init("issuer", isUnnamed ? .null : .string(issuer)),
            .init("in_site_file", .boolean(!isUnnamed)),
            .init("directory", directory.map { .string($0) } ?? .null),
            .init("generation", generation.map { .integer($0) } ?? .null),
            .init(
                "certificates",
                .array(
                    zip(leaves, ends).map { leaf, end in
                        .object([
                            .init("fingerprint", .string(leaf.fingerprint)),
                            .init("issued_by", .string(leaf.issuer)),
                            .init("names", .strings(leaf.identifiers)),
                            .init("not_before", .string(UTC.text(leaf.validity.lowerBound))),
                            .init("not_after", .string(UTC.text(leaf.validity.upperBound))),
                            .init("chain_not_after", .string(UTC.text(end))),
                            .init("seconds_left", .integer(Int(end - now))),
                        ])
                    }
                )
            ),
            .init("standby_in_place", .boolean(isStandby)),
            .init("next_try", due.map { .string(UTC.text(max($0, now))) } ?? .null),
            .init("runway", runway(at: now).map { .integer($0) } ?? .null),
            .init("being_made", claim.map { .string("\($0)") } ?? .null),
            .init("failures", .integer(failures)),
            .init("last_problem", failures > 0 ? .string(plan.problem) : .null),
            .init("rests_until", rest(at: now).map { .string(UTC.text($0.end)) } ?? .null),
            .init("rest_reason", rest(at: now).map { .string($0.why) } ?? .null),
            .init("served", served.map { .strings($0.map(\.fingerprint)) } ?? .null),
            .init("trial_share_percent", served?.share.map { .integer($0) } ?? .null),
            .init("faults", .strings(faults)),
            .init("warnings", .strings(warnings)),
        ])
    }
}

extension [ServedCertificate] {
    /// Of a hundred clients, how many are shown what is on trial; nil when nothing is.
    fileprivate var share: Int? {
        for case .share(let share) in compactMap(\.trial) { return share }
        return nil
    }
}
