import ArgumentParser
import Firewall
import Linux
import Site

/// Who must be let in once other rules are in force, and how long those wait for a confirmation.
struct EntranceOptions: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: "How long to wait for `policy confirm`: 60s, 10m or 1h, at most 24h; 0s takes it for good at once."
    )
    var confirmWithin: TimeSpan = .seconds(60)

    @Option(help: "An address that must be let in by SSH afterwards. Default: where your own SSH session comes from.")
    var keep: [String] = []

    @Option(help: "The port of SSH for --keep.")
    var keepPort: UInt16 = 22

    @Flag(help: "Apply also what cannot be proved. What is proved wrong is never applied.")
    var unproved = false

    /// The SSH session that this command is given in, as SSH_CONNECTION says; nil when it is none.
    static var session: String? { ProcessAncestry.variable("SSH_CONNECTION") }

    /// Those who must be let in afterwards; at least one.
    ///
    /// - Throws: `ExitCode`, after saying what is wrong.
    func accesses() throws -> [AdministratorCheck.Access] {
        var accesses: [AdministratorCheck.Access] = []
        for text in keep {
            guard let access = AdministratorCheck.Access(text, port: keepPort) else {
                throw ExitCode.refusal(.wrong, "--keep \(text): no IP address; write one, as in --keep 203.0.113.7")
            }
            // Of several links the kernel would take the first.
            if access.interface == nil, access.source.width == 128, access.source.isOfLink {
                throw ExitCode.refusal(.wrong, "--keep \(text): say on which link, as in --keep \(text)%eth0")
            }
            accesses.append(access)
        }
        if accesses.isEmpty, let text = Self.session {
            guard let access = AdministratorCheck.Access(sshConnection: text) else {
                throw ExitCode.refusal(
                    .wrong,
                    "SSH_CONNECTION is `\(text)`, no connection: name your address with --keep"
                )
            }
            if !OpenSockets.hold(access) {
                Output.error(
                    "warning: SSH_CONNECTION is `\(text)`, and no such connection is open here: it may be an earlier one, as in "
                        + "tmux or screen; if you come from elsewhere now, name that address with --keep"
                )
            }
            accesses.append(access)
        }
        guard !accesses.isEmpty else {
            throw ExitCode.refusal(
                .wanting,
                "where you come from is not known: name the address to stay let in with --keep"
            )
        }
        let own = PolicySite.machineAddresses
        if let inside = accesses.first(where: { $0.source.isLoopback || own.contains($0.source) }) {
            throw ExitCode.refusal(
                .wrong,
                "\(inside.source) is this machine itself: name an address that you come from elsewhere with --keep"
            )
        }
        return accesses
    }

    /// Proves that a new connection would be let in, by what the kernel holds of the ruleset and of other tables.
    ///
    /// - Returns: where it would come in; nil when that is not known.
    /// - Throws: `ExitCode`, after saying what stops it.
    func require(
        _ access: AdministratorCheck.Access,
        _ ruleset: ProvedRuleset,
        beside live: HeldListing
    ) throws -> AdministratorCheck.Entrance? {
        let entrances: [AdministratorCheck.Entrance]
        do {
            entrances = try PolicySite.entrances(access)
        } catch {
            throw ExitCode.refusal(
                .machine,
                "the way to \(access.source) cannot be asked for: \(error); nothing was changed"
            )
        }
        let finding = try ruleset.finding(on: access, beside: live, at: entrances, for: confirmWithin.seconds)
        let place = finding.entrance.map { " (\($0))" } ?? ""
        let connection = "a new connection from \(access.source) to port \(access.port)"
        switch finding.verdict {
        case .admitted(let rule):
            Output.line("\(access.source) would be let in to port \(access.port) by rule \(rule)\(place)")
            try requireListener(access)
            if let entrance = finding.entrance {
                try requireDetour(access, around: entrance, ruleset, beside: live)
                try tellBounds(of: rule, access, at: entrance, ruleset, beside: live)
            }
        case .unknown(let why) where unproved:
            Output.error("warning: whether \(connection) would be let in\(place) is not known: \(why)")
        case .unknown(let why):
            throw ExitCode.refusal(
                .wanting,
                "it cannot be proved that \(connection) would be let in: it hangs on \(why)\(place); nothing was "
                    + "changed. --unproved applies it all the same"
            )
        case .refused(let by):
            throw ExitCode.refusal(
                .wanting,
                "\(connection) would be shut out\(place): \(by). \(Self.advice(by, ruleset.compiled.intent)), or name "
                    + "another address with --keep; nothing was changed"
            )
        case .unreachable where unproved:
            Output.error("warning: this machine knows no way to \(access.source): \(connection) could not be answered")
        case .unreachable:
            throw ExitCode.refusal(
                .wanting,
                "this machine knows no way to \(access.source), so that \(connection) could not be answered (`ip route "
                    + "get \(access.source)`); nothing was changed. --unproved applies it all the same"
            )
        }
        return finding.entrance
    }

    /// What helps against a refusal.
    private static func advice(_ refusal: AdministratorCheck.Refusal, _ intent: HostIntent) -> String {
        if refusal.isForeign { return "Have whoever made that table let it through" }
        switch (intent.input + intent.output).first(where: { $0.id == refusal.rule })?.origin {
        case .defence(FirewallDefence.bogons.rawValue): return "Give the network a name in `networks` of the site file"
        case .defence(let name): return "Write `defences: { \(name): false }` in the site file"
        case .baseline(let name): return "Write `baseline: { \(name): false }` in the site file"
        case .written, .derived: return "Change that line of the site file"
        // No line of `allow` is about neighbours on a link.
        case nil where refusal.stopsNeighbours: return "Take `neighbours: false` out of `baseline` in the site file"
        case nil: return "Allow it in the site file"
        }
    }

    /// Rules may let in whom they like: where no program listens, nobody comes in. Before a reboot or in an image that may
    /// be as it should; to whoever has a connection to that port, it is not.
    private func requireListener(_ access: AdministratorCheck.Access) throws {
        guard !OpenSockets.listen(on: access.port) else { return }
        let text =
            "no program listens on port \(access.port) of this machine (`ss -lt`), so that nobody comes in there, whatever "
            + "the rules say: name where you would come in with --keep and --keep-port"
        guard confirmWithin.seconds == 0, !unproved, OpenSockets.hold(access) else {
            Output.error("warning: \(text)")
            return
        }
        throw ExitCode.refusal(
            .wanting,
            "\(text). With 0s nothing would bring the old rules back: give --confirm-within some time, or --unproved; "
                + "nothing was changed"
        )
    }

    /// A connection to an address that another interface bears may come in by that one: a doubt, which a confirmation from
    /// a new connection clears, and nothing else does.
    private func requireDetour(
        _ access: AdministratorCheck.Access,
        around entrance: AdministratorCheck.Entrance,
        _ ruleset: ProvedRuleset,
        beside live: HeldListing
    ) throws {
        let own = PolicySite.ownAddresses
        guard let detour = AdministratorCheck.detour(access, around: entrance, own: own) else { return }
        let why: String
        switch try ruleset.finding(on: access, beside: live, at: [detour], for: confirmWithin.seconds).verdict {
        case .admitted, .unreachable: return
        case .refused(let by): why = "would be shut out (\(by))"
        case .unknown(let statement): why = "is let in or not by what is not understood (\(statement))"
        }
        let interfaces = detour.interfaces.joined(separator: " or ")
        let text =
            "answers to \(access.source) leave by \(entrance.interfaces.joined(separator: " or ")), but "
            + "\(detour.destination) belongs to \(interfaces): if you come in by \(interfaces), a new connection \(why)"
        guard confirmWithin.seconds == 0, !unproved else {
            Output.error("warning: \(text)")
            return
        }
        throw ExitCode.refusal(
            .wanting,
            "\(text). With 0s nothing would bring the old rules back: give --confirm-within some time, or --unproved; "
                + "nothing was changed"
        )
    }

    /// Who is let in now may not be so for ever, nor each time.
    private func tellBounds(
        of rule: String,
        _ access: AdministratorCheck.Access,
        at entrance: AdministratorCheck.Entrance,
        _ ruleset: ProvedRuleset,
        beside live: HeldListing
    ) throws {
        for bound in AdministratorCheck.bounds(access, at: entrance, ruleset.compiled.intent, admittedBy: rule) {
            Output.error("warning: rule \(bound.id) has a limit: a new connection above it is dropped, also yours")
        }
        let later = try ruleset.finding(on: access, beside: live, at: [entrance], for: Self.longTime).verdict
        if case .admitted = later { return }
        let why = if case .refused(let by) = later { ", since rules end by themselves: \(by)" } else { "" }
        Output.error("warning: \(access.source) will not be let in to port \(access.port) for ever\(why)")
    }

    /// A thousand years, in seconds: by then every rule that ends by itself has ended.
    private static let longTime = 1_000 * 365 * 86_400

    /// Starts the watchdog of a folder.
    static func watchdog(_ folder: StateFolder) -> (_ generation: Int, _ seconds: Int) throws(ApplyError) -> Void {
        { (generation, seconds) throws(ApplyError) in
            try Watchdog.arm(
                folder,
                generation: generation,
                seconds: seconds,
                program: ProcessStart.thisProgramPath ?? "/usr/bin/gatehouse"
            )
        }
    }

    /// Tells what was done, and what to do next.
    func say(_ outcome: Applier.Outcome, _ host: String) {
        switch outcome {
        case .unchanged(let generation):
            Output.line("\(host): generation \(generation) is in force and means the same; nothing was changed")
        case .applied(let generation, let change, let ended, let doubt):
            Output.line("\(host): generation \(generation) is in force; \(change.text)")
            ended.say()
            if let doubt { Output.error("warning: \(doubt)") }
            if confirmWithin.seconds > 0 {
                let time = "\(confirmWithin.seconds) s"
                Output.line("Confirm it within \(time) from a new connection: gatehouse policy confirm")
            }
        }
    }
}

extension Applier.Change {
    fileprivate var text: String {
        switch self {
        case .none: "the rules are the same as before, and none was touched"
        case .elements: "elements of sets alone were changed"
        case .rules: "rules that differ were changed, and all others count on"
        case .table: "the table was replaced"
        }
    }
}

extension EndedConnections {
    /// Tells what there is to tell.
    func say() {
        if count > 0 {
            let (what, were) = count == 1 ? ("connection", "was") : ("connections", "were")
            Output.line("\(count) \(what) that the rules closed \(were) ended")
        }
        if hasUnaskedWays {
            Output.error(
                "warning: connections had more ends than the kernel is asked the way to; of the others those were ended, "
                    + "too, that the rules close by one interface and let in by another"
            )
        }
        if let untold { Output.error("warning: connections that were open may stand still: \(untold)") }
        if let failure { Output.error("warning: connections that the rules closed go on until they end: \(failure)") }
    }
}
