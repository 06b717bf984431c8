import Linux

/// What is recorded, and who may change it: one command at a time.
extension Applier {
    /// Holds others off, as `StateFolder.lock` does.
    func lock() throws(ApplyError) -> FileLock {
        try requireFolder()
        try onDisk { () throws(FileError) in try folder.make() }
        do throws(FileError) {
            return try folder.lock()
        } catch {
            throw busy(error)
        }
    }

    /// That the lock cannot be had, and who holds it.
    private func busy(_ error: FileError) -> ApplyError {
        guard error.isHeldByAnother else { return ApplyError(.machine, "\(error)") }
        let holder = folder.lastHolder
        let number = holder.map { "\($0)" } ?? "PID"
        return ApplyError(
            .machine,
            "another command of gatehouse\(holder.map { " (process \($0))" } ?? "") is at work on the firewall in "
                + "\(folder.path), and does not end: wait for it, let it go on if it was stopped (`kill -CONT \(number)`), "
                + "or end it (`kill -KILL \(number)`): what it has loaded and nobody confirms is undone all the same"
        )
    }

    /// The same, but what keeps the lock from being there does not keep from what must be done; who holds it does.
    func lockWhereThereIsOne() throws(ApplyError) -> FileLock? {
        do throws(FileError) {
            return try folder.lock()
        } catch {
            guard error.isHeldByAnother else { return nil }
            throw busy(error)
        }
    }

    private func requireFolder() throws(ApplyError) {
        guard !folder.exists else { return }
        let none = "there is no folder \(folder.path): no ruleset was applied with it here"
        let isInForce: Bool
        do throws(KernelFailure) {
            isInForce = try RulesetInventory().tables[TableName.own.description] != nil
        } catch {
            throw ApplyError(.wanting, "\(none); \(error)")
        }
        guard isInForce else {
            throw ApplyError(.wanting, "\(none); apply one, or say with --state with which folder it was")
        }
        throw ApplyError(
            .wanting,
            "\(none), but the kernel holds table \(TableName.own). Where the folder was removed, a watchdog that runs "
                + "undoes what waited for a confirmation when its time is over, and a boot loads nothing: apply the policy again"
        )
    }

    /// - Throws: `wanting` where there is no folder for it.
    package func state() throws(ApplyError) -> FirewallState {
        try requireFolder()
        do throws(StateError) {
            return try folder.read()
        } catch {
            throw ApplyError(.machine, "\(error)\(watchedText)")
        }
    }

    /// What is still done about rulesets of which nothing is recorded any more.
    private var watchedText: String {
        let watched = folder.watchedGenerations.sorted()
        guard !watched.isEmpty else { return "" }
        let list = watched.map(String.init).joined(separator: ", ")
        return ". Generation \(list) waited for a confirmation, and its watchdog undoes it when its time is over"
    }

    /// The state to go on from, where it is gone with what is known all the same.
    ///
    /// - Throws: also while a watchdog may undo what is not recorded any more.
    func stateToContinue() throws(ApplyError) -> FirewallState {
        guard folder.isStateGone else { return try state() }
        guard folder.watchedGenerations.isEmpty else {
            throw ApplyError(.wanting, "\(folder.path)/state.json is gone\(watchedText): apply when it has")
        }
        var state = FirewallState()
        state.confirmed = folder.lastConfirmed?.ruleset
        state.lastGeneration = max(folder.newestGeneration, state.confirmed?.generation ?? 0)
        let found = state
        try onDisk { () throws(FileError) in try folder.write(found) }
        return state
    }

    func document(_ document: StateFolder.Document, _ generation: Int) throws(ApplyError) -> String? {
        try onDisk { () throws(FileError) in try folder.read(document, of: generation) }
            .map { String(decoding: $0, as: UTF8.self) }
    }

    func onKernel<Result>(_ body: () throws(KernelFailure) -> Result) throws(ApplyError) -> Result {
        do throws(KernelFailure) {
            return try body()
        } catch {
            throw ApplyError(error)
        }
    }

    func onDisk<Result: ~Copyable>(_ body: () throws(FileError) -> Result) throws(ApplyError) -> Result {
        do throws(FileError) {
            return try body()
        } catch {
            throw ApplyError(.machine, "\(error)")
        }
    }
}
