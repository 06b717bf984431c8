import Site

/// Sets of tables of others by which packets are only dropped, such as those of addresses that fail2ban bans: elements come
/// and go while nobody changes a rule, and let in nobody whom our rules keep out.
enum BlockList {
    /// What is said of a table of others that differs in the elements of block lists alone; nil when there is more to say.
    ///
    /// What an element that went had dropped is again decided by our rules, of which all was proved without that table.
    static func note(_ old: HeldListing, _ new: HeldListing, _ table: String) -> String? {
        guard let before = old.text.tables[table], let after = new.text.tables[table], before.parts == after.parts,
            old.unread.isEmpty, new.unread.isEmpty
        else { return nil }
        let names = Set(before.elements.keys).union(after.elements.keys).filter {
            before.elements[$0] != after.elements[$0]
        }
        guard !names.isEmpty, after.onlyDrops(names) else { return nil }
        let lists = Set(after.elements.keys).filter { after.onlyDrops([$0]) }
        // Beside the same table with these sets empty each of the two drops more, and lets nothing more through. So when an
        // element ends by itself, what it dropped is as it would be without it.
        let (was, now) = (old.withoutEnds(of: lists), new.withoutEnds(of: lists))
        let empty = now.withoutElements(of: names)
        guard TableMeaning.onlyCloses(empty, was), TableMeaning.onlyCloses(empty, now) else { return nil }
        let changes = names.sorted().map { name in
            let (was, now) = (before.elements[name] ?? [], after.elements[name] ?? [])
            return "\(name): \(now.subtracting(was).count) added, \(was.subtracting(now).count) removed"
        }
        return "table \(table), which is not ours, drops by other elements than at the time of apply, and lets nothing "
            + "through that our rules drop (\(changes.joined(separator: "; ")))"
    }
}

extension HeldText.Table {
    /// Whether each rule that names one of the sets does nothing but drop, and no other object does.
    fileprivate func onlyDrops(_ sets: Set<String>) -> Bool {
        let names = sets.compactMap { $0.split(separator: " ", maxSplits: 1).last.map { "\"@\($0)\"" } }
        return parts.values.joined().allSatisfy { line in
            guard names.contains(where: line.contains) else { return true }
            guard let statements = JSONValue(parsing: line)?["expr"]?.items else { return false }
            return statements.allSatisfy { statement in
                guard case .object(let members) = statement, let name = members.first?.name else { return false }
                return ["match", "counter", "log", "drop", "reject"].contains(name)
            }
        }
    }
}

extension HeldListing {
    /// - Parameter sets: as `HeldText` names them: `set NAME`.
    fileprivate func withoutElements(of sets: Set<String>) -> HeldListing {
        changing(sets) { parts in parts.filter { $0.name != "elem" } }
    }

    /// As if no element of the sets ended by itself.
    fileprivate func withoutEnds(of sets: Set<String>) -> HeldListing {
        changing(sets) { parts in parts.filter { $0.name != "timeout" }.map { .init($0.name, $0.value.withoutEnds) } }
    }

    private func changing(
        _ sets: Set<String>,
        _ change: ([JSONValue.Member]) -> [JSONValue.Member]
    ) -> HeldListing {
        var listing = HeldListing()
        for (table, objects) in tables {
            listing.add(
                objects.map { object in
                    guard case .object(let members) = object, let member = members.first,
                        case .object(let parts) = member.value,
                        sets.contains("\(member.name) \(member.value["name"]?.text ?? "")")
                    else { return object }
                    return .object([.init(member.name, .object(change(parts)))])
                },
                of: table
            )
        }
        return listing
    }
}

extension JSONValue {
    /// Elements without the time that they have, or have left.
    fileprivate var withoutEnds: JSONValue {
        switch self {
        case .object(let members):
            .object(
                members.filter { $0.name != "timeout" && $0.name != "expires" }
                    .map { .init($0.name, $0.value.withoutEnds) }
            )
        case .array(let items): .array(items.map(\.withoutEnds))
        default: self
        }
    }
}
