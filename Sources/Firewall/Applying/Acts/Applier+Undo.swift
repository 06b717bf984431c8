import Linux
import OpenSSL

extension Applier {
    /// Seconds since 1970.
    package static var now: Int64 { Int64(Clock.realtimeMicroseconds / 1_000_000) }

    /// Takes the pending ruleset for good.
    ///
    /// - Returns: its generation.
    package func confirm() throws(ApplyError) -> Int {
        let lock = try lock()
        defer { withExtendedLifetime(lock) {} }
        var state = try self.state()
        guard let generation = state.pending?.ruleset.generation else {
            throw ApplyError(.wanting, Self.nothingPending(state))
        }
        // A boot would load what nobody has tried.
        if let drift = try ownDrift(state), !drift.isEmpty {
            throw ApplyError(
                .wanting,
                "generation \(generation) is not kept, since the kernel holds something else: "
                    + "\(drift.findings.joined(separator: "; ")). `gatehouse policy rollback` brings back what was before"
            )
        }
        try confirm(&state)
        return generation
    }

    func confirm(_ state: inout FirewallState) throws(ApplyError) {
        state.confirm(now: Self.now)
        let confirmed = state
        try onDisk { () throws(FileError) in try folder.write(confirmed) }
        folder.tidy(state)
    }

    private static func nothingPending(_ state: FirewallState) -> String {
        guard let undone = state.undone else { return "no ruleset waits for a confirmation" }
        return "no ruleset waits for a confirmation: generation \(undone.generation) was undone (\(undone.why))"
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
        guard state.pending != nil else { throw ApplyError(.wanting, Self.nothingPending(state)) }
        var isRestored = false
        let ended = try undo(&state, why: why, isRestored: &isRestored)
        return (state.confirmed?.generation, ended)
    }

    /// The ruleset that was confirmed before the one in force, proved like any other, to be applied again under a new
    /// number: going back once more is going forward.
    ///
    /// - Throws: `wanting` when there is none, or not any more what was confirmed.
    package func previous(confirmWithin: Int, takesUnknown: Bool) throws(ApplyError) -> Order {
        guard let previous = try state().previous else {
            throw ApplyError(.wanting, "there is no ruleset to go back to")
        }
        let generation = previous.generation
        guard let text = try document(.ruleset, generation), Fingerprint.sha256(text) == previous.hash,
            let site = try document(.site, generation)
        else {
            throw ApplyError(.wanting, "\(folder.path): generation \(generation) is not any more what was confirmed")
        }
        guard let intent = intent(of: previous) else {
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

    /// - Parameter isRestored: whether the kernel holds the old rules again, so that the record alone is to be made.
    private func undo(
        _ state: inout FirewallState,
        why: String,
        isRestored: inout Bool
    ) throws(ApplyError) -> EndedConnections {
        guard let pending = state.pending?.ruleset else { return EndedConnections() }
        var ended = EndedConnections()
        if !isRestored {
            try restore(pending.generation)
            isRestored = true
            // Before the record: whoever waits for that finds the connections ended.
            ended = endConnections(from: pending, to: state.confirmed)
        }
        state.undo(now: Self.now, why: why)
        let changed = state
        try onDisk { () throws(FileError) in try folder.write(changed) }
        return ended
    }

    /// The watchdog's deed: undoes the generation if it is still pending.
    ///
    /// - Parameter isRestored: whether an earlier try brought the old rules back, and could not record it. They are not
    ///   loaded again, since that would lose their counters and what packets filled.
    /// - Returns: false when it was confirmed or undone meanwhile.
    package func expire(_ generation: Int, isRestored: inout Bool) throws(ApplyError) -> Bool {
        let lock = try lock()
        defer { withExtendedLifetime(lock) {} }
        var state = try self.state()
        guard state.pending?.ruleset.generation == generation else { return false }
        _ = try undo(&state, why: "nobody confirmed it in time", isRestored: &isRestored)
        return true
    }

    func restore(_ generation: Int) throws(ApplyError) {
        guard let text = try document(.undo, generation) else {
            throw ApplyError(.machine, "\(folder.path): what undoes generation \(generation) is gone")
        }
        try load(text)
    }

    func load(_ text: String) throws(ApplyError) {
        try onKernel { () throws(KernelFailure) in try live.load(text) }
    }

    /// Holds others off, as `StateFolder.lock` does.
    func lock() throws(ApplyError) -> FileLock {
        try requireFolder()
        return try onDisk { () throws(FileError) in
            try folder.make()
            return try folder.lock()
        }
    }

    private func requireFolder() throws(ApplyError) {
        guard folder.exists else {
            throw ApplyError(.wanting, "there is no folder \(folder.path): no ruleset was applied with it here")
        }
    }

    /// - Throws: `wanting` where there is no folder for it.
    package func state() throws(ApplyError) -> FirewallState {
        try requireFolder()
        do throws(StateError) {
            return try folder.read()
        } catch {
            throw ApplyError(.machine, error.description)
        }
    }

    func document(_ document: StateFolder.Document, _ generation: Int) throws(ApplyError) -> String? {
        do throws(StateError) {
            return try folder.read(document, of: generation).map { String(decoding: $0, as: UTF8.self) }
        } catch {
            throw ApplyError(.machine, error.description)
        }
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
