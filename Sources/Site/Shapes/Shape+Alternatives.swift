extension Shape {
    /// One shape when the file has a word, another when it has a mapping. So a fault is always named against the one
    /// that was meant.
    static func either(word: Shape, mapping: Shape) -> Shape {
        Shape(
            schema: [.init("anyOf", .array([.object(word.schema), .object(mapping.schema)]))],
            encode: { word.encode($0) ?? mapping.encode($0) },
            decode: { node, decoding in
                if case .scalar = node.content { return word.decode(node, &decoding) }
                return mapping.decode(node, &decoding)
            }
        )
    }

    /// A single word, which stands for a value.
    static func constant(_ word: String, _ value: Value) -> Shape where Value: Equatable & Sendable {
        Shape(
            schema: [.init("const", .string(word))],
            encode: { $0 == value ? .string(word) : nil },
            decode: { node, decoding in
                guard let text = node.word else {
                    decoding.wrongType(node, expected: "`\(word)`")
                    return nil
                }
                guard text == word else {
                    decoding.invalid(
                        node,
                        "\(quoted(text)) is not known here",
                        help: Decoding.suggestion(for: text, among: [word])
                    )
                    return nil
                }
                return value
            }
        )
    }

    /// A word that stands for a value, or else a value of another grammar.
    static func either(constant word: String, _ value: Value, or other: Shape) -> Shape
    where Value: Equatable & Sendable {
        let constant = Shape.constant(word, value)
        return Shape(
            schema: [.init("anyOf", .array([.object(constant.schema), .object(other.schema)]))],
            encode: { constant.encode($0) ?? other.encode($0) },
            decode: { node, decoding in
                if node.word == word { return value }
                return other.decode(node, &decoding)
            }
        )
    }
}
