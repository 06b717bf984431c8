import Site

extension IntentDiff {
    /// A change of the policy that no packet shows: how much of something is let through, or with which addresses.
    package struct Adjustment: Sendable {
        package let host: String
        /// What is other than it was.
        package let sentence: String
        /// Whether more may get through, or get elsewhere.
        package let opens: Bool
    }
}

extension IntentDiff.Adjustment {
    static func all(from old: HostIntent, to new: HostIntent) -> [IntentDiff.Adjustment] {
        limits(from: old, to: new) + translations(from: old, to: new)
    }

    /// Rules of the same id that are limited on both sides; where one side has no limit, packets show it.
    private static func limits(from old: HostIntent, to new: HostIntent) -> [IntentDiff.Adjustment] {
        let (before, after) = (limits(old), limits(new))
        return after.keys.sorted().compactMap { id in
            guard let one = before[id], let two = after[id], one != two else { return nil }
            let sentence = "`\(id)`: \(one.text) -> \(two.text)"
            return IntentDiff.Adjustment(host: new.host, sentence: sentence, opens: two.isWider(than: one))
        }
    }

    private static func limits(_ intent: HostIntent) -> [String: RuleLimit] {
        let limited = PacketPath.allCases.flatMap(intent.rules).compactMap { rule in rule.limit.map { (rule.id, $0) } }
        return Dictionary(limited) { first, _ in first }
    }

    private static func translations(from old: HostIntent, to new: HostIntent) -> [IntentDiff.Adjustment] {
        let (before, after) = (old.translations.map(\.withoutPosition), new.translations.map(\.withoutPosition))
        guard before != after else { return [] }
        func adjustment(_ sentence: String) -> IntentDiff.Adjustment {
            IntentDiff.Adjustment(host: new.host, sentence: sentence, opens: true)
        }
        let removed = before.filter { !after.contains($0) }.map { adjustment("`\($0.id)` changes no addresses now") }
        let added = after.filter { !before.contains($0) }.map { adjustment("`\($0.id)` changes other addresses now") }
        let others = removed + added
        return others.isEmpty ? [adjustment("addresses are changed in another order")] : others
    }
}

extension Translation {
    fileprivate var withoutPosition: Translation {
        var translation = self
        translation.position = .none
        return translation
    }
}

extension RuleLimit {
    /// `3 in 60 s, 2 at once, 5 connections`.
    fileprivate var text: String {
        let rate = rate.map { ["\($0.count) in \($0.perSeconds) s", "\($0.burst) at once"] } ?? []
        return (rate + (connections.map { ["\($0) connections"] } ?? [])).joined(separator: ", ")
    }

    fileprivate func isWider(than other: RuleLimit) -> Bool {
        if let old = other.rate {
            guard let rate else { return true }
            let isFaster = Double(rate.count) / Double(rate.perSeconds) > Double(old.count) / Double(old.perSeconds)
            if isFaster || rate.burst > old.burst { return true }
        }
        guard let old = other.connections else { return false }
        return connections.map { $0 > old } ?? true
    }
}
