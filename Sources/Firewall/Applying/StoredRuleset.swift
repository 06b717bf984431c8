import Linux

/// One generation of a host's ruleset, as the state keeps it. The text itself is in a file of its own.
package struct StoredRuleset: Sendable, Equatable {
    /// Counts up with every apply on this machine, from 1.
    package var generation: Int
    package var host: String
    /// SHA-256 of the ruleset's text, in hexadecimal.
    package var hash: String
    /// SHA-256 of the site file that it was compiled from.
    package var siteHash: String
    /// When that file was last changed, in seconds since 1970; not behind `applied`.
    package var siteModified: Int64
    /// When it was loaded, in seconds since 1970.
    package var applied: Int64
    /// When somebody confirmed it; nil while nobody has.
    package var confirmed: Int64?

    /// What a state that is not damaged says: more generations than any machine sees, and times that can be reckoned with.
    static let generations = 1...(1 << 53)
    static let times: ClosedRange<Int64> = -(1 << 40)...(1 << 40)

    package init(
        generation: Int,
        host: String,
        hash: String,
        siteHash: String,
        siteModified: Int64,
        applied: Int64
    ) {
        self.generation = generation
        self.host = host
        self.hash = hash
        self.siteHash = siteHash
        self.siteModified = siteModified
        self.applied = applied
    }
}

/// A ruleset that is in force until a moment, unless somebody confirms it before.
package struct PendingConfirmation: Sendable, Equatable {
    package var ruleset: StoredRuleset
    /// When the old one comes back, in seconds since 1970; for people. The watchdog counts by a clock that does not jump.
    package var until: Int64
    /// The same by that clock (CLOCK_MONOTONIC), in nanoseconds; nil where it was not recorded.
    package var deadline: UInt64?
    /// SHA-256 of the text that undoes it, in hexadecimal; nil where that was not recorded.
    package var undoHash: String?
    /// Whether the kernel held the same rules before, so that nothing was loaded.
    package var isSameAsBefore: Bool
    /// Whether connections that it closed may still be open: recorded before the load, and taken back when they are ended.
    package var owesEnding: Bool
    /// The SSH session in which it was applied, as SSH_CONNECTION says; nil when it was none.
    package var session: String?

    package init(
        ruleset: StoredRuleset,
        until: Int64,
        deadline: UInt64? = nil,
        undoHash: String? = nil,
        isSameAsBefore: Bool = false,
        owesEnding: Bool = false,
        session: String? = nil
    ) {
        self.ruleset = ruleset
        self.until = until
        self.deadline = deadline
        self.undoHash = undoHash
        self.isSameAsBefore = isSameAsBefore
        self.owesEnding = owesEnding
        self.session = session
    }

    /// Whether its watchdog may have undone it although a command holds the lock: it waits for that as others do.
    var isOverdue: Bool {
        deadline.map { Clock.monotonicNanoseconds > $0 + UInt64(StateFolder.patience) * 1_000_000 } ?? false
    }
}

/// What the machine knows of its firewall, whole in one file.
package struct FirewallState: Sendable, Equatable {
    /// The last ruleset that somebody confirmed: what a boot loads, and what a rollback of a pending one restores.
    package var confirmed: StoredRuleset?
    /// The one confirmed before that, for `policy rollback`.
    package var previous: StoredRuleset?
    package var pending: PendingConfirmation?
    /// The number of the newest generation, also of one that was undone.
    package var lastGeneration = 0
    /// What a boot loaded in place of what was confirmed; nil when it could load that.
    package var standIn: StandIn?
    /// Digests of site files that were in force and are not any more, oldest first.
    package var retired: [String] = []
    /// Why the last pending ruleset was undone, and when; nil after the next confirmation, and after an `apply` of what was
    /// confirmed.
    package var undone: Undone?

    /// A ruleset that is in force in place of the one that was confirmed.
    package struct StandIn: Sendable, Equatable {
        package var ruleset: StoredRuleset
        package var why: String

        package init(_ ruleset: StoredRuleset, why: String) {
            self.ruleset = ruleset
            self.why = why
        }
    }

    package struct Undone: Sendable, Equatable {
        package var generation: Int
        package var at: Int64
        package var why: String

        package init(generation: Int, at: Int64, why: String) {
            self.generation = generation
            self.at = at
            self.why = why
        }
    }

    /// Enough that a file of last year is known again.
    private static let mostRetired = 500

    package init() {}

    /// What was applied last.
    package var current: StoredRuleset? { pending?.ruleset ?? confirmed }

    /// What the kernel should hold now.
    package var held: StoredRuleset? { pending?.ruleset ?? settled }

    /// See `PendingConfirmation`.
    var isOverdue: Bool { pending?.isOverdue ?? false }

    /// What is in force when nothing waits: what was confirmed, or what a boot loaded in its place.
    package var settled: StoredRuleset? { standIn?.ruleset ?? confirmed }

    /// Takes the pending ruleset for good.
    ///
    /// - Parameter now: seconds since 1970.
    package mutating func confirm(now: Int64) {
        guard var ruleset = pending?.ruleset else { return }
        ruleset.confirmed = now
        if let confirmed {
            retired.removeAll { $0 == confirmed.siteHash || $0 == ruleset.siteHash }
            if confirmed.siteHash != ruleset.siteHash { retired.append(confirmed.siteHash) }
            if retired.count > Self.mostRetired { retired.removeFirst(retired.count - Self.mostRetired) }
        }
        // A boot that cannot load this one loads what was in force, not what no boot could load.
        (previous, confirmed, pending, undone, standIn) = (settled, ruleset, nil, nil, nil)
    }

    /// Notes that the pending ruleset was undone.
    package mutating func undo(now: Int64, why: String) {
        guard let generation = pending?.ruleset.generation else { return }
        pending = nil
        undone = Undone(generation: generation, at: now, why: why)
    }
}

extension FirewallState {
    /// Why this site file is older than the one in force; nil when it is not.
    ///
    /// Two signs, since neither is enough. A file whose digest was in force here and was replaced is old, whatever its
    /// time stamp says: a copy gets the time of the copying. A file never seen here is old when it was changed last
    /// before the one in force was: `scp -p`, `rsync -t` and Ansible's `synchronize` keep that time.
    package func objection(toSiteHash hash: String, modified: Int64) -> String? {
        guard let current, current.siteHash != hash else { return nil }
        if retired.contains(hash) {
            return "this site file was in force before and has been replaced by generation \(current.generation)"
        }
        guard modified < current.siteModified else { return nil }
        return "this site file was last changed \(current.siteModified - modified) s before the one in force "
            + "(generation \(current.generation)) was"
    }
}
