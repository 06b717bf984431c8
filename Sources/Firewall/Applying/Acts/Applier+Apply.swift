import Linux
import OpenSSL
import Site

extension Applier {
    /// Puts the ruleset into force.
    ///
    /// In this order, after the proof: what undoes it and `pending` on the disk; the watchdog; the load; a look at what
    /// the kernel then holds; the end of the connections that are closed. Whatever ends this process in between, the old
    /// rules stay or come back; with `confirmWithin` 0, where no watchdog is, a boot or a rollback brings them. Connections
    /// that are not ended then `confirm` ends.
    /// - Parameter arm: starts the watchdog for a generation, and returns when it watches.
    package func apply(
        _ order: Order,
        arm: (_ generation: Int, _ seconds: Int) throws(ApplyError) -> Void
    ) throws(ApplyError) -> Outcome {
        let (script, expected) = (order.ruleset.script, order.ruleset.listing.text)
        try onDisk { () throws(FileError) in try folder.make() }
        let lock = try lock()
        defer { withExtendedLifetime(lock) {} }
        var state = try stateToContinue()
        let siteHash = Fingerprint.sha256(order.site)
        // What is yet to come, by a clock that was wrong, would make every later file an older one.
        let modified = max(StoredRuleset.times.lowerBound, min(order.siteModified, Self.now))
        if !order.takesOlder, let why = state.objection(toSiteHash: siteHash, modified: modified) {
            throw ApplyError(.wanting, "\(why); --allow-older applies it all the same")
        }
        let listing = try liveListing()
        try Self.requireOwnTable(in: listing)
        let before = listing.text
        let foreign = Array(listing.foreign.json.line.utf8)
        try settle(&state, before)
        let isSame = Self.differences(expected, before, script).isEmpty
        // Where its text is damaged, it is kept anew.
        if isSame, let confirmed = state.confirmed, confirmed.siteHash == siteHash, confirmedText(of: confirmed) != nil
        {
            try leave(confirmed, beside: foreign, state)
            return .unchanged(generation: confirmed.generation)
        }

        let record = StoredRuleset(
            generation: state.lastGeneration + 1,
            host: order.ruleset.compiled.intent.host,
            hash: Fingerprint.sha256(order.ruleset.compiled.text),
            siteHash: siteHash,
            siteModified: modified,
            applied: Self.now
        )
        let earlier = state.settled.flatMap { policy(of: $0).intent }
        let (undo, doubt) = try undoText(state, listing)
        let changes = isSame ? nil : changes(state, listing, script)
        try keepPending(order, record, undo: undo, beside: foreign, isSame: isSame, &state)
        var isTouched = false
        do throws(ApplyError) {
            if order.confirmWithin > 0 { try arm(record.generation, order.confirmWithin) }
            let isFirst = before.tables[TableName.own.description] == nil
            let untold = isFirst ? tellOpenConnections(session: order.session) : nil
            let change = isSame ? .none : try load(order.ruleset, changes, &isTouched)
            try Self.requireTime(state)
            var ended = endConnections(before: earlier, after: order.ruleset.compiled.intent)
            ended.untold = untold
            var kept = state
            kept.pending?.owesEnding = ended.failure != nil
            if order.confirmWithin == 0 {
                try confirm(&kept)
            } else if kept != state {
                // Where there is no room for that, `confirm` finds that nothing is left to end.
                try? folder.write(kept)
            }
            try Self.requireTime(state)
            return .applied(generation: record.generation, change: change, ended: ended, doubt: doubt)
        } catch {
            throw takeBack(record.generation, state, error, before: listing, by: isTouched ? undo : nil)
        }
    }

    /// Has what is confirmed, and in force, be what was applied last.
    ///
    /// - Parameter foreign: the tables of others: whoever applies takes them as they are.
    private func leave(
        _ confirmed: StoredRuleset,
        beside foreign: [UInt8],
        _ state: FirewallState
    ) throws(ApplyError) {
        try onDisk { () throws(FileError) in try folder.write(foreign, .foreign, of: confirmed.generation) }
        // A confirmation behind this one is about what is in force, whatever was undone before.
        guard state.undone != nil else { return }
        var settled = state
        settled.undone = nil
        let changed = settled
        try onDisk { () throws(FileError) in try folder.write(changed) }
    }

    /// Writes what is to be loaded, what undoes it, and that it waits for a confirmation.
    private func keepPending(
        _ order: Order,
        _ record: StoredRuleset,
        undo: String,
        beside foreign: [UInt8],
        isSame: Bool,
        _ state: inout FirewallState
    ) throws(ApplyError) {
        try onDisk { () throws(FileError) in
            try folder.write(Array(order.ruleset.compiled.text.utf8), .ruleset, of: record.generation)
            try folder.write(Array(undo.utf8), .undo, of: record.generation)
            try folder.write(order.site, .site, of: record.generation)
            try folder.write(foreign, .foreign, of: record.generation)
            state.lastGeneration = record.generation
            state.pending = PendingConfirmation(
                ruleset: record,
                until: Self.now + Int64(order.confirmWithin),
                deadline: order.confirmWithin == 0
                    ? nil : Clock.monotonicNanoseconds + UInt64(order.confirmWithin) * 1_000_000_000,
                undoHash: Fingerprint.sha256(undo),
                isSameAsBefore: isSame,
                owesEnding: true,
                session: order.session
            )
            try folder.write(state)
        }
    }

    /// - Throws: when the watchdog may have brought back what was in force before.
    private static func requireTime(_ state: FirewallState) throws(ApplyError) {
        guard state.isOverdue else { return }
        throw ApplyError(
            .wanting,
            "the time for a confirmation was over before this command came to its end, as when it was stopped meanwhile: "
                + "apply again, with a longer --confirm-within"
        )
    }

    private static func requireOwnTable(in listing: HeldListing) throws(ApplyError) {
        guard listing.isOwnTableTaken else { return }
        throw ApplyError(
            .machine,
            "table \(TableName.own) belongs to a process that made it with `flags owner`, and no other may change "
                + "it: `nft list table \(TableName.own)` names the process; end it and apply again"
        )
    }

    /// After a failure: brings back what was in force when something was changed, and records how that went.
    ///
    /// - Parameters:
    ///   - before: what the kernel held: as long as it holds that of our table, nothing was changed.
    ///   - undo: the text that brings it back; nil when nothing was changed.
    /// - Returns: the error to report, which says what is in force now.
    private func takeBack(
        _ generation: Int,
        _ state: FirewallState,
        _ cause: ApplyError,
        before: HeldListing,
        by undo: String?
    ) -> ApplyError {
        guard !cause.isUnderway, !state.isOverdue else {
            // The watchdog goes on: what it loads waits for what is under way.
            return ApplyError(
                cause.kind,
                "\(cause)\ngeneration \(generation) stays pending: `gatehouse policy rollback`, or the watchdog "
                    + "when its time is over, brings back what was in force before"
            )
        }
        var undo = undo
        if undo != nil, let now = try? ownListing(), now.text == before.own.text { undo = nil }
        var state = state
        do throws(ApplyError) {
            if let undo { try load(undo) }
            // The watchdog sees that nothing is pending, and ends.
            state.undo(
                now: Self.now,
                why: undo == nil ? "it was not loaded: \(cause)" : "a failure after the load: \(cause)"
            )
            try onDisk { () throws(FileError) in try folder.write(state) }
            return undo == nil ? cause : ApplyError(cause.kind, "\(cause)\nwhat was in force before is in force again")
        } catch {
            // It stays pending on the disk: the watchdog tries again, and `status` shows it.
            return ApplyError(
                .machine,
                "\(cause)\nand that could not be undone or recorded: \(error)\n"
                    + "generation \(generation) may be in force: `gatehouse policy rollback`"
            )
        }
    }

    /// Loads what differs when that is known, else the whole, and asks the kernel whether it holds what it should.
    ///
    /// - Parameter isTouched: whether the kernel's rules may have been changed, also when it throws.
    private func load(
        _ ruleset: ProvedRuleset,
        _ changes: RulesetChanges?,
        _ isTouched: inout Bool
    ) throws(ApplyError) -> Change {
        let expected = ruleset.listing.text
        if let changes {
            isTouched = true
            // Overlapping intervals that the kernel merged cannot be taken away one by one: then it is loaded whole.
            if try takes(changes.text),
                Self.differences(expected, try ownListing().text, ruleset.script).isEmpty
            {
                return changes.isOfElementsAlone ? .elements : .rules
            }
        }
        do throws(KernelFailure) {
            try live.load(ruleset.compiled.text)
        } catch {
            // A worker that gave no answer may have ended behind the load as well as before it.
            guard case .unavailable(let why) = error else {
                throw ApplyError(error, ruleOfLine: ruleset.compiled.ruleOfLine)
            }
            isTouched = true
            throw ApplyError(.machine, why + ((try? liveListing())?.hindrance ?? ""))
        }
        isTouched = true
        let differences = Self.differences(expected, try ownListing().text, ruleset.script)
        guard differences.isEmpty else {
            throw ApplyError(
                .machine,
                "the kernel holds something else than was loaded: \(differences[0]). Another program may have changed the table "
                    + "meanwhile: apply again, and where that is no help, please report it"
            )
        }
        return .table
    }

    /// What makes what the kernel holds the new ruleset; nil when it does not hold what was applied last, or is to be
    /// loaded whole.
    private func changes(
        _ state: FirewallState,
        _ before: HeldListing,
        _ script: RulesetScript
    ) -> RulesetChanges? {
        // One that this kernel does not take is not in force.
        guard let (_, old, expected) = try? appliedRuleset(state),
            Self.differences(expected.text, before.text, old).isEmpty
        else { return nil }
        return old.changes(to: script, handles: before.ownHandles)
    }
}
