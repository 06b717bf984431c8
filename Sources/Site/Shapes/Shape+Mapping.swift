/// One key of a section: its name, what it may hold, and where its value goes.
struct Key<Section: Sendable>: Sendable {
    let name: String
    let isRequired: Bool
    /// The schema of its value.
    let schema: @Sendable (Section) -> JSONValue
    /// Decodes a node into the section; false after a fault.
    let decode: @Sendable (Node, inout Section, inout Decoding) -> Bool

    /// A key whose value has a default in the section, or that must be there.
    ///
    /// - Parameter summary: what it is, in one sentence, for editors and for people.
    static func key<Value>(
        _ name: String,
        _ path: any WritableKeyPath<Section, Value> & Sendable,
        _ shape: Shape<Value>,
        required isRequired: Bool = false,
        _ summary: String
    ) -> Key {
        Key(
            name: name,
            isRequired: isRequired,
            schema: { section in
                var members = [JSONValue.Member("description", .string(summary))] + shape.schema
                if !isRequired, let value = shape.encode(section[keyPath: path]) {
                    members.append(.init("default", value))
                }
                return .object(members)
            },
            decode: { node, section, decoding in
                guard let value = shape.decode(node, &decoding) else { return false }
                section[keyPath: path] = value
                return true
            }
        )
    }

    /// A key that may be left out, and then is nil.
    static func key<Value>(
        _ name: String,
        _ path: any WritableKeyPath<Section, Value?> & Sendable,
        _ shape: Shape<Value>,
        _ summary: String
    ) -> Key {
        key(name, path, shape.map({ value, _, _ in value }, encode: { $0.flatMap(shape.encode) }), summary)
    }

    /// The same key; the section keeps the place of its value in the file.
    func placed(_ position: any WritableKeyPath<Section, SourcePosition> & Sendable) -> Key {
        Key(name: name, isRequired: isRequired, schema: schema) { node, section, decoding in
            section[keyPath: position] = node.range.start
            return decode(node, &section, &decoding)
        }
    }
}

extension Shape where Value: Sendable {
    /// A section: a mapping with known keys.
    ///
    /// - Parameters:
    ///   - start: the section with its defaults. What is required is overwritten, or the section is refused.
    ///   - keys: decoded in this order, whatever the order of the file, so that what refers comes after what is
    ///     referred to.
    ///   - alternatives: groups of keys of which exactly one must be there.
    ///   - isKeptWhenFaulty: gives what could be decoded even after a fault, so that the rules which look at several
    ///     sections find theirs in the same run.
    static func mapping(
        _ start: Value,
        _ keys: [Key<Value>],
        exactlyOneOf alternatives: [[String]] = [],
        isKeptWhenFaulty: Bool = false
    ) -> Shape {
        let names = keys.map(\.name)
        let indices = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
        return Shape(schema: schema(start, keys, alternatives)) { node, decoding in
            guard case .mapping(let entries) = node.content else {
                decoding.wrongType(node, expected: "a mapping with keys such as `\(names[0])`")
                return nil
            }
            var found = [Node.Entry?](repeating: nil, count: keys.count)
            var isGood = true
            for entry in entries {
                guard let index = indices[entry.key] else {
                    let place = decoding.place
                    decoding.collector.report(
                        .unknownKey,
                        at: entry.keyRange,
                        "unknown key \(quoted(entry.key)) \(place)",
                        help: Decoding.suggestion(for: entry.key, among: names)
                    )
                    isGood = false
                    continue
                }
                found[index] = entry
            }
            var section = start
            for (key, entry) in zip(keys, found) {
                if let entry {
                    let decoded = decoding.at(.key(key.name)) { key.decode(entry.value, &section, &$0) }
                    isGood = decoded && isGood
                } else if key.isRequired {
                    decoding.missing(node, "`\(key.name)`")
                    isGood = false
                }
            }
            for group in alternatives {
                let present = entries.filter { group.contains($0.key) }
                guard present.count != 1 else { continue }
                isGood = false
                if let second = present.dropFirst().first {
                    decoding.collector.report(
                        .conflict,
                        at: second.keyRange,
                        "`\(second.key)` and `\(present[0].key)` exclude each other",
                        help: "keep one of them"
                    )
                } else {
                    decoding.missing(node, "one of " + group.map { "`\($0)`" }.joined(separator: ", "))
                }
            }
            return isGood || isKeptWhenFaulty ? section : nil
        }
    }

    /// The same section, which keeps its place in the file.
    func placed(_ position: any WritableKeyPath<Value, SourcePosition> & Sendable) -> Shape {
        Shape(schema: schema, encode: encode) { node, decoding in
            var section = decode(node, &decoding)
            section?[keyPath: position] = node.range.start
            return section
        }
    }

    /// The same section, which keeps the key it stands under as its name.
    func named(_ name: any WritableKeyPath<Value, String> & Sendable) -> Shape {
        Shape(schema: schema, encode: encode) { node, decoding in
            var section = decode(node, &decoding)
            if let key = decoding.key { section?[keyPath: name] = key }
            return section
        }
    }

    private static func schema(_ start: Value, _ keys: [Key<Value>], _ alternatives: [[String]]) -> [JSONValue.Member] {
        var schema: [JSONValue.Member] = [
            .init("type", .string("object")),
            .init("properties", .object(keys.map { .init($0.name, $0.schema(start)) })),
            .init("additionalProperties", .boolean(false)),
        ]
        let required = keys.filter(\.isRequired).map { JSONValue.string($0.name) }
        if !required.isEmpty { schema.append(.init("required", .array(required))) }
        let choices = alternatives.map { group in
            JSONValue.object([
                .init("oneOf", .array(group.map { .object([.init("required", .array([.string($0)]))]) }))
            ])
        }
        if !choices.isEmpty { schema.append(.init("allOf", .array(choices))) }
        return schema
    }
}
