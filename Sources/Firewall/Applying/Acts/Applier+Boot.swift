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
    /// Rules come first: a disk that is full or read-only, or a text that was changed, must not leave the machine open.
    /// Where the last text is not what was confirmed, the one before is loaded.
    package func boot() throws(ApplyError) -> Boot {
        guard folder.exists else { return Boot() }
        let lock = try lock()
        defer { withExtendedLifetime(lock) {} }
        var state = try self.state()
        var boot = Boot()
        if let confirmed = state.confirmed {
            let changed =
                "the text of generation \(confirmed.generation) is not what was confirmed: apply the policy again"
            if let text = confirmedText(of: confirmed) {
                try load(text)
                boot.generation = confirmed.generation
            } else if let previous = state.previous, let text = confirmedText(of: previous) {
                try load(text)
                boot.generation = previous.generation
                boot.warnings.append(changed)
            } else {
                throw ApplyError(.wanting, changed)
            }
        } else if folder.hasRulesets, state == FirewallState() {
            throw ApplyError(
                .machine,
                "\(folder.path)/state.json is gone, so that nobody knows which of the rulesets there was confirmed: apply "
                    + "the policy again"
            )
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

    /// The text that was confirmed; nil when it is gone, cannot be read, or is another.
    private func confirmedText(of ruleset: StoredRuleset) -> String? {
        guard let text = try? document(.ruleset, ruleset.generation), Fingerprint.sha256(text) == ruleset.hash else {
            return nil
        }
        return text
    }
}
