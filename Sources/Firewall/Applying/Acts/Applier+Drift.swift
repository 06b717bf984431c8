import Linux
import Site

extension Applier {
    /// What the kernel holds beside what was applied; tables of others against what they were then.
    ///
    /// - Throws: `wanting` when nothing was ever applied.
    package func drift() throws(ApplyError) -> Drift {
        let state = try self.state()
        guard let current = state.held else {
            throw ApplyError(.wanting, "no ruleset was applied on this machine: `gatehouse policy apply`")
        }
        guard let (_, script, expected) = try appliedRuleset(state) else { throw textIsGone(state, current) }
        let live = try liveListing()
        if live.isOwnTableAsleep { return .asleep }
        let foreign = try document(.foreign, current.generation).flatMap { HeldListing(Array($0.utf8)) }
        var drift = Drift(
            expected: expected.own.replacing(foreign ?? HeldListing()),
            live: live,
            dynamic: script.dynamicSets,
            host: policy(of: current).intent
        )
        if let standIn = state.standIn, state.pending == nil {
            let generation = standIn.ruleset.generation
            drift.add("generation \(generation) is in force in place of what was confirmed: \(standIn.why)")
        }
        if let generation = unwatched(state) {
            drift.add(
                "generation \(generation) waits for its confirmation, and its watchdog does not run: `gatehouse policy "
                    + "confirm` or `gatehouse policy rollback`"
            )
        }
        return drift
    }

    /// Tells of the record and of the kernel what holds of both at one moment: while another command changes them, and for no
    /// more than ten seconds, it waits and looks again.
    package func undisturbed<Answer>(_ look: () throws(ApplyError) -> Answer) throws(ApplyError) -> Answer {
        let end = Clock.monotonicNanoseconds + 10_000_000_000
        while true {
            let isLast = Clock.monotonicNanoseconds > end
            let before = try? folder.read()
            if isLast || !folder.isBusy {
                let answer = Result { () throws(ApplyError) in try look() }
                if isLast || !folder.isBusy && (try? folder.read()) == before { return try answer.get() }
            }
            Thread.pause(milliseconds: 100)
        }
    }

    /// The generation that waits and that nobody watches; nil when there is none, or a command may be about to change that.
    private func unwatched(_ state: FirewallState) -> Int? {
        guard let pending = state.pending?.ruleset, !folder.isBusy, standing(of: pending).isPending,
            !Watchdog.isArmed(folder, generation: pending.generation)
        else { return nil }
        return pending.generation
    }

    /// What of our own table is not as it was applied; nil when nothing was applied.
    package func ownDrift() throws(ApplyError) -> Drift? { try ownDrift(try state()) }

    func ownDrift(_ state: FirewallState) throws(ApplyError) -> Drift? {
        guard let current = state.held else { return nil }
        guard let (_, script, expected) = try appliedRuleset(state) else { throw textIsGone(state, current) }
        let live = try ownListing()
        if live.isOwnTableAsleep { return .asleep }
        return Drift(
            expected: expected.own,
            live: live,
            dynamic: script.dynamicSets,
            host: policy(of: current).intent
        )
    }

    private func textIsGone(_ state: FirewallState, _ ruleset: StoredRuleset) -> ApplyError {
        let first = state.pending == nil ? "" : "`gatehouse policy rollback`, and "
        return ApplyError(
            .machine,
            "\(folder.path): the text of generation \(ruleset.generation) is gone or was changed: \(first)apply the policy "
                + "again"
        )
    }

    /// What each rule has counted, by its id: the first word of its comment.
    package func counters() throws(ApplyError) -> [RuleCounter] {
        do throws(KernelFailure) {
            let bytes = try live.json(.table(.own))
            return RuleCounter.all(in: JSONValue(parsing: String(decoding: bytes, as: UTF8.self)) ?? .null)
        } catch {
            throw ApplyError(error)
        }
    }
}

/// What a rule of the policy has counted in the kernel, all its places together.
package struct RuleCounter: Sendable, Equatable {
    package let rule: String
    package private(set) var packets: Int
    package private(set) var bytes: Int
    /// The packets that its limit dropped, by what they were: above its rate, or of too many connections.
    package private(set) var overLimit: [String: Int] = [:]

    /// Counters of rules and of elements that carry a comment, and named counters; by id.
    ///
    /// - Parameter listing: what `list table` prints as JSON.
    static func all(in listing: JSONValue) -> [RuleCounter] {
        var sums: [String: RuleCounter] = [:]
        func add(_ name: String?, _ counter: JSONValue?) {
            guard let id = name.flatMap(HeldRule.id(ofComment:)), let counter,
                let packets = counter["packets"]?.integer, let bytes = counter["bytes"]?.integer
            else { return }
            var sum = sums[id] ?? RuleCounter(rule: id, packets: 0, bytes: 0)
            if let excess = LimitMeasure.notes.first(where: { name?.hasSuffix($0) == true }) {
                sum.overLimit[excess, default: 0] &+= packets
            } else {
                sum.packets &+= packets
                sum.bytes &+= bytes
            }
            sums[id] = sum
        }
        for entry in listing["nftables"]?.items ?? [] {
            if let rule = entry["rule"] {
                for part in rule["expr"]?.items ?? [] { add(rule["comment"]?.text, part["counter"]) }
            }
            if let counter = entry["counter"] { add(counter["name"]?.text, counter) }
            for element in (entry["set"] ?? entry["map"])?["elem"]?.items ?? [] {
                // An element of a map is a pair of key and value.
                let key = (element.items.first ?? element)["elem"]
                add(key?["comment"]?.text, key?["counter"])
            }
        }
        return sums.values.sorted { $0.rule < $1.rule }
    }
}
