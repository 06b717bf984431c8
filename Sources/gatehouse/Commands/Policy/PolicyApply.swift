import ArgumentParser
import Firewall
import Linux
import Site

struct PolicyApply: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Put this host's ruleset into force, and the old one back unless it is confirmed in time.",
        discussion: "Exit status: 0 when it is in force, 1 when it is not proved, a test of the file fails, it would "
            + "shut you out or is older than the one in force, 2 when the file or the ruleset is wrong, 3 when the machine "
            + "lacks something."
    )

    @OptionGroup var options: SiteOptions
    @OptionGroup var state: StateOptions

    @Option(help: "Which host of the site this machine is. Default: the one whose addresses it bears.")
    var host: String?

    @OptionGroup var entrance: EntranceOptions

    @Flag(help: "Apply a site file that is older than the one in force.")
    var allowOlder = false

    func run() throws {
        let site = try PolicySite(path: options.path)
        let host = try site.machine(host)
        let compiled = try site.ruleset(host)
        try PolicySite.requireMachine(of: host)
        let machine = PolicySite.machineFacts
        let warnings = machine.warnings(host, compiled.intent, file: site.path)
        for warning in warnings { Output.error(warning.description) }
        try requireRenewal(host, machine)
        warnOfTime(site)
        let accesses = try entrance.accesses()
        let masked = PolicyCheck.maskedLines(site.model, host: host.name, file: site.path, now: site.now)
        for warning in masked { Output.error(warning.description) }
        try requireClaims(site)
        try requireTests(site)

        let outcome = try state.perform { applier in
            let live = try applier.liveListing()
            let bootWarning = applier.settings.bootWarning(applier.folder).map { [$0] } ?? []
            for warning in OtherFirewalls.warnings(Self.facts(applier, live, host)) + bootWarning {
                Output.error("warning: \(warning)")
            }
            let isFirst = (try? applier.state())?.current == nil
            let note = isFirst ? NeedsNote.note(site.model, site.intent, host: host.name, file: site.path) : nil
            if let note { Output.error(note.description) }
            let ruleset = try applier.prove(compiled, takesUnknown: entrance.unproved)
            for change in try ruleset.changes(byOthersIn: live) { Output.error("warning: \(change)") }
            try entrance.require(accesses, ruleset, beside: live)
            var order = Applier.Order(
                ruleset,
                site: site.bytes,
                siteModified: site.modified,
                confirmWithin: entrance.confirmWithin.seconds
            )
            order.takesOlder = allowOlder
            order.session = EntranceOptions.session
            return try applier.apply(order, arm: EntranceOptions.watchdog(applier.folder))
        }
        entrance.say(outcome, host.name)
    }

    /// Refuses where the machine may lose addresses and nobody is asked whether he has read the warnings.
    private func requireRenewal(_ host: SiteHost, _ machine: MachineFacts) throws {
        let warnings = UnrenewedAddresses.warnings(host, leases: machine.leases, file: "")
        guard !warnings.isEmpty, entrance.confirmWithin.seconds == 0, !entrance.unproved else { return }
        throw ExitCode.refusal(
            .wanting,
            "this machine may lose an address that it has by DHCP: correct the file as said above, or give --confirm-within "
                + "some time, or --unproved; nothing was changed"
        )
    }

    /// By how many seconds clocks of two machines may differ.
    private static let clockError: Int64 = 60

    /// Tells of a file that was changed in the future.
    private func warnOfTime(_ site: PolicySite) {
        guard site.modified > Applier.now + Self.clockError else { return }
        Output.error(
            "warning: \(site.path) was last changed at a time that is yet to come (\(DateTime(seconds: site.modified))): "
                + "the clock of this machine or of whoever wrote it is wrong. It counts as changed now"
        )
    }

    /// Holds the site's claims against what all hosts are meant to do.
    private func requireClaims(_ site: PolicySite) throws {
        for proof in PolicyTimeline(site.model, at: site.now).prove([.never, .exactly]) {
            let claim = proof.claim
            // One about nobody keeps nothing from coming into force; `check` warns of it.
            if proof.isKept { continue }
            if proof.answer == .unknown, entrance.unproved { continue }
            let word = ["refuted": "is broken", "void": "is void:"][proof.word] ?? "cannot be proved"
            let since = proof.since.map { " from \(DateTime(seconds: $0)) on" } ?? ""
            let packet = proof.packet.map { "\(since): \($0.text)" } ?? since
            throw ExitCode.refusal(
                .wanting,
                "the claim `\(claim.id)`\(site.place(claim.position)) \(word)\(packet) \(proof.reason ?? ""); nothing was changed. "
                    + "`gatehouse policy prove` says more"
            )
        }
    }

    /// Tries the file's own tests.
    private func requireTests(_ site: PolicySite) throws {
        guard let failure = PolicyCheck.failedTests(site.model, file: site.path, now: site.now).first else { return }
        throw ExitCode.refusal(
            .wanting,
            "a test of the file fails (\(site.path):\(failure.line)): \(failure.message); nothing was changed"
        )
    }

    private static func facts(
        _ applier: Applier,
        _ live: HeldListing,
        _ host: SiteHost
    ) -> OtherFirewalls.Facts {
        var facts = OtherFirewalls.Facts()
        facts.processes = ProcessAncestry.namesInThisNetwork()
        facts.settings = applier.settings
        facts.isPassingTold = !host.isRouter && !PassedPackets.warnings(host, nil, applier.settings, file: "").isEmpty
        facts.listing = live
        return facts
    }
}
