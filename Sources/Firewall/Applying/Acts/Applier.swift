import Linux
import OpenSSL
import Site

/// Puts rulesets into force on this machine, so that whoever does it can always come back.
package struct Applier: Sendable {
    package let folder: StateFolder
    let scratch: ScratchKernel
    let live: LiveKernel

    package init(_ folder: StateFolder, workers: KernelProcess = KernelProcess()) {
        self.folder = folder
        scratch = ScratchKernel(workers)
        live = LiveKernel(workers)
    }

    /// What is to be put into force, and for whom.
    package struct Order: Sendable {
        package var ruleset: CompiledRuleset
        /// The site file's bytes, and when it was changed last, in seconds since 1970.
        package var site: [UInt8]
        package var siteModified: Int64
        /// Seconds until the old rules come back unless somebody confirms; 0 confirms at once.
        package var confirmWithin: Int
        package var takesOlder = false

        package init(_ ruleset: CompiledRuleset, site: [UInt8], siteModified: Int64, confirmWithin: Int) {
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
        /// In force.
        case applied(generation: Int, onlyElements: Bool)
    }

    /// Puts the ruleset into force.
    ///
    /// In this order: a real load elsewhere; what undoes it and `pending` on the disk; the watchdog; the load. Whatever
    /// ends this process in between, the old rules stay or come back.
    /// - Parameter arm: starts the watchdog for a generation, and returns when it watches.
    package func apply(
        _ order: Order,
        arm: (_ generation: Int, _ seconds: Int) throws(ApplyError) -> Void
    ) throws(ApplyError) -> Outcome {
        let script = try order.ruleset.script()
        let text = OwnTable.replacement(order.ruleset.text)
        let expected = try held(order.ruleset)
        let lock = try onDisk { () throws(FileError) in try folder.lock() }
        defer { withExtendedLifetime(lock) {} }
        var state = try self.state()
        guard state.pending == nil else {
            throw ApplyError(
                .wanting,
                "generation \(state.pending?.ruleset.generation ?? 0) waits for its confirmation: "
                    + "`gatehouse policy confirm` or `gatehouse policy rollback` first"
            )
        }
        let siteHash = Fingerprint.sha256(order.site)
        if !order.takesOlder, let why = state.objection(toSiteHash: siteHash, modified: order.siteModified) {
            throw ApplyError(.wanting, "\(why); --allow-older applies it all the same")
        }
        let before = try liveText()
        let isSame = Self.differences(expected, before, script).isEmpty
        if isSame, state.confirmed?.siteHash == siteHash {
            return .unchanged(generation: state.confirmed?.generation ?? 0)
        }

        var record = StoredRuleset(
            generation: state.lastGeneration + 1,
            host: order.ruleset.intent.host,
            hash: Fingerprint.sha256(text),
            siteHash: siteHash,
            siteModified: order.siteModified,
            applied: Self.now
        )
        for table in before.tables.keys where table != TableName.own.description {
            record.foreign[table] = before.digest(of: table)
        }
        let undo = try undoText(state, before)
        let changes = isSame ? "" : try elementChanges(state, before, script)
        try onDisk { () throws(FileError) in
            try folder.write(Array(text.utf8), .ruleset, of: record.generation)
            try folder.write(Array(undo.utf8), .undo, of: record.generation)
            try folder.write(order.site, .site, of: record.generation)
            state.lastGeneration = record.generation
            state.pending = PendingConfirmation(ruleset: record, until: Self.now + Int64(order.confirmWithin))
            try folder.write(state)
        }
        do throws(ApplyError) {
            if order.confirmWithin > 0 { try arm(record.generation, order.confirmWithin) }
            let onlyElements = try load(text, changes, expected, script, order.ruleset)
            if order.confirmWithin == 0 { try confirm(&state) }
            return .applied(generation: record.generation, onlyElements: onlyElements)
        } catch {
            // The watchdog sees that nothing is pending, and ends.
            state.undo(now: Self.now, why: "it was not loaded")
            try onDisk { () throws(FileError) in try folder.write(state) }
            throw error
        }
    }

    /// Tries the ruleset in a network that goes away.
    ///
    /// - Returns: what the kernel holds of it.
    package func held(_ ruleset: CompiledRuleset) throws(ApplyError) -> HeldText {
        let bytes: [UInt8]
        do throws(KernelFailure) {
            bytes = try scratch.hold(OwnTable.replacement(ruleset.text))
        } catch {
            throw ruleset.error(error)
        }
        return try Self.parse(bytes)
    }

    /// What this machine holds, tables of others included.
    package func liveText() throws(ApplyError) -> HeldText {
        try Self.parse(try onKernel { () throws(KernelFailure) in try live.json(.ruleset) })
    }

    static func parse(_ bytes: [UInt8]) throws(ApplyError) -> HeldText {
        let value = JSONValue(parsing: String(decoding: bytes, as: UTF8.self))
        guard let held = value.flatMap(HeldText.init(listing:)) else {
            throw ApplyError(.machine, "libnftables lists the rules in a form that is not known")
        }
        return held
    }

    static func differences(_ expected: HeldText, _ live: HeldText, _ script: RulesetScript) -> [String] {
        var drift = Drift()
        drift.compareOwn(expected: expected, live: live, dynamic: script.dynamicSets)
        return drift.findings
    }

    /// Loads by elements when that is enough, else whole.
    ///
    /// - Returns: whether elements were enough: the kernel was asked whether it holds what it should.
    private func load(
        _ text: String,
        _ changes: String?,
        _ expected: HeldText,
        _ script: RulesetScript,
        _ ruleset: CompiledRuleset
    ) throws(ApplyError) -> Bool {
        if let changes {
            let isDone = changes.isEmpty || (try? live.load(changes)) != nil
            // Overlapping intervals that the kernel merged cannot be taken away one by one: then it is loaded whole.
            if isDone, Self.differences(expected, try liveText(), script).isEmpty { return true }
        }
        do throws(KernelFailure) {
            try live.load(text)
        } catch {
            throw ruleset.error(error)
        }
        return false
    }

    /// The commands that change elements alone; nil when more is to change, or the kernel does not hold what was
    /// applied last.
    private func elementChanges(
        _ state: FirewallState,
        _ before: HeldText,
        _ script: RulesetScript
    ) throws(ApplyError) -> String? {
        guard let (_, old, expected) = try confirmedRuleset(state),
            Self.differences(expected, before, old).isEmpty
        else { return nil }
        return old.elementChanges(to: script)
    }

    /// The confirmed ruleset's text, taken apart, and what a kernel holds of it; nil when none is kept.
    func confirmedRuleset(
        _ state: FirewallState
    ) throws(ApplyError) -> (text: String, script: RulesetScript, held: HeldText)? {
        guard let current = state.current, let text = try document(.ruleset, current.generation) else { return nil }
        guard Fingerprint.sha256(text) == current.hash else {
            throw ApplyError(.wanting, "the text of generation \(current.generation) was changed on the disk")
        }
        guard let script = try? RulesetScript(text) else { return nil }
        return (text, script, try Self.parse(try onKernel { () throws(KernelFailure) in try scratch.hold(text) }))
    }

    /// What brings back what the kernel holds now: the text that was loaded when it still means the same, since a
    /// listing loses what only text can say.
    private func undoText(_ state: FirewallState, _ before: HeldText) throws(ApplyError) -> String {
        guard before.tables[TableName.own.description] != nil else { return OwnTable.removal }
        if let (text, script, expected) = try confirmedRuleset(state),
            Self.differences(expected, before, script).isEmpty
        {
            return text
        }
        let listing = try onKernel { () throws(KernelFailure) in try live.text(.table(.own)) }
        return OwnTable.removal + String(decoding: listing, as: UTF8.self)
    }
}
