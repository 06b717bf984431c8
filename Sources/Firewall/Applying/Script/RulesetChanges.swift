/// What makes one ruleset of another in the kernel, and leaves what both have as it is: the counters of rules that stay, and
/// the sets that packets fill.
package struct RulesetChanges: Sendable, Equatable {
    /// Commands for one transaction, one a line; empty when nothing differs.
    package let text: String
    /// Whether no rule, chain, set or map comes or goes.
    package let isOfElementsAlone: Bool
}

extension RulesetScript {
    /// What makes this ruleset of the kernel's the other one. On which lines of the site file rules stand is no difference:
    /// comments keep the line by which their rule came into the kernel.
    ///
    /// - Parameter handles: of the rules that the kernel holds, in order, by chain.
    /// - Returns: nil when the table or a chain on a hook is declared differently, or the handles are not of these rules.
    package func changes(to other: RulesetScript, handles: [String: [Int]]) -> RulesetChanges? {
        guard tables.count == 1, other.tables.count == 1 else { return nil }
        let (before, after) = (tables[0], other.tables[0])
        guard before.owner == after.owner, before.statements.map(\.text) == after.statements.map(\.text) else {
            return nil
        }
        var (old, new): ([String: Block], [String: Block]) = ([:], [:])
        for block in before.blocks { old[block.title] = block }
        for block in after.blocks { new[block.title] = block }
        var difference = BlockDifference(owner: after.owner)
        for block in before.blocks where block.isChain {
            guard let next = new[block.title] else { continue }
            guard block.head.map(\.text) == next.head.map(\.text) else { return nil }
        }
        let (counted, counts) = (before.counts, after.counts)
        let renewed = Set(before.blocks.filter { block in new[block.title].map(block.losesMany) ?? false }.map(\.title))
        /// Whether a block stays, but for rules and elements. What packets put into a set keeps the limit that they found
        /// there, so a set for which rules have another one comes anew.
        func stays(_ block: Block) -> Bool {
            guard let was = old[block.title], let next = new[block.title] else { return false }
            guard next.isDeclared(like: was), !renewed.contains(block.title) else { return false }
            return block.isChain || counted[block.name] == counts[block.name]
        }
        difference.gone = before.blocks.filter { !stays($0) }
        difference.come = after.blocks.filter { !stays($0) }
        for block in after.blocks where stays(block) {
            guard let was = old[block.title] else { continue }
            if block.isChain {
                let known = handles[block.name] ?? []
                guard known.count == was.rules.count else { return nil }
                difference.addRules(from: was, to: block, handles: known)
            } else {
                difference.addElements(from: was, to: block)
            }
        }
        return RulesetChanges(text: difference.text, isOfElementsAlone: difference.isOfElementsAlone)
    }
}

/// The commands, by what must come first: what refers goes before what it refers to, and comes behind it.
private struct BlockDifference {
    let owner: String
    /// Chains, sets and maps that are no more, and those that are new. One that is declared differently is in both.
    var gone: [RulesetScript.Block] = []
    var come: [RulesetScript.Block] = []
    private var removedRules: [String] = []
    private var addedRules: [String] = []
    private var removedElements: [String] = []
    private var addedElements: [String] = []

    init(owner: String) { self.owner = owner }

    var isOfElementsAlone: Bool { gone.isEmpty && come.isEmpty && removedRules.isEmpty && addedRules.isEmpty }

    var text: String {
        let goneChains = gone.filter(\.isChain)
        var lines = removedRules + goneChains.map { "flush chain \(owner) \($0.name)" } + removedElements
        lines += gone.filter { !$0.isChain }.map { "delete \($0.kind) \(owner) \($0.name)" }
        lines += goneChains.map { "delete chain \(owner) \($0.name)" }
        lines += RulesetScript.declarations(of: come, owner).map(\.text)
        lines += addedElements + come.flatMap { RulesetScript.fillings(of: $0, owner) }.map(\.text)
        lines += addedRules + come.flatMap { RulesetScript.rules(of: $0, owner) }.map(\.text)
        return lines.map { $0 + "\n" }.joined()
    }

    /// - Parameter handles: of the old rules, in order.
    mutating func addRules(
        from old: RulesetScript.Block,
        to new: RulesetScript.Block,
        handles: [Int]
    ) {
        let renewed = Set(gone.filter { !$0.isChain }.map(\.name))
        let kept = old.rules.map { $0.unlessReferring(to: renewed) }.placesKept(in: new.rules.map(\.meaning))
        let stays = Set(kept.map(\.old))
        for index in handles.indices where !stays.contains(index) {
            removedRules.append("delete rule \(owner) \(old.name) handle \(handles[index])")
        }
        var next = kept[...]
        for (index, rule) in new.rules.enumerated() {
            if next.first?.new == index {
                next.removeFirst()
                continue
            }
            // Before the next one that stays, so that several follow each other in their order.
            let place = next.first.map { "insert rule \(owner) \(new.name) handle \(handles[$0.old])" }
            addedRules.append("\(place ?? "add rule \(owner) \(new.name)") \(rule.text)")
        }
    }

    mutating func addElements(from old: RulesetScript.Block, to new: RulesetScript.Block) {
        let (before, after) = (Set(old.elements.map(\.meaning)), Set(new.elements.map(\.meaning)))
        let lost = old.elements.filter { !after.contains($0.meaning) }.map(\.withoutData)
        let found = new.elements.filter { !before.contains($0.meaning) }
        removedElements += RulesetScript.elements("delete", lost, owner, new.name).map(\.text)
        addedElements += RulesetScript.elements("add", found, owner, new.name).map(\.text)
    }
}

extension RulesetScript.Table {
    var owner: String { "\(family) \(name)" }

    /// By what rules have the elements count that packets put into sets, in nft's words; by set.
    fileprivate var counts: [String: Set<String>] {
        var counts: [String: Set<String>] = [:]
        for rule in blocks.flatMap(\.rules) {
            for part in rule.text.split(separator: "@").dropFirst() {
                guard let open = part.firstIndex(of: "{"), let close = part.firstIndex(of: "}"), open < close else {
                    continue
                }
                let name = part[..<open].split(separator: " ")
                if name.count == 1 { counts[String(name[0]), default: []].insert(String(part[open...close])) }
            }
        }
        return counts
    }
}

extension RulesetScript.Block {
    /// By which it is known in its table.
    fileprivate var title: String { "\(kind) \(name)" }

    /// nft goes through all of a set for each element that it takes out of intervals: about half a microsecond for each it
    /// passes (1.0.6), so that 1,000 of 50,000 take half a minute, and all 50,000 put in anew less than half a second.
    private static let elementsPassed = 1_000_000

    /// Whether so many elements go that a set or map of intervals is less work to make anew. It is not emptied and filled:
    /// what one transaction takes out and puts in again, kernels without a60f7bf4a152 and what came behind it (6.12.48,
    /// 6.16.8) do not find while they end the transaction, and so let in whom a line of `deny` keeps out.
    fileprivate func losesMany(to other: RulesetScript.Block) -> Bool {
        guard elements.count * elements.count > Self.elementsPassed, holdsIntervalsAlone else { return false }
        let after = Set(other.elements.map(\.meaning))
        return elements.filter { !after.contains($0.meaning) }.count * elements.count > Self.elementsPassed
    }

    /// Whether it is a set or map of intervals whose elements are all that the kernel knows of them: none ends by itself or
    /// counts, and packets add none.
    private var holdsIntervalsAlone: Bool {
        statements.contains { $0.text == "flags interval" }
            && statements.allSatisfy { $0.text == "flags interval" || $0.text.hasPrefix("type ") }
    }

    /// Whether both are the same but for rules and elements.
    fileprivate func isDeclared(like other: RulesetScript.Block) -> Bool {
        title == other.title && (isChain || statements.map(\.text) == other.statements.map(\.text))
    }
}

extension RulesetScript.Statement {
    /// The same wherever in the site file it comes from.
    fileprivate var meaning: String { RuleLabel.withoutLines(text) }

    /// What a rule is compared by; nil when it looks up one of the sets, and so cannot stay when that goes.
    fileprivate func unlessReferring(to sets: Set<String>) -> String? {
        guard !sets.isEmpty else { return meaning }
        let words = text.split { $0 == " " || $0 == ";" }
        return words.contains { $0.first == "@" && sets.contains(String($0.dropFirst())) } ? nil : meaning
    }

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

extension [String?] {
    /// Which of these stay when the others come in their place: as many as keep their order (the longest increasing
    /// subsequence), in time n log n. Of equal ones the first stands for the first.
    fileprivate func placesKept(in others: [String]) -> [(old: Int, new: Int)] {
        var places: [String: [Int]] = [:]
        for index in others.indices.reversed() { places[others[index], default: []].append(index) }
        var pairs: [(old: Int, new: Int, before: Int?)] = []
        // For each length the pair that ends a subsequence of it at the earliest place.
        var ends: [Int] = []
        for index in indices {
            guard let text = self[index], let place = places[text]?.popLast() else { continue }
            var (low, high) = (0, ends.count)
            while low < high {
                let middle = (low + high) / 2
                if pairs[ends[middle]].new < place { low = middle + 1 } else { high = middle }
            }
            pairs.append((index, place, low > 0 ? ends[low - 1] : nil))
            if low == ends.count { ends.append(pairs.count - 1) } else { ends[low] = pairs.count - 1 }
        }
        var kept: [(old: Int, new: Int)] = []
        var last = ends.last
        while let pair = last.map({ pairs[$0] }) {
            kept.append((pair.old, pair.new))
            last = pair.before
        }
        return kept.reversed()
    }
}
