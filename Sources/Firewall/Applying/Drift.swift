import Site

/// What the kernel holds that it should not, or does not hold that it should.
package struct Drift: Sendable, Equatable {
    /// Sentences, each about one table or one part of it.
    package private(set) var findings: [String] = []
    /// What changed in tables of others and can only close: sentences, no drift.
    package private(set) var notes: [String] = []

    package var isEmpty: Bool { findings.isEmpty }

    package init(_ finding: String) { findings = [finding] }

    mutating func add(_ finding: String) { findings.append(finding) }

    private static let isGone =
        "table \(TableName.own) is gone: this machine's firewall is off; `gatehouse policy load` loads what was confirmed "
        + "last, and `gatehouse policy apply` what the site file says"

    /// Our table is dormant.
    static let asleep = Drift(
        "table \(TableName.own) is dormant, so none of its rules is asked and this machine's firewall is off: "
            + "`nft add table \(TableName.own)` wakes it"
    )

    /// Compares by meaning, and names what changed: what is only written differently is no drift.
    ///
    /// - Parameters:
    ///   - expected: what the kernel holds of the ruleset that was applied when it is loaded alone, and the tables of
    ///     others as they were then.
    ///   - live: what it holds now.
    ///   - dynamic: the sets of our table that packets fill, whose elements do not matter as long as they count as the rules
    ///     say.
    ///   - host: whose addresses and interfaces examples have.
    package init(expected: HeldListing, live: HeldListing, dynamic: Set<String>, host: HostIntent? = nil) {
        let (before, after) = (expected.text, live.text)
        let own = TableName.own.description
        for name in Set(before.tables.keys).union(after.tables.keys).sorted() {
            let whose = name == own ? "" : ", which is not ours,"
            switch (before.tables[name], after.tables[name]) {
            case (_?, nil) where name == own: findings.append(Self.isGone)
            case (_, nil): findings.append("table \(name)\(whose) was removed")
            case (nil, _): findings.append("table \(name)\(whose) was added")
            case (let old?, let new?):
                let differences = new.differences(from: old, name == own ? dynamic : [])
                guard !differences.isEmpty else { continue }
                let meaning = TableMeaning.compare(expected.table(name), live.table(name), at: host)
                if meaning == .same, new.differsOnlyInDecisions(from: old) { continue }
                if name != own, let note = BlockList.note(expected.table(name), live.table(name), name) {
                    notes.append(note)
                    continue
                }
                if name != own { findings.append("table \(name)\(whose) was changed") }
                // Packets show nothing of how a limit counts.
                if meaning != .same || new.miscounting.isEmpty {
                    findings += meaning.sentences.map { "table \(name): \($0)" }
                }
                findings += differences.map { name == own ? $0 : "table \(name): \($0)" }
            }
        }
    }
}

extension HeldText.Table {
    /// What was added and removed, a line each, by the parts of the table.
    ///
    /// - Parameter dynamic: sets of which elements may come and go.
    func differences(from old: HeldText.Table, _ dynamic: Set<String>) -> [String] {
        var lines: [String] = []
        for part in Set(old.parts.keys).union(parts.keys).sorted() {
            switch (old.parts[part], parts[part]) {
            case (nil, _): lines.append("\(part) was added")
            case (_, nil): lines.append("\(part) was removed")
            case (let before?, let after?):
                for change in after.difference(from: before) {
                    switch change {
                    case .insert(_, let line, _): lines.append("\(part): added \(Self.text(line))")
                    case .remove(_, let line, _): lines.append("\(part): removed \(Self.text(line))")
                    }
                }
            }
        }
        for set in Set(old.elements.keys).intersection(elements.keys).sorted()
        where !dynamic.contains(String(set.split(separator: " ").last ?? "")) {
            let (before, after) = (old.elements[set] ?? [], elements[set] ?? [])
            let type = (parts[set] ?? old.parts[set])?.first.flatMap { JSONValue(parsing: $0) }?["type"]
            for element in after.subtracting(before).sorted() {
                lines.append("\(set): \(Self.element(element, type)) was added")
            }
            // An element with a timeout ends by itself: that is no drift.
            for element in before.subtracting(after).sorted() where !element.contains("\"timeout\":") {
                lines.append("\(set): \(Self.element(element, type)) was removed")
            }
        }
        return lines + miscounting.subtracting(old.miscounting).sorted()
    }

    /// A part as nft writes it.
    private static func text(_ line: String) -> String { JSONValue(parsing: line).map(ListedText.ofObject) ?? line }

    private static func element(_ line: String, _ type: JSONValue?) -> String {
        JSONValue(parsing: line).map { ListedText.of($0, type: type) } ?? line
    }

    /// Whether the rules that differ say only what is accepted and what is dropped. Of limits, logs, refusals aloud,
    /// changed addresses and the places of chains there is more to say than that.
    func differsOnlyInDecisions(from old: HeldText.Table) -> Bool {
        guard isDecidedByElements(of: old) else { return false }
        var moved: Set<String> = []
        for part in Set(old.parts.keys).union(parts.keys) {
            let (before, after) = (old.parts[part] ?? [], parts[part] ?? [])
            let changed = Set(before).symmetricDifference(after)
            for line in changed {
                guard let value = JSONValue(parsing: line) else { return false }
                if value["hook"] != nil {
                    let place = JSONValue.object(value.members.filter { $0.name != "policy" }).line
                    moved.formSymmetricDifference([place])
                }
                if !Self.onlyDecides(value) { return false }
                // A set that packets fill, or of which the elements end, counts as more than its elements.
                if value["flags"] != nil || value["timeout"] != nil, !part.hasPrefix("chain ") {
                    let flags = value["flags"]?.listed.compactMap(\.text) ?? []
                    if value["timeout"] != nil || !Set(["interval", "constant"]).isSuperset(of: flags) { return false }
                }
            }
        }
        return moved.isEmpty
    }

    /// Whether each rule that names a set or map of which elements changed only decides.
    private func isDecidedByElements(of old: HeldText.Table) -> Bool {
        let changed = Set(old.elements.keys).union(elements.keys).filter { old.elements[$0] != elements[$0] }
        let names = changed.compactMap { $0.split(separator: " ", maxSplits: 1).last.map { "\"@\($0)\"" } }
        return [old, self].flatMap { $0.parts.values.joined() }.allSatisfy { line in
            guard names.contains(where: line.contains) else { return true }
            return JSONValue(parsing: line).map(Self.onlyDecides) ?? false
        }
    }

    private static func onlyDecides(_ rule: JSONValue) -> Bool {
        (rule["expr"]?.items ?? []).allSatisfy { $0.members.first.map { decisions.contains($0.name) } ?? false }
    }

    /// Statements of nft's JSON of which the proof knows all that they do.
    private static let decisions: Set<String> = [
        "match", "vmap", "accept", "drop", "jump", "goto", "return", "continue", "counter",
    ]
}

extension JSONValue {
    fileprivate var members: [Member] {
        if case .object(let members) = self { members } else { [] }
    }
}

extension RulesetScript {
    /// The sets that packets fill: which elements are in them says nothing of the ruleset.
    package var dynamicSets: Set<String> {
        Set(
            tables.flatMap(\.blocks).filter { block in
                block.statements.contains { statement in
                    let words = statement.text.split { $0 == "," || $0 == " " }
                    return words.first == "flags" && words.contains("dynamic")
                }
            }.map(\.name)
        )
    }
}
