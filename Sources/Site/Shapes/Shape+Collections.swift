extension Shape {
    /// A list, its items all of one shape. Items that are faulty are left out of the value: the file is refused anyway,
    /// and what is found later in the good ones is reported with them.
    static func list<Item>(of item: Shape<Item>, isEmptyAllowed: Bool = true) -> Shape where Value == [Item] {
        var schema: [JSONValue.Member] = [.init("type", .string("array")), .init("items", .object(item.schema))]
        if !isEmptyAllowed { schema.append(.init("minItems", .integer(1))) }
        return Shape(schema: schema, encode: { encode($0, item) }) { node, decoding in
            guard case .sequence(let nodes) = node.content else {
                decoding.wrongType(node, expected: "a list")
                return nil
            }
            if nodes.isEmpty, !isEmptyAllowed {
                decoding.invalid(
                    node,
                    "the list must not be empty",
                    help: "write one item or more, or leave the key out"
                )
                return nil
            }
            var values: [Item] = []
            values.reserveCapacity(nodes.count)
            for (index, node) in nodes.enumerated() {
                if let value = decoding.at(.item(index), { item.decode(node, &$0) }) { values.append(value) }
            }
            return values
        }
    }

    /// A list, or its only item without brackets.
    static func oneOrMore<Item>(of item: Shape<Item>) -> Shape where Value == [Item] {
        let list = Shape<[Item]>.list(of: item, isEmptyAllowed: false)
        return Shape(
            schema: [.init("anyOf", .array([.object(item.schema), .object(list.schema)]))],
            encode: { encode($0, item) },
            decode: { node, decoding in
                if case .sequence = node.content { return list.decode(node, &decoding) }
                return item.decode(node, &decoding).map { [$0] }
            }
        )
    }

    /// A mapping from names, which the site gives, to entries. Faulty ones are left out, as in a list.
    ///
    /// - Parameters:
    ///   - kind: what the names stand for, where later sections refer to them.
    ///   - reserved: words that mean something else where the names are used.
    static func table<Entry: Sendable>(
        of entry: Shape<Entry>,
        defining kind: Decoding.NameKind? = nil,
        reserved: Set<String> = []
    ) -> Shape where Value == [String: Entry] {
        entries(of: entry, defining: kind, reserved: reserved).map { entries, _, _ in
            Dictionary(entries, uniquingKeysWith: { first, _ in first })
        }
    }

    /// The same as `table`, in the order of the file.
    static func entries<Entry: Sendable>(
        of entry: Shape<Entry>,
        defining kind: Decoding.NameKind? = nil,
        reserved: Set<String> = []
    ) -> Shape<[(String, Entry)]> {
        let schema: [JSONValue.Member] = [
            .init("type", .string("object")),
            .init("propertyNames", .object(Shape<String>.identifier.schema)),
            .init("additionalProperties", .object(entry.schema)),
        ]
        return Shape<[(String, Entry)]>(schema: schema) { node, decoding in
            guard case .mapping(let members) = node.content else {
                decoding.wrongType(node, expected: "a mapping")
                return nil
            }
            // First all names: an entry may be faulty and yet be meant by others.
            var named: [(String, Node.Entry)] = []
            for member in members {
                let key = Node(content: .scalar(member.key, isPlain: false), range: member.keyRange)
                guard let text = Shape<String>.identifier.decode(key, &decoding) else { continue }
                if let kind { decoding.define(text, as: kind) }
                guard !reserved.contains(text) else {
                    decoding.invalid(key, "\(quoted(text)) has a meaning of its own", help: "choose another name")
                    continue
                }
                named.append((text, member))
            }
            var values: [(String, Entry)] = []
            values.reserveCapacity(named.count)
            for (text, member) in named {
                guard let value = decoding.at(.key(text), { entry.decode(member.value, &$0) }) else { continue }
                values.append((text, value))
            }
            return values
        }
    }

    private static func encode<Item>(_ items: [Item], _ item: Shape<Item>) -> JSONValue? {
        let values = items.compactMap(item.encode)
        return values.count == items.count ? .array(values) : nil
    }
}
