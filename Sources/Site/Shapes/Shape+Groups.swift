extension Shape {
    /// A table of named lists, whose items may be names of other lists of it: a group of groups. The names are resolved,
    /// so that nobody behind the parser sees a group.
    ///
    /// - Parameters:
    ///   - isItem: whether a word that is no name is an attempt at an item, and is judged as one.
    ///   - form: what to write in place of a word that is neither.
    ///   - kind: what the names stand for.
    ///   - reserved: words that mean something else where the names are used.
    static func groups<Item: Sendable & Hashable>(
        of item: Shape<Item>,
        when isItem: @escaping @Sendable (String) -> Bool,
        form: String,
        defining kind: Decoding.NameKind,
        reserved: Set<String>
    ) -> Shape where Value == [String: [Item]] {
        let member = Shape<GroupMember<Item>>(schema: [.init("type", .string("string"))]) { node, decoding in
            if let word = node.word {
                if decoding.contains(word, kind) { return .group(word, node.range) }
                if !isItem(word) {
                    decoding.unknown(node, kind.rawValue, word, among: [kind], form: form)
                    return nil
                }
            }
            return item.decode(node, &decoding).map { .item($0) }
        }
        return Shape<[(String, [GroupMember<Item>])]>
            .entries(of: Shape<[GroupMember<Item>]>.oneOrMore(of: member), defining: kind, reserved: reserved)
            .map { entries, _, decoding -> [String: [Item]]? in
                var resolution = GroupResolution(entries)
                return resolution.resolve(kind.rawValue, &decoding)
            }
    }
}

/// What a group is written with.
enum GroupMember<Item: Sendable & Hashable>: Sendable {
    case item(Item)
    /// The name of another group, and where it stands.
    case group(String, SourceRange)
}

/// Replaces the names of groups in groups by what they hold.
private struct GroupResolution<Item: Sendable & Hashable> {
    private let order: [String]
    private let members: [String: [GroupMember<Item>]]
    private var resolved: [String: [Item]] = [:]

    /// So much may groups hold in all. A few lines of groups that each name the one before could hold any amount.
    private static var limit: Int { 1_000_000 }

    init(_ entries: [(String, [GroupMember<Item>])]) {
        order = entries.map(\.0)
        members = Dictionary(entries, uniquingKeysWith: { first, _ in first })
    }

    /// Depth first, with a stack of its own: a chain of groups may be as long as the file.
    mutating func resolve(_ noun: String, _ decoding: inout Decoding) -> [String: [Item]] {
        var total = 0
        for root in order where resolved[root] == nil {
            var stack: [(name: String, next: Int)] = [(root, 0)]
            var open: Set<String> = [root]
            while let (name, next) = stack.last {
                let list = members[name] ?? []
                if next < list.count {
                    stack[stack.count - 1].next += 1
                    guard case .group(let other, let range) = list[next], resolved[other] == nil else { continue }
                    if open.contains(other) {
                        let path = Array(stack.map(\.name).drop { $0 != other }) + [other]
                        decoding.collector.report(
                            .conflict,
                            at: range,
                            "the \(noun) \(quoted(other)) holds itself: \(Self.text(path))",
                            help: "take one of these names out of its list"
                        )
                    } else {
                        open.insert(other)
                        stack.append((other, 0))
                    }
                    continue
                }
                stack.removeLast()
                open.remove(name)
                let items = items(of: list)
                total += items.count
                guard total <= Self.limit else {
                    decoding.collector.report(
                        .tooLarge,
                        at: list.lazy.compactMap(\.range).first,
                        "the groups up to \(quoted(name)) hold more than \(Self.limit) entries in all",
                        help: "name fewer groups in groups"
                    )
                    return resolved
                }
                resolved[name] = items
            }
        }
        return resolved
    }

    /// In the order of the file, none twice.
    private func items(of list: [GroupMember<Item>]) -> [Item] {
        var items: [Item] = []
        var seen: Set<Item> = []
        func add(_ item: Item) { if seen.insert(item).inserted { items.append(item) } }
        for member in list {
            switch member {
            case .item(let item): add(item)
            case .group(let name, _): (resolved[name] ?? []).forEach(add)
            }
        }
        return items
    }

    private static func text(_ path: [String]) -> String {
        let shown = path.count <= 8 ? path : path.prefix(6) + ["…"] + path.suffix(1)
        return shown.joined(separator: " -> ")
    }
}

extension GroupMember {
    fileprivate var range: SourceRange? {
        guard case .group(_, let range) = self else { return nil }
        return range
    }
}
