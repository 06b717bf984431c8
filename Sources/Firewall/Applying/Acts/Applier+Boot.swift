import Linux
import OpenSSL

extension Applier {
    /// What a boot loaded.
    package struct Boot: Sendable, Equatable {
        /// nil when none was ever confirmed.
        package var generation: Int?
        /// What was wrong, and did not keep rules from being loaded.
        package var warnings: [String] = []
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
            let lock = try lock()
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
        if let confirmed = state.confirmed {
            let changed =
                "the text of generation \(confirmed.generation) is not what was confirmed: apply the policy again"
            if let text = confirmedText(of: confirmed) {
                try load(text)
                boot.generation = confirmed.generation
                do throws(ApplyError) {
                    try keepConfirmed(state)
                } catch {
                    boot.warnings.append("it cannot be kept for the case that state.json is lost: \(error)")
                }
            } else if let previous = state.previous, let text = confirmedText(of: previous) {
                try load(text)
                boot.generation = previous.generation
                boot.warnings.append(changed)
            } else {
                throw ApplyError(.wanting, changed)
            }
        }
        guard state.pending != nil else { return boot }
        state.undo(now: Self.now, why: "the machine was started anew before anybody confirmed it")
        let changed = state
        do throws(ApplyError) {
            try onDisk { () throws(FileError) in try folder.write(changed) }
        } catch {
            boot.warnings.append("that what was pending is undone cannot be recorded: \(error)")
        }
        return boot
    }

    /// Closes a machine for which no ruleset is known that somebody confirmed. What is in force stays: it is better than
    /// next to nothing.
    ///
    /// - Returns: the error with what is in force now.
    private func closed(because cause: ApplyError) -> ApplyError {
        if let listing = try? liveListing(), listing.tables[TableName.own.description] != nil {
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
        guard let (_, script, expected) = try? confirmedRuleset(state) else { return false }
        return Self.differences(expected.text, before, script).isEmpty
    }
}
