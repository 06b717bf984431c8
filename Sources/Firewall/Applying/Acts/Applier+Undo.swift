import Linux
import OpenSSL

extension Applier {
    static var now: Int64 { Int64(Clock.realtimeMicroseconds / 1_000_000) }

    /// Takes the pending ruleset for good.
    ///
    /// - Returns: its generation.
    package func confirm() throws(ApplyError) -> Int {
        let lock = try onDisk { () throws(FileError) in try folder.lock() }
        defer { withExtendedLifetime(lock) {} }
        var state = try self.state()
        guard let generation = state.pending?.ruleset.generation else {
            throw ApplyError(.wanting, Self.nothingPending(state))
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

    /// Undoes the pending ruleset; without one, goes back to the ruleset that was confirmed before the last.
    ///
    /// - Parameter why: what `status` says of it later.
    /// - Returns: the generation in force now; nil when there is none any more.
    package func rollback(why: String = "by `policy rollback`") throws(ApplyError) -> Int? {
        let lock = try onDisk { () throws(FileError) in try folder.lock() }
        defer { withExtendedLifetime(lock) {} }
        var state = try self.state()
        if let pending = state.pending {
            try restore(pending.ruleset.generation)
            state.undo(now: Self.now, why: why)
        } else {
            guard let previous = state.previous, let text = try document(.ruleset, previous.generation) else {
                throw ApplyError(.wanting, "there is no ruleset to go back to")
            }
            try load(text)
            // Going back again is going forward: the two change places.
            state.previous = state.confirmed
            state.confirmed = previous
        }
        let changed = state
        try onDisk { () throws(FileError) in try folder.write(changed) }
        return state.confirmed?.generation
    }

    /// The watchdog's deed: undoes the generation if it is still pending.
    ///
    /// - Returns: false when it was confirmed or undone meanwhile.
    package func expire(_ generation: Int) throws(ApplyError) -> Bool {
        let lock = try onDisk { () throws(FileError) in try folder.lock() }
        defer { withExtendedLifetime(lock) {} }
        var state = try self.state()
        guard state.pending?.ruleset.generation == generation else { return false }
        try restore(generation)
        state.undo(now: Self.now, why: "nobody confirmed it in time")
        let changed = state
        try onDisk { () throws(FileError) in try folder.write(changed) }
        return true
    }

    /// Loads the last ruleset that was confirmed, as a boot does. One that was pending when the machine went down is
    /// gone with it.
    ///
    /// - Returns: its generation; nil when none was ever confirmed.
    package func boot() throws(ApplyError) -> Int? {
        let lock = try onDisk { () throws(FileError) in try folder.lock() }
        defer { withExtendedLifetime(lock) {} }
        var state = try self.state()
        if state.pending != nil {
            state.undo(now: Self.now, why: "the machine was started anew before anybody confirmed it")
            let changed = state
            try onDisk { () throws(FileError) in try folder.write(changed) }
        }
        guard let confirmed = state.confirmed else { return nil }
        guard let text = try document(.ruleset, confirmed.generation), Fingerprint.sha256(text) == confirmed.hash else {
            throw ApplyError(
                .wanting,
                "the text of generation \(confirmed.generation) is not what was confirmed: apply the policy again"
            )
        }
        try load(text)
        return confirmed.generation
    }

    func restore(_ generation: Int) throws(ApplyError) {
        guard let text = try document(.undo, generation) else {
            throw ApplyError(.machine, "\(folder.path): what undoes generation \(generation) is gone")
        }
        try load(text)
    }

    private func load(_ text: String) throws(ApplyError) {
        try onKernel { () throws(KernelFailure) in try live.load(text) }
    }

    package func state() throws(ApplyError) -> FirewallState {
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
