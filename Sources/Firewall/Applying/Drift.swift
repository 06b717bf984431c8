/// What the kernel holds that it should not, or does not hold that it should.
package struct Drift: Sendable, Equatable {
    /// Sentences, each about one part of a table.
    package private(set) var findings: [String] = []

    package var isEmpty: Bool { findings.isEmpty }

    /// Compares our own table.
    ///
    /// - Parameters:
    ///   - expected: what the kernel holds of the ruleset that was applied, when it is loaded alone.
    ///   - live: what it holds now.
    ///   - dynamic: the sets that packets fill, whose elements do not matter.
    package mutating func compareOwn(expected: HeldText, live: HeldText, dynamic: Set<String>) {
        let name = TableName.own.description
        guard let wanted = expected.tables[name] else { return }
        guard let found = live.tables[name] else {
            findings.append("table \(name) is gone: this machine's firewall is off")
            return
        }
        for part in Set(wanted.parts.keys).union(found.parts.keys).sorted() {
            switch (wanted.parts[part], found.parts[part]) {
            case (nil, _): findings.append("\(part) was added to table \(name)")
            case (_, nil): findings.append("\(part) was removed from table \(name)")
            case (let before?, let after?) where before != after:
                findings += Self.lines(part, before, after)
            default: break
            }
        }
        for set in Set(wanted.elements.keys).intersection(found.elements.keys).sorted()
        where !dynamic.contains(String(set.split(separator: " ").last ?? "")) {
            let (before, after) = (wanted.elements[set] ?? [], found.elements[set] ?? [])
            for element in after.subtracting(before).sorted() { findings.append("\(set): \(element) was added") }
            // An element with a timeout ends by itself: that is no drift.
            for element in before.subtracting(after).sorted() where !element.contains("\"timeout\":") {
                findings.append("\(set): \(element) was removed")
            }
        }
    }

    /// Compares the tables of others with what they were when ours was applied.
    ///
    /// - Parameter recorded: for each table its digest then.
    package mutating func compareForeign(recorded: [String: String], live: HeldText) {
        let own = TableName.own.description
        for table in Set(recorded.keys).union(live.tables.keys).sorted() where table != own {
            switch (recorded[table], live.digest(of: table)) {
            case (nil, _): findings.append("table \(table), which is not ours, was added")
            case (_, nil): findings.append("table \(table), which is not ours, was removed")
            case (let before, let after) where before != after:
                findings.append("table \(table), which is not ours, was changed")
            default: break
            }
        }
    }

    private static func lines(_ part: String, _ before: [String], _ after: [String]) -> [String] {
        let difference = after.difference(from: before)
        return difference.map { change in
            switch change {
            case .insert(_, let line, _): "\(part): added \(line)"
            case .remove(_, let line, _): "\(part): removed \(line)"
            }
        }
    }
}

extension RulesetScript {
    /// The sets that packets fill: what is in them says nothing of the ruleset.
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
