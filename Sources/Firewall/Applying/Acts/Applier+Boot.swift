import Linux
import OpenSSL

extension Applier {
    /// What a boot loaded.
    package struct Boot: Sendable, Equatable {
        /// nil when none was ever confirmed.
        package var generation: Int?
        /// What was wrong, and did not keep rules from being loaded.
        package var warnings: [String] = []
        /// What only a ruleset let in that waited for its confirmation.
        package var ended = EndedConnections()

        /// What is wrong when the machine's clock is behind what its own state says; nil when nothing is known to be.
        ///
        /// - Parameter now: seconds since 1970.
        package static func clockWarning(_ ruleset: StoredRuleset, now: Int64) -> String? {
            let known = max(ruleset.applied, ruleset.confirmed ?? ruleset.applied)
            guard now < known else { return nil }
            return "the clock of this machine is \(known - now) s behind the moment at which generation "
                + "\(ruleset.generation) was confirmed here: rules with `expires` that have ended let packets through until it is set"
        }
    }

    /// Loads the last ruleset that was confirmed, as a boot does. One that was pending when the machine went down is
    /// gone with it.
    ///
    /// Rules come first: a disk that is full or read-only, or a file that was changed, must not leave the machine open.
    /// - Throws: when nothing that was confirmed could be loaded. Then the machine is closed but for SSH, unless rules of
    ///   ours are in force.
    package func boot() throws(ApplyError) -> Boot {
        guard folder.exists else { return Boot() }
        do throws(ApplyError) {
            let lock = try lockWhereThereIsOne()
            defer { withExtendedLifetime(lock) {} }
            return try loadConfirmed()
        } catch {
            throw closed(because: error)
        }
    }

    private func loadConfirmed() throws(ApplyError) -> Boot {
        var boot = Boot()
        var state: FirewallState
        do throws(StateError) {
            state = try folder.read()
        } catch {
            guard let kept = folder.lastConfirmed else { throw ApplyError(.machine, "\(error)") }
            try load(kept.text)
            return Boot(generation: kept.ruleset.generation, warnings: ["\(error)"])
        }
        // What is in it is looked at file by file: whose it is, and by its digest.
        do throws(FileError) {
            try folder.make()
        } catch {
            boot.warnings.append("\(error)")
        }
        let before = state
        if let confirmed = state.confirmed {
            if let warning = Boot.clockWarning(confirmed, now: Self.now) { boot.warnings.append(warning) }
            boot.generation = try load(confirmed, orIts: state.previous, &state.standIn)
            if let standIn = state.standIn {
                boot.warnings.append("generation \(standIn.ruleset.generation) is loaded in its place: \(standIn.why)")
            }
            do throws(ApplyError) {
                try keepConfirmed(state)
            } catch {
                boot.warnings.append("it cannot be kept for the case that state.json is lost: \(error)")
            }
        }
        if let pending = state.pending {
            // No rules came over it, and its watchdog ends with what is recorded here.
            if state.confirmed == nil { try load((try? textBack(state, pending)) ?? OwnTable.removal) }
            boot.ended = endConnections(from: policy(of: pending.ruleset), to: state.confirmed.map(policy))
            state.undo(now: Self.now, why: "a boot, or `policy load`, came before anybody confirmed it")
        }
        guard state != before else { return boot }
        let changed = state
        do throws(ApplyError) {
            try onDisk { () throws(FileError) in try folder.write(changed) }
        } catch {
            boot.warnings.append("what was loaded, and that nothing waits any more, cannot be recorded: \(error)")
        }
        return boot
    }

    /// Loads what was confirmed, or else what was before that: rules of a month ago are better than none.
    ///
    /// - Parameter standIn: is set to the one before when that had to be loaded.
    /// - Returns: the generation that is in force.
    private func load(
        _ confirmed: StoredRuleset,
        orIts previous: StoredRuleset?,
        _ standIn: inout FirewallState.StandIn?
    ) throws(ApplyError) -> Int {
        standIn = nil
        do throws(ApplyError) {
            try load(confirmed)
            return confirmed.generation
        } catch {
            guard let previous, (try? load(previous)) != nil else { throw error }
            standIn = FirewallState.StandIn(previous, why: "\(error)")
            return previous.generation
        }
    }

    /// - Throws: `wanting` when its text is not there as it was confirmed; else what the kernel has against it.
    private func load(_ ruleset: StoredRuleset) throws(ApplyError) {
        let generation = ruleset.generation
        guard let text = confirmedText(of: ruleset) else {
            throw ApplyError(
                .wanting,
                "the text of generation \(generation) is not what was confirmed: apply the policy again"
            )
        }
        do throws(ApplyError) {
            try load(text)
        } catch {
            throw ApplyError(error.kind, "the kernel does not take generation \(generation): \(error)")
        }
    }

    /// Closes a machine for which no ruleset is known that somebody confirmed. What is in force stays: it is better than
    /// next to nothing.
    ///
    /// - Returns: the error with what is in force now.
    private func closed(because cause: ApplyError) -> ApplyError {
        if let listing = try? ownListing(), listing.tables[TableName.own.description] != nil {
            return ApplyError(cause.kind, "\(cause)\nwhat the kernel holds of table \(TableName.own) stays in force")
        }
        let ports = settings.sshPorts
        do throws(ApplyError) {
            try load(ClosedRuleset.text(sshPorts: ports))
        } catch {
            return ApplyError(
                cause.kind,
                "\(cause)\nTHIS MACHINE HAS NO FIREWALL: it cannot be closed either: \(error)"
            )
        }
        let list = ports.map(String.init).joined(separator: ", ")
        return ApplyError(cause.kind, "\(cause)\nthis machine is closed, but for SSH (port \(list)), until then")
    }

    /// Clears what waits for a confirmation and is not in force: no watchdog runs, and the kernel holds what was confirmed
    /// before. Its `apply` was ended before it loaded, or it was undone and that could not be recorded.
    ///
    /// - Throws: `wanting` when a ruleset waits that is in force, or may come to be.
    func settle(_ state: inout FirewallState, _ before: HeldText) throws(ApplyError) {
        guard let generation = state.pending?.ruleset.generation else { return }
        var settled = state
        settled.undo(now: Self.now, why: "the command that applied it was ended before it was in force")
        guard !Watchdog.isArmed(folder, generation: generation), holdsConfirmed(settled, before) else {
            throw ApplyError(
                .wanting,
                "generation \(generation) waits for its confirmation: `gatehouse policy confirm` or "
                    + "`gatehouse policy rollback` first"
            )
        }
        let changed = settled
        try onDisk { () throws(FileError) in try folder.write(changed) }
        state = settled
    }

    /// Whether the kernel holds what was confirmed last, or no table where nothing was.
    private func holdsConfirmed(_ state: FirewallState, _ before: HeldText) -> Bool {
        guard state.confirmed != nil else { return before.tables[TableName.own.description] == nil }
        guard let (_, script, expected) = try? appliedRuleset(state) else { return false }
        return Self.differences(expected.text, before, script).isEmpty
    }
}
