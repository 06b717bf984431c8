import ArgumentParser
import Firewall
import Linux
import Site

struct PolicyApply: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Put this host's ruleset into force, and the old one back unless it is confirmed in time.",
        discussion: "Exit status: 0 when it is in force, 1 when it is not proved, would shut you out or is "
            + "older than the one in force, 2 when the file or the ruleset is wrong, 3 when the machine lacks something."
    )

    @OptionGroup var options: SiteOptions
    @OptionGroup var state: StateOptions

    @Option(help: "Which host of the site this machine is. Default: the one whose addresses it bears.")
    var host: String?

    @Option(help: "How long to wait for `policy confirm`, as 60s or 10m; 0s takes it for good at once.")
    var confirmWithin: TimeSpan = .seconds(60)

    @Option(help: "An address that must be let in by SSH afterwards. Default: where your own SSH session comes from.")
    var keep: [String] = []

    @Option(help: "The port of SSH for --keep.")
    var keepPort: UInt16 = 22

    @Flag(help: "Apply a site file that is older than the one in force.")
    var allowOlder = false

    @Flag(help: "Apply also what cannot be proved. What is proved wrong is never applied.")
    var unproved = false

    func run() throws {
        let site = try PolicySite(path: options.path)
        let host = try site.machine(host)
        let compiled = try site.ruleset(host)
        let own = PolicySite.machineAddresses
        guard host.allAddresses.contains(where: { own.contains($0.address) }) else {
            let list = host.allAddresses.map { "\($0.address)" }.joined(separator: ", ")
            throw refusal(.wanting, "this machine bears no address of \(host.name) (\(list)): its rules are not for it")
        }
        let accesses = try self.accesses()
        try requireClaims(site)

        let outcome = try state.perform { applier in
            for warning in OtherFirewalls.warnings(try Self.facts(applier)) { Output.error("warning: \(warning)") }
            let ruleset = try applier.prove(compiled, takesUnknown: unproved)
            for change in try applier.changesByOthers(ruleset) { Output.error("warning: \(change)") }
            for access in accesses { try requireEntrance(access, ruleset, applier) }
            var order = Applier.Order(
                ruleset,
                site: try site.bytes(),
                siteModified: try FileReading.modified(site.path),
                confirmWithin: confirmWithin.seconds
            )
            order.takesOlder = allowOlder
            let earlier = try applier.intentInForce()
            let outcome = try applier.apply(order) { generation, seconds throws(ApplyError) in
                try Watchdog.arm(
                    applier.folder,
                    generation: generation,
                    seconds: seconds,
                    program: ProcessStart.thisProgramPath ?? "/usr/bin/gatehouse"
                )
            }
            if case .applied = outcome { closeConnections(earlier, compiled.intent, own) }
            return outcome
        }
        say(outcome, host)
    }

    private func say(_ outcome: Applier.Outcome, _ host: SiteHost) {
        switch outcome {
        case .unchanged(let generation):
            Output.line("\(host.name): generation \(generation) is in force and means the same; nothing was changed")
        case .applied(let generation, let onlyElements):
            let how = onlyElements ? "elements of sets alone were changed" : "the table was replaced"
            Output.line("\(host.name): generation \(generation) is in force; \(how)")
            if confirmWithin.seconds > 0 {
                let time = "\(confirmWithin.seconds) s"
                Output.line("Confirm it within \(time) from a new connection: gatehouse policy confirm")
            }
        }
    }

    /// Those who must be let in afterwards; at least one.
    private func accesses() throws -> [AdministratorCheck.Access] {
        var accesses: [AdministratorCheck.Access] = []
        for text in keep {
            guard let access = AdministratorCheck.Access(text, port: keepPort) else {
                throw refusal(.wrong, "--keep \(text): no IP address")
            }
            accesses.append(access)
        }
        if accesses.isEmpty, let text = ProcessAncestry.variable("SSH_CONNECTION") {
            guard let access = AdministratorCheck.Access(sshConnection: text) else {
                throw refusal(.wrong, "SSH_CONNECTION is `\(text)`, no connection: name your address with --keep")
            }
            accesses.append(access)
        }
        guard !accesses.isEmpty else {
            throw refusal(.wanting, "where you come from is not known: name the address to stay let in with --keep")
        }
        return accesses
    }

    /// Holds the site's claims against what all hosts are meant to do.
    private func requireClaims(_ site: PolicySite) throws {
        let claims = site.intent.claims.filter { $0.kind != .allow }
        for proof in ClaimProver(SiteHosts(site.intent, of: site.model)).prove(claims) {
            let claim = proof.claim
            if proof.answer == .proved || proof.answer == .unknown && unproved { continue }
            let word = proof.answer == .refuted ? "is broken" : "cannot be proved"
            let packet = proof.packet.map { ": \($0.text)" } ?? ""
            throw refusal(
                .wanting,
                "the claim `\(claim.id)` \(word)\(packet) \(proof.reason ?? ""); nothing was changed. "
                    + "`gatehouse policy prove` says more"
            )
        }
    }

    /// Proves that a new connection would be let in, by what the kernel holds of the ruleset and of other tables.
    private func requireEntrance(
        _ access: AdministratorCheck.Access,
        _ ruleset: ProvedRuleset,
        _ applier: Applier
    ) throws {
        let entrances: [AdministratorCheck.Entrance]
        do {
            entrances = try PolicySite.entrances(access)
        } catch {
            throw refusal(.machine, "the way to \(access.source) cannot be asked for: \(error); nothing was changed")
        }
        let finding = try applier.finding(on: access, ruleset, at: entrances, for: confirmWithin.seconds)
        let place = finding.entrance.map { " (\($0))" } ?? ""
        let connection = "a new connection from \(access.source) to port \(access.port)"
        switch finding.verdict {
        case .admitted(let rule):
            Output.line("\(access.source) would be let in to port \(access.port) by rule \(rule)\(place)")
        case .unknown(let why) where unproved:
            Output.error("warning: whether \(connection) would be let in\(place) is not known: \(why)")
        case .unknown(let why):
            throw refusal(
                .wanting,
                "it cannot be proved that \(connection) would be let in: it hangs on \(why)\(place); nothing was "
                    + "changed. --unproved applies it all the same"
            )
        case .refused(let by):
            throw refusal(
                .wanting,
                "\(connection) would be shut out\(place): \(by). Allow it in the site file, or name another address "
                    + "with --keep; nothing was changed"
            )
        case .unreachable where unproved:
            Output.error("warning: this machine knows no way to \(access.source): \(connection) could not be answered")
        case .unreachable:
            throw refusal(
                .wanting,
                "this machine knows no way to \(access.source), so that \(connection) could not be answered (`ip route "
                    + "get \(access.source)`); nothing was changed. --unproved applies it all the same"
            )
        }
    }

    private func closeConnections(_ before: HostIntent?, _ after: HostIntent, _ own: [IPAddress]) {
        let closed = ClosedConnections(before: before, after: after, addresses: own)
        do {
            let deleted = try ConnectionTable.delete { closed.contains($0) }
            if !deleted.isEmpty { Output.line("\(deleted.count) connections that the rules closed were ended") }
        } catch {
            Output.error("warning: connections that the rules closed go on until they end: \(error)")
        }
    }

    private static func facts(_ applier: Applier) throws -> OtherFirewalls.Facts {
        var facts = OtherFirewalls.Facts()
        facts.processes = ProcessAncestry.runningNames()
        let ufw = (try? FileReading.read("/etc/ufw/ufw.conf", limit: 64 << 10)) ?? []
        facts.isUFWEnabled = ufw.split(separator: 0x0A).contains { $0.elementsEqual("ENABLED=yes".utf8) }
        facts.listing = try applier.liveListing()
        return facts
    }

    private func refusal(_ kind: ApplyError.Kind, _ text: String) -> ExitCode {
        Output.error(text)
        return ExitCode(kind.rawValue)
    }
}

/// A length of time on the command line: `60s`, `10m`, `1h`, or seconds.
struct TimeSpan: ExpressibleByArgument {
    let seconds: Int

    static func seconds(_ seconds: Int) -> TimeSpan { TimeSpan(seconds: seconds) }

    private init(seconds: Int) { self.seconds = seconds }

    init?(argument: String) {
        let units = ["s": 1, "m": 60, "h": 3_600]
        let unit = argument.last.flatMap { units[String($0)] }
        let digits = unit == nil ? argument[...] : argument.dropLast()
        guard let count = Int(digits), (0...86_400).contains(count) else { return nil }
        seconds = count * (unit ?? 1)
        guard seconds <= 86_400 else { return nil }
    }

    var defaultValueDescription: String { "\(seconds)s" }
}
