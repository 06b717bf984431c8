import Linux
import OpenSSL

extension Applier {
    /// Seconds since 1970.
    package static var now: Int64 { Int64(Clock.realtimeMicroseconds / 1_000_000) }

    /// What became of a confirmation.
    package enum Confirmation: Sendable {
        /// The ruleset that waited is kept; with what was ended, and the SSH session in which it was applied, if it was one.
        case kept(generation: Int, ended: EndedConnections, session: String?)
        /// None waited, and what is in force was confirmed before.
        case before(generation: Int)
    }

    /// Takes the pending ruleset for good, and ends what its `apply` did not come to end.
    package func confirm() throws(ApplyError) -> Confirmation {
        let lock = try lock()
        defer { withExtendedLifetime(lock) {} }
        var state = try self.state()
        guard let pending = state.pending else { return .before(generation: try confirmedBefore(state)) }
        let generation = pending.ruleset.generation
        // A boot would load what nobody has tried.
        try requireInForce(state, generation)
        let ended =
            pending.owesEnding
            ? endConnections(from: state.settled.map(policy), to: policy(of: pending.ruleset)) : EndedConnections()
        // Where this command stood still, the watchdog may have undone it meanwhile.
        if pending.isOverdue { try requireInForce(state, generation) }
        try confirm(&state)
        return .kept(generation: generation, ended: ended, session: pending.session)
    }

    private func requireInForce(_ state: FirewallState, _ generation: Int) throws(ApplyError) {
        guard let drift = try ownDrift(state), !drift.isEmpty else { return }
        throw ApplyError(
            .wanting,
            "generation \(generation) is not kept, since the kernel holds something else: "
                + "\(drift.findings.joined(separator: "; ")). `gatehouse policy rollback` brings back what was before"
        )
    }

    /// The generation that was confirmed, where nothing waits, nothing was undone since, and the kernel holds it: an `apply`
    /// that had nothing to change left it so.
    private func confirmedBefore(_ state: FirewallState) throws(ApplyError) -> Int {
        guard state.undone == nil, state.standIn == nil, let confirmed = state.confirmed else {
            throw ApplyError(.wanting, Self.nothingPending(state))
        }
        if let drift = try ownDrift(state), !drift.isEmpty {
            throw ApplyError(
                .wanting,
                "no ruleset waits for a confirmation, and generation \(confirmed.generation), which was confirmed, is not in "
                    + "force as it was: \(drift.findings.joined(separator: "; ")). `gatehouse policy load` loads it anew"
            )
        }
        return confirmed.generation
    }

    func confirm(_ state: inout FirewallState) throws(ApplyError) {
        state.confirm(now: Self.now)
        let confirmed = state
        try onDisk { () throws(FileError) in try folder.write(confirmed) }
        do throws(ApplyError) {
            try keepConfirmed(state)
        } catch {
            throw ApplyError(error.kind, "it is confirmed, but not kept for the case that state.json is lost: \(error)")
        }
        folder.tidy(state)
    }

    /// Keeps what is confirmed once more, so that it is known without the state.
    func keepConfirmed(_ state: FirewallState) throws(ApplyError) {
        guard let confirmed = state.confirmed, folder.lastConfirmed?.ruleset != confirmed,
            let text = confirmedText(of: confirmed)
        else { return }
        try onDisk { () throws(FileError) in try folder.write(LastConfirmed(confirmed, text: text)) }
    }

    private static func nothingPending(_ state: FirewallState) -> String {
        let undone = state.undone.map { "generation \($0.generation) was undone (\($0.why)); " } ?? ""
        return "no ruleset waits for a confirmation: \(undone)`gatehouse policy status` says what is in force"
    }

    /// Undoes the pending ruleset, and ends the connections that only that one let in.
    ///
    /// - Parameter why: what `status` says of it later.
    /// - Returns: the generation in force now, nil when there is none any more.
    package func rollback(
        why: String = "by `policy rollback`"
    ) throws(ApplyError) -> (generation: Int?, ended: EndedConnections) {
        let lock = try lock()
        defer { withExtendedLifetime(lock) {} }
        var state = try self.state()
        guard let pending = state.pending else { throw ApplyError(.wanting, Self.nothingPending(state)) }
        var progress = UndoProgress.begun
        let ended = try undo(&state, by: try wayBack(state, pending), why: why, &progress)
        return (state.confirmed?.generation, ended)
    }

    /// The ruleset that was confirmed before the one in force, proved like any other, to be applied again under a new
    /// number: going back once more is going forward.
    ///
    /// - Throws: `wanting` when there is none, or not any more what was confirmed.
    package func previous(confirmWithin: Int, takesUnknown: Bool) throws(ApplyError) -> Order {
        guard let previous = try state().previous else {
            throw ApplyError(
                .wanting,
                "there is no ruleset to go back to: none was confirmed before the one that should be in force. "
                    + "`gatehouse policy load` loads that one anew"
            )
        }
        let generation = previous.generation
        guard let text = try document(.ruleset, generation), Fingerprint.sha256(text) == previous.hash,
            let site = try document(.site, generation)
        else {
            throw ApplyError(
                .wanting,
                "\(folder.path): generation \(generation) is not any more what was confirmed: apply the site file that is to "
                    + "be in force"
            )
        }
        guard let intent = policy(of: previous).intent else {
            throw ApplyError(
                .wanting,
                "\(folder.path): the site file of generation \(generation) is not understood any more: apply one that is"
            )
        }
        var order = Order(
            try prove(CompiledRuleset(text: text, intent), takesUnknown: takesUnknown),
            site: Array(site.utf8),
            siteModified: previous.siteModified,
            confirmWithin: confirmWithin
        )
        order.takesOlder = true
        return order
    }

    private func undo(
        _ state: inout FirewallState,
        by wayBack: WayBack,
        why: String,
        _ progress: inout UndoProgress
    ) throws(ApplyError) -> EndedConnections {
        // Before the record: whoever waits for that finds the connections ended.
        let ended = try go(wayBack, &progress)
        state.undo(now: Self.now, why: why)
        let changed = state
        try onDisk { () throws(FileError) in try folder.write(changed) }
        return ended
    }

    private func go(_ wayBack: WayBack, _ progress: inout UndoProgress) throws(ApplyError) -> EndedConnections {
        guard progress != .restored else { return EndedConnections() }
        // A load would begin all counts anew, and there is nothing to bring back, unless it was changed meanwhile.
        let isBack = (wayBack.isSame || progress == .forced) && holds(wayBack.text)
        if !isBack, try !change(by: wayBack) { try load(wayBack.text) }
        progress = .restored
        return endConnections(from: wayBack.left, to: wayBack.target)
    }

    /// Changes only what differs, so that the counts of all else live on, as `apply` does.
    ///
    /// - Returns: false when the kernel does not hold what was applied, or not what it should when that is done: then the
    ///   whole is to be loaded.
    private func change(by wayBack: WayBack) throws(ApplyError) -> Bool {
        guard wayBack.target != nil, let left = wayBack.leftText, let before = listing(of: left),
            let script = try? RulesetScript(wayBack.text),
            let changes = before.script.changes(to: script, handles: before.live.ownHandles)
        else { return false }
        return try takes(changes.text) && holds(wayBack.text)
    }

    /// Whether the kernel holds of our table what it would hold of the text; not when it cannot be asked.
    private func holds(_ text: String) -> Bool { listing(of: text) != nil }

    /// What the kernel holds of our table, where that is what it would hold of the text; else nil, also where it does not
    /// tell soon: the way back loads the whole text rather than wait.
    private func listing(of text: String) -> (script: RulesetScript, live: HeldListing)? {
        guard let script = try? RulesetScript(text), let live = try? hasty.held(only: .own), !live.isOwnTableAsleep,
            let bytes = try? scratch.hold(text), let expected = try? Self.parse(bytes),
            Self.differences(expected.text, live.text, script).isEmpty
        else { return nil }
        return (script, live)
    }

    /// Undoes a generation that nobody confirmed in time, if it still waits.
    ///
    /// Where the state is lost it was not confirmed either: nobody could have recorded that.
    /// - Parameters:
    ///   - wayBack: from that generation.
    ///   - progress: how far earlier tries came.
    /// - Returns: false when it was confirmed or undone meanwhile.
    package func expire(_ wayBack: WayBack, _ progress: inout UndoProgress) throws(ApplyError) -> Bool {
        let lock = try lockOrForce(wayBack, &progress)
        defer { withExtendedLifetime(lock) {} }
        switch standing(of: wayBack.ruleset) {
        case .settled:
            if progress == .forced { try followRecord(wayBack) }
            return false
        case .lost: _ = try go(wayBack, &progress)
        case .pending(var state):
            _ = try undo(&state, by: wayBack, why: "nobody confirmed it in time", &progress)
        }
        return true
    }

    /// Takes the lock. Where another command keeps it, as one that was stopped does, the old rules come back without it, once,
    /// and the record is made when it goes on or ends.
    private func lockOrForce(_ wayBack: WayBack, _ progress: inout UndoProgress) throws(ApplyError) -> FileLock? {
        do throws(ApplyError) {
            return try lockWhereThereIsOne()
        } catch {
            guard progress == .begun else { throw error }
            if case .settled = standing(of: wayBack.ruleset) { throw error }
            _ = try go(wayBack, &progress)
            progress = .forced
            throw error
        }
    }

    /// Loads what was undone by force and confirmed all the same, by a command that had looked before and went on behind it.
    private func followRecord(_ wayBack: WayBack) throws(ApplyError) {
        guard let state = try? folder.read(), state.held?.generation == wayBack.ruleset.generation,
            let text = wayBack.leftText, !holds(text)
        else { return }
        try load(text)
        _ = endConnections(from: wayBack.target, to: wayBack.left)
    }

    /// Undoes what should have been undone by now and has no watchdog any more, as when that was killed.
    ///
    /// - Returns: its generation; nil when there is no such thing.
    package func expireUnwatched() throws(ApplyError) -> Int? {
        guard folder.exists, let pending = try state().pending, pending.until <= Self.now else { return nil }
        let generation = pending.ruleset.generation
        guard !Watchdog.isArmed(folder, generation: generation), let wayBack = try wayBack(from: generation) else {
            return nil
        }
        var progress = UndoProgress.begun
        return try expire(wayBack, &progress) ? generation : nil
    }

    func load(_ text: String) throws(ApplyError) {
        // At a boot there are none yet; later somebody may have removed the table.
        if let tables = try? live.tables(), !tables.contains(.own) { _ = tellOpenConnections() }
        try onKernel { () throws(KernelFailure) in try live.load(text) }
    }
}
