/// The change from one ruleset to another where nothing but elements of sets differs: applied so, counters, limits and
/// the sources that they remember live on.
///
/// Lines of the site file do not count: a rule that moved by a line is the same rule, and its comment in the kernel keeps
/// the line that it had when it was loaded.
package struct RulesetDifference: Sendable {
    /// One batch for nft; empty when nothing is to be done.
    package let text: String
    package let added: Int
    package let removed: Int

    /// nil when more differs than elements; then the ruleset is to be loaded whole.
    package init?(from old: Ruleset, to new: Ruleset) {
        guard old.chains == new.chains, old.sets.count == new.sets.count else { return nil }
        var writer = TextWriter()
        var (added, removed) = (0, 0)
        for (before, after) in zip(old.sets, new.sets) {
            guard before.hasStructure(of: after) else { return nil }
            guard before.elements != after.elements else { continue }
            let kept = Set(before.elements.map(ElementIdentity.init))
                .intersection(after.elements.map(ElementIdentity.init))
            let gone = before.elements.filter { !kept.contains(ElementIdentity($0)) }
            let come = after.elements.filter { !kept.contains(ElementIdentity($0)) }
            // Ranges that overlap cannot be in a set together: what goes, goes first.
            for (verb, elements) in [("delete", gone), ("add", come)] where !elements.isEmpty {
                writer.line("\(verb) element inet \(Ruleset.table) \(before.name) {", before.label)
                writer.write(elements)
                writer.line("}", before.label)
            }
            added += come.count
            removed += gone.count
        }
        text = writer.text
        self.added = added
        self.removed = removed
    }
}

/// What tells an element from others in the kernel.
private struct ElementIdentity: Hashable {
    let key: ElementKey
    let verdict: Verdict?

    init(_ element: Element) {
        key = element.key
        verdict = element.verdict
    }
}

extension NamedSet {
    /// Whether the two are the same but for their elements.
    fileprivate func hasStructure(of other: NamedSet) -> Bool {
        name == other.name && selector == other.selector && kind == other.kind && isInterval == other.isInterval
    }
}
