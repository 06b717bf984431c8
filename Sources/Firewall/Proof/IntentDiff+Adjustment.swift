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
    /// - Parameters:
    ///   - now: in seconds since 1970.
    ///   - limit: see `DiagramStore`.
    static func translations(
        from old: HostIntent,
        to new: HostIntent,
        at now: Int64,
        limit: Int
    ) -> [IntentDiff.Adjustment] {
        let (before, after) = (old.changes, new.changes)
        let (one, two) = (before.unnamed, after.unnamed)
        func adjustment(_ sentence: String, opens: Bool = true) -> IntentDiff.Adjustment {
            IntentDiff.Adjustment(host: new.host, sentence: sentence, opens: opens)
        }
        // A line may be several changes: of each family, and of what it sends to the router itself.
        func names(_ changes: [Translation], lackedBy others: [Translation]) -> [String] {
            var names: [String] = []
            for change in changes where !others.contains(change.unnamed) && !names.contains(change.id) {
                names.append(change.id)
            }
            return names
        }
        var found: [IntentDiff.Adjustment] = []
        // Lines that only stand in another order, or in parts, change the same packets.
        if one != two, !changeAlike(old, new, at: now, limit: limit) {
            found += names(before, lackedBy: two).map { adjustment("`\($0)` changes no addresses now") }
            found += names(after, lackedBy: one).map { adjustment("`\($0)` changes other addresses now") }
            if found.isEmpty { found.append(adjustment("addresses are changed in another order")) }
        }
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

    /// Whether packets get the same addresses by both, now and from each moment on at which a line ends; not where that cannot
    /// be told.
    private static func changeAlike(_ old: HostIntent, _ new: HostIntent, at now: Int64, limit: Int) -> Bool {
        let ends = Set((old.translations + new.translations).compactMap(\.expires)).filter { $0 > now }
        guard ends.count <= IntentDiff.mostEnds else { return false }
        return ([now] + ends).allSatisfy { moment in
            let store = DiagramStore(limit: limit)
            return (try? old.at(moment).changesAddresses(like: new.at(moment), in: store)) ?? false
        }
    }
}

extension HostIntent {
    fileprivate var changes: [Translation] { translations.filter { $0.kind != .unchanged } }
}

extension [Translation] {
    /// Without what they are called and where they stand, each once: what comes second decides nothing.
    fileprivate var unnamed: [Translation] {
        reduce(into: []) { known, change in
            if !known.contains(change.unnamed) { known.append(change.unnamed) }
        }
    }
}

extension Translation {
    /// The same without what it is called and where it stands.
    fileprivate var unnamed: Translation {
        var translation = Translation(id: "", match: match, kind)
        translation.expires = expires
        return translation
    }

    /// Whether all that it is about the other is about, too, and for as long.
    fileprivate func isPart(of other: Translation) -> Bool {
        match.isPart(of: other.match) && (expires ?? .max) <= (other.expires ?? .max)
    }

    /// The lines that it comes from, by their names.
    fileprivate var lines: String { ([id] + others.map(\.id)).map { "`\($0)`" }.cut(3) }
}
