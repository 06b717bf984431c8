extension RulesetScript {
    /// What makes one ruleset of another by changes of elements alone, so that counters and dynamic sets live on.
    ///
    /// - Returns: the commands, one a line, empty when nothing differs; nil when more than elements does.
    package func elementChanges(to other: RulesetScript) -> String? {
        guard tables.count == other.tables.count else { return nil }
        var removed: [Statement] = []
        var added: [Statement] = []
        for (before, after) in zip(tables, other.tables) {
            guard before.family == after.family, before.name == after.name,
                before.statements.map(\.text) == after.statements.map(\.text),
                before.blocks.count == after.blocks.count
            else { return nil }
            for (one, two) in zip(before.blocks, after.blocks) {
                guard one.kind == two.kind, one.name == two.name,
                    one.statements.map(\.text) == two.statements.map(\.text)
                else { return nil }
                let (old, new) = (Set(one.elements.map(\.text)), Set(two.elements.map(\.text)))
                let owner = "\(before.family) \(before.name)"
                let gone = one.elements.filter { !new.contains($0.text) }
                let come = two.elements.filter { !old.contains($0.text) }
                if !gone.isEmpty { removed.append(Self.element("delete", gone.map(\.withoutData), owner, one.name)) }
                if !come.isEmpty { added.append(Self.element("add", come, owner, one.name)) }
            }
        }
        return (removed + added).map { $0.text + "\n" }.joined()
    }
}

extension RulesetScript.Statement {
    /// A map's element without what its key leads to, and any element without its timeout and comment: the key alone
    /// names it for `delete`.
    fileprivate var withoutData: RulesetScript.Statement {
        var words: [Substring] = []
        for word in text.split(separator: " ") {
            if [":", "timeout", "expires", "comment", "counter"].contains(word) { break }
            words.append(word)
        }
        return RulesetScript.Statement(text: words.joined(separator: " "), line: line)
    }
}
