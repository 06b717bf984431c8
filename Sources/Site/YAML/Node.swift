/// A part of a YAML document: words, lists and mappings, nothing else of YAML.
struct Node: Sendable {
    enum Content: Sendable {
        /// A plain scalar may be a number or a word; a quoted one is always text.
        case scalar(String, isPlain: Bool)
        case sequence([Node])
        case mapping([Entry])
        /// What was refused already: no further fault is found in it.
        case refused
    }

    struct Entry: Sendable {
        let key: String
        let keyRange: SourceRange
        let value: Node
    }

    let content: Content
    let range: SourceRange

    /// What it is, for messages.
    var kind: String {
        switch content {
        case .scalar(let text, let isPlain): isPlain && Self.isNull(text) ? "nothing" : quoted(text)
        case .sequence: "a list"
        case .mapping: "a mapping"
        case .refused: "something refused"
        }
    }

    /// The text of a scalar; nil for lists, mappings, and a value that was left out.
    var word: String? {
        guard case .scalar(let text, let isPlain) = content, !(isPlain && Self.isNull(text)) else { return nil }
        return text
    }

    /// The value of a key, when this is a mapping that has it.
    subscript(key: String) -> Node? {
        guard case .mapping(let entries) = content else { return nil }
        return entries.first { $0.key == key }?.value
    }

    /// The ways in which YAML leaves a value out.
    private static func isNull(_ plain: String) -> Bool {
        plain.isEmpty || plain == "~" || plain == "null"
    }
}
