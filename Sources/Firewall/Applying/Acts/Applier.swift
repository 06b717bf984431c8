/// Puts rulesets into force on this machine, so that whoever does it can always come back.
package struct Applier: Sendable {
    package let folder: StateFolder
    let scratch: ScratchKernel
    let live: LiveKernel
    /// The same for whoever can do without an answer, and is not to wait for one.
    let hasty: LiveKernel
    package let settings: MachineSettings

    package init(
        _ folder: StateFolder,
        workers: KernelProcess = KernelProcess(),
        settings: MachineSettings = MachineSettings()
    ) {
        self.folder = folder
        self.settings = settings
        scratch = ScratchKernel(workers)
        live = LiveKernel(workers)
        hasty = LiveKernel(KernelProcess(program: workers.program, arguments: workers.arguments, seconds: 5))
    }

    /// What is to be put into force, and for whom.
    package struct Order: Sendable {
        package var ruleset: ProvedRuleset
        /// The site file's bytes, and when it was changed last, in seconds since 1970.
        package var site: [UInt8]
        package var siteModified: Int64
        /// Seconds until the old rules come back unless somebody confirms; 0 confirms at once.
        package var confirmWithin: Int
        package var takesOlder = false
        /// See `PendingConfirmation`.
        package var session: String?

        package init(_ ruleset: ProvedRuleset, site: [UInt8], siteModified: Int64, confirmWithin: Int) {
            self.ruleset = ruleset
            self.site = site
            self.siteModified = siteModified
            self.confirmWithin = confirmWithin
        }
    }

    /// What was done.
    package enum Outcome: Sendable, Equatable {
        /// The kernel holds it already.
        case unchanged(generation: Int)
        /// In force. `doubt` says of what would undo it why it is not simply what was applied before.
        case applied(generation: Int, change: Change, ended: EndedConnections, doubt: String?)
    }

    /// What a load changed in the kernel.
    package enum Change: Sendable, Equatable {
        /// Nothing: another site file means the same.
        case none
        /// Elements of sets alone.
        case elements
        /// Rules that differ and what they need; counters and sets that packets fill live on in the others.
        case rules
        /// The whole table, with all that was counted.
        case table
    }

    /// What this machine holds, tables of others included, also those that nobody here can read.
    package func liveListing() throws(ApplyError) -> HeldListing {
        try onKernel { () throws(KernelFailure) in try live.held() }
    }

    /// What it holds of our table alone.
    func ownListing() throws(ApplyError) -> HeldListing {
        try onKernel { () throws(KernelFailure) in try live.held(only: .own) }
    }

    static func parse(_ bytes: [UInt8]) throws(ApplyError) -> HeldListing {
        guard let held = HeldListing(bytes) else {
            throw ApplyError(
                .machine,
                "libnftables lists the rules in a form that is not known: please report it, with what `nft --version` says"
            )
        }
        return held
    }

    static func differences(_ expected: HeldText, _ live: HeldText, _ script: RulesetScript) -> [String] {
        let name = TableName.own.description
        return (live.tables[name] ?? .init()).differences(from: expected.tables[name] ?? .init(), script.dynamicSets)
    }

    /// Loads what can also be done in another way.
    ///
    /// - Returns: whether the kernel took it.
    /// - Throws: when that is not known yet: then nothing else may be loaded.
    func takes(_ text: String) throws(ApplyError) -> Bool {
        do throws(KernelFailure) {
            try live.load(text)
            return true
        } catch {
            guard case .underway = error else { return false }
            throw ApplyError(error)
        }
    }

    /// The text of what should be in force, taken apart, and what a kernel holds of it; nil when it is not kept as it was
    /// applied.
    func appliedRuleset(
        _ state: FirewallState
    ) throws(ApplyError) -> (text: String, script: RulesetScript, held: HeldListing)? {
        guard let ruleset = state.held, let text = confirmedText(of: ruleset), let script = try? RulesetScript(text)
        else { return nil }
        let held = try Self.parse(try onKernel { () throws(KernelFailure) in try scratch.hold(text) })
        return (text, script, held)
    }
}
