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
    static func translations(from old: HostIntent, to new: HostIntent) -> [IntentDiff.Adjustment] {
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
