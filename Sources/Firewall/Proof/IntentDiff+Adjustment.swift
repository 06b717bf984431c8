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
        let (before, after) = (old.changes.map(\.withoutPosition), new.changes.map(\.withoutPosition))
        func adjustment(_ sentence: String, opens: Bool = true) -> IntentDiff.Adjustment {
            IntentDiff.Adjustment(host: new.host, sentence: sentence, opens: opens)
        }
        var found = before.filter { !after.contains($0) }.map { adjustment("`\($0.id)` changes no addresses now") }
        found += after.filter { !before.contains($0) }.map { adjustment("`\($0.id)` changes other addresses now") }
        if found.isEmpty, before != after { found.append(adjustment("addresses are changed in another order")) }
        // In which order packets are kept where they were sent makes no difference.
        let (kept, keeping) = (old.kept, new.kept)
        let isForwarding = new.translations.contains(where: \.isForward)
        found += kept.filter { one in isForwarding && !keeping.contains(where: one.isPart(of:)) }.map { one in
            adjustment("not all that \(one.lines) kept from port forwards is kept now")
        }
        found += keeping.filter { one in !kept.contains(where: one.isPart(of:)) }.map { one in
            adjustment("\(one.lines) keeps connections from port forwards now", opens: false)
        }
        return found
    }
}

extension HostIntent {
    fileprivate var changes: [Translation] { translations.filter { $0.kind != .unchanged } }
}

extension Translation {
    fileprivate var withoutPosition: Translation {
        var translation = self
        translation.position = .none
        return translation
    }

    /// Whether all that it is about the other is about, too, and for as long.
    fileprivate func isPart(of other: Translation) -> Bool {
        match.isPart(of: other.match) && (expires ?? .max) <= (other.expires ?? .max)
    }

    /// The lines that it comes from, by their names.
    fileprivate var lines: String { ([id] + others.map(\.id)).map { "`\($0)`" }.cut(3) }
}
