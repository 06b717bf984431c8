import Site

/// The sets of a table in which rules have packets count. An element keeps the limit that it came with as long as it
/// lasts, whatever its rule says (`nft_dynset_update`).
struct CountingSets {
    private let sets: [JSONValue]
    /// By what rules have an element of a set count, by the set's name.
    private let counts: [String: [[JSONValue]]]

    /// - Parameter objects: what nft lists; of other tables than ours nothing is taken.
    init(_ objects: [JSONValue]) {
        var (sets, counts): ([JSONValue], [String: [[JSONValue]]]) = ([], [:])
        for object in objects {
            guard let member = object.only,
                TableName.isOwn(member.value["family"]?.text, member.value["table"]?.text)
            else { continue }
            if member.name == "set" { sets.append(member.value) }
            guard member.name == "rule" else { continue }
            for statement in (member.value["expr"]?.listed ?? []).compactMap({ $0["set"] }) {
                guard let name = statement["set"]?.text else { continue }
                counts[String(name.drop { $0 == "@" }), default: []].append(statement["stmt"]?.listed ?? [])
            }
        }
        (self.sets, self.counts) = (sets, counts)
    }

    /// The elements that no packet can have put there: one sentence for each set that has any.
    var miscounting: Set<String> {
        var sentences: Set<String> = []
        for set in sets {
            guard let name = set["name"]?.text, let known = counts[name] else { continue }
            let timeout = set["timeout"]?.integer
            let others = (set["elem"]?.listed ?? []).filter { element in
                !known.contains { element.counts(by: $0, timeout: timeout) }
            }
            guard let first = others.first else { continue }
            let more = others.count > 1 ? " and \(others.count - 1) more count" : " counts"
            sentences.insert("set \(name): \(ListedText.of(first))\(more) otherwise than the rule that fills the set")
        }
        return sentences
    }
}

extension JSONValue {
    /// Whether an element of a set counts by these statements and by no other, and lasts as long as the set says.
    func counts(by statements: [JSONValue], timeout: Int?) -> Bool {
        guard case .object(let parts)? = self["elem"] else { return statements.isEmpty }
        var counting: [JSONValue] = []
        for part in parts {
            switch part.name {
            case "val", "expires", "comment", "counter": continue
            case "timeout": if part.value.integer != timeout { return false }
            default: counting.append(.object([part]))
            }
        }
        return counting == statements.filter { $0["counter"] == nil }
    }
}
