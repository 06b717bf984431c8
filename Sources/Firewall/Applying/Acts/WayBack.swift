import OpenSSL
import Site

/// What brings back what was in force before a generation, and ends the connections that only that one let in. In memory:
/// whoever has it needs no file any more.
package struct WayBack: Sendable {
    /// What is undone.
    package let ruleset: StoredRuleset
    /// Replaces our table by what was before.
    let text: String
    /// What was loaded; nil where that is gone or was changed on the disk.
    let leftText: String?
    /// Whether the kernel held the same rules before and after it was applied.
    let isSame: Bool
    /// What is left, and what is gone back to; nil for no rules.
    let left: StoredPolicy
    let target: StoredPolicy?
}

/// How far an undo has come.
package enum UndoProgress: Sendable {
    case begun
    /// The old rules were brought back without the lock: whoever has it may have changed them since.
    case forced
    /// The kernel holds the old rules, and the record alone is to be made. They are not loaded again, since that would lose
    /// their counters and what packets filled.
    case restored
}

/// What a ruleset was meant to do: the site file that it was compiled from, and for whom.
package struct StoredPolicy: Sendable {
    let ruleset: StoredRuleset
    let site: [UInt8]
    let path: String

    /// nil when the site file is not understood any more.
    var intent: HostIntent? {
        SiteFile.parse(bytes: site, name: path).model.flatMap { Intent(of: $0).host(ruleset.host) }
    }
}

/// What has become of a ruleset that waited for its confirmation.
enum Standing {
    case pending(FirewallState)
    /// It was confirmed or undone.
    case settled
    /// Nothing is recorded any more, or it cannot be read.
    case lost

    var isPending: Bool { if case .pending = self { true } else { false } }
}

extension Applier {
    func standing(of ruleset: StoredRuleset) -> Standing {
        // A state in which nothing was ever applied is another one.
        guard folder.exists, let state = try? folder.read(), state.lastGeneration > 0 else { return .lost }
        return state.pending?.ruleset == ruleset ? .pending(state) : .settled
    }

    /// The way back from a generation; nil when it does not wait for a confirmation any more.
    func wayBack(from generation: Int) throws(ApplyError) -> WayBack? {
        let state = try self.state()
        guard let pending = state.pending, pending.ruleset.generation == generation else { return nil }
        return try wayBack(state, pending)
    }

    func wayBack(_ state: FirewallState, _ pending: PendingConfirmation) throws(ApplyError) -> WayBack {
        WayBack(
            ruleset: pending.ruleset,
            text: try textBack(state, pending),
            leftText: confirmedText(of: pending.ruleset),
            isSame: pending.isSameAsBefore,
            left: policy(of: pending.ruleset),
            target: state.settled.map(policy)
        )
    }

    /// The text that was written for it; where that is not there any more, the one that was confirmed.
    func textBack(_ state: FirewallState, _ pending: PendingConfirmation) throws(ApplyError) -> String {
        let generation = pending.ruleset.generation
        if let text = try? document(.undo, generation), pending.undoHash.map({ $0 == Fingerprint.sha256(text) }) ?? true
        {
            return text
        }
        if let confirmed = state.confirmed, let text = confirmedText(of: confirmed) { return text }
        throw ApplyError(
            .machine,
            "\(folder.path): what undoes generation \(generation) is gone or was changed, and no ruleset that was "
                + "confirmed is there: `gatehouse policy confirm` keeps what is in force, and a boot undoes it"
        )
    }

    /// The text that was confirmed; nil when it is gone, cannot be read, or is another, and so is its copy.
    func confirmedText(of ruleset: StoredRuleset) -> String? {
        if let text = try? document(.ruleset, ruleset.generation), Fingerprint.sha256(text) == ruleset.hash {
            return text
        }
        guard let kept = folder.lastConfirmed, kept.ruleset.hash == ruleset.hash else { return nil }
        return kept.text
    }

    /// What a ruleset that is kept was meant to do.
    func policy(of ruleset: StoredRuleset) -> StoredPolicy {
        let site = (try? folder.read(.site, of: ruleset.generation)) ?? []
        let path = folder.path(of: .site, ruleset.generation)
        return StoredPolicy(ruleset: ruleset, site: site, path: path)
    }
}

extension Applier {
    /// What brings back what the kernel holds now: the text that was loaded when it still means the same, since a
    /// listing loses what only text can say. Else somebody changed our table, perhaps to let himself in: then it is nft's
    /// list of it, when the kernel makes the same of that.
    ///
    /// - Returns: with the text why it is another than was applied, and what it brings back; nil when it is that.
    func undoText(
        _ state: FirewallState,
        _ listing: HeldListing
    ) throws(ApplyError) -> (text: String, doubt: String?) {
        let before = listing.text
        guard before.tables[TableName.own.description] != nil else { return (OwnTable.removal, nil) }
        // What a boot could not load either must not keep another from being applied.
        let applied = try? appliedRuleset(state)
        if let applied, Self.differences(applied.held.text, before, applied.script).isEmpty {
            return (applied.text, nil)
        }
        let change = applied.flatMap { Self.differences($0.held.text, before, $0.script).first }
        let why = "table \(TableName.own) was not as it was applied\(change.map { " (\($0))" } ?? "")"
        let bytes = try onKernel { () throws(KernelFailure) in try live.text(.table(.own)) }
        let listed = OwnTable.removal + String(decoding: bytes, as: UTF8.self)
        if let script = try? RulesetScript(listed), let bytes = try? scratch.hold(listed),
            let again = try? Self.parse(bytes), Self.differences(again.text, before, script).isEmpty
        {
            return (listed, "\(why): what undoes this brings it back as it was")
        }
        guard let applied, let ruleset = state.held else {
            return (listed, "\(why): what undoes this brings back what nft lists of it, which may not be all of it")
        }
        return (
            applied.text,
            "\(why), and nft cannot list it whole: what undoes this brings generation \(ruleset.generation) into force"
        )
    }
}
