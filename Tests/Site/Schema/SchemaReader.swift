@testable import Site

/// Reads a JSON Schema as an editor does: those keywords of draft 7 that the schema of a site file uses.
struct SchemaReader {
    private let root: JSONValue

    init(_ members: [JSONValue.Member]) {
        root = .object(members)
    }

    /// Where a document breaks the schema, as paths.
    func faults(of node: Node) -> [String] {
        faults(node, root, "$")
    }

    /// Every key of the schema, as `gateway.pools.*.servers.weight`: whether a list may be left out makes no
    /// difference.
    var allKeys: Set<String> { Set(entries(root, "").map { $0.path.replacing("[]", with: "") }) }

    /// Every key that has a default, with it, as `gateway.pools.*.servers[].weight`.
    var defaults: [(String, JSONValue)] {
        entries(root, "").compactMap { entry in entry.schema["default"].map { (entry.path, $0) } }
    }

    /// A row of a table for each key: `| key | default | sentence |`.
    var rows: [String] {
        entries(root, "").map { entry in
            let isRequired = entry.isRequired ? "required" : ""
            let value = entry.schema["default"].map { "`\(Self.inline($0))`" } ?? isRequired
            return "| `\(entry.name)` | \(value) | \(entry.schema["description"]?.string ?? "") |"
        }
    }

    /// The schema's keys that a document uses, as in `allKeys`.
    func keys(of node: Node) -> Set<String> {
        Set(keys(node, root, "").map { $0.replacing("[]", with: "") })
    }

    private struct Entry {
        let path: String
        let name: String
        let schema: JSONValue
        let isRequired: Bool
    }

    private func entries(_ schema: JSONValue, _ path: String) -> [Entry] {
        var entries: [Entry] = []
        let required = schema["required"]?.array ?? []
        for member in schema["properties"]?.members ?? [] {
            let own = path.isEmpty ? member.name : path + "." + member.name
            entries.append(
                Entry(
                    path: own,
                    name: member.name,
                    schema: member.value,
                    isRequired: required.contains(.string(member.name))
                )
            )
            entries += self.entries(member.value, own)
        }
        if let more = schema["additionalProperties"], more != .boolean(false) {
            entries += self.entries(more, path + ".*")
        }
        if let items = schema["items"] { entries += self.entries(items, path + "[]") }
        // The alternatives of a value: a mapping beside a word, or a list beside its item.
        for choice in schema["anyOf"]?.array ?? [] {
            for entry in self.entries(choice, path) where !entries.contains(where: { $0.path == entry.path }) {
                entries.append(entry)
            }
        }
        return entries
    }

    private func keys(_ node: Node, _ schema: JSONValue, _ path: String) -> [String] {
        var found: [String] = []
        switch node.content {
        case .mapping(let entries):
            for entry in entries {
                if let value = schema["properties"]?[entry.key] {
                    let own = path.isEmpty ? entry.key : path + "." + entry.key
                    found += [own] + keys(entry.value, value, own)
                } else if let value = schema["additionalProperties"] {
                    found += keys(entry.value, value, path + ".*")
                }
            }
        case .sequence(let nodes):
            if let items = schema["items"] { found += nodes.flatMap { keys($0, items, path + "[]") } }
        case .scalar, .refused: break
        }
        return found + (schema["anyOf"]?.array ?? []).flatMap { keys(node, $0, path) }
    }

    private func faults(_ node: Node, _ schema: JSONValue, _ path: String) -> [String] {
        var faults: [String] = []
        if let types = schema["type"], !types.oneOrMore.contains(.string(Self.type(node))) {
            faults.append(path + " type")
        }
        if let words = schema["enum"]?.array, !words.contains(Self.value(node)) { faults.append(path + " enum") }
        if let word = schema["const"], word != Self.value(node) { faults.append(path + " const") }
        if let pattern = schema["pattern"]?.string, case .string(let text) = Self.value(node),
            let regex = try? Regex(pattern), text.firstMatch(of: regex) == nil
        {
            faults.append(path + " pattern")
        }
        if case .integer(let number) = Self.value(node) {
            if let least = schema["minimum"]?.integer, number < least { faults.append(path + " minimum") }
            if let most = schema["maximum"]?.integer, number > most { faults.append(path + " maximum") }
        }
        if let choices = schema["anyOf"]?.array, choices.allSatisfy({ !self.faults(node, $0, path).isEmpty }) {
            faults.append(path + " anyOf")
        }
        if let choices = schema["oneOf"]?.array, choices.count(where: { self.faults(node, $0, path).isEmpty }) != 1 {
            faults.append(path + " oneOf")
        }
        faults += (schema["allOf"]?.array ?? []).flatMap { self.faults(node, $0, path) }
        switch node.content {
        case .mapping(let entries): faults += mappingFaults(entries, schema, path)
        case .sequence(let nodes):
            if nodes.count < schema["minItems"]?.integer ?? 0 { faults.append(path + " minItems") }
            if let items = schema["items"] {
                faults += nodes.enumerated().flatMap { self.faults($1, items, "\(path)[\($0)]") }
            }
        case .scalar, .refused: break
        }
        return faults
    }

    private func mappingFaults(_ entries: [Node.Entry], _ schema: JSONValue, _ path: String) -> [String] {
        var faults: [String] = []
        for name in schema["required"]?.array ?? [] where !entries.contains(where: { .string($0.key) == name }) {
            faults.append(path + " required")
        }
        for entry in entries {
            let own = path + "." + entry.key
            if let names = schema["propertyNames"] {
                let name = Node(content: .scalar(entry.key, isPlain: false), range: entry.keyRange)
                faults += self.faults(name, names, own)
            }
            if let value = schema["properties"]?[entry.key] {
                faults += self.faults(entry.value, value, own)
            } else if let more = schema["additionalProperties"] {
                faults += more == .boolean(false) ? [own + " unknown"] : self.faults(entry.value, more, own)
            }
        }
        return faults
    }

    /// A scalar as YAML 1.2's core schema reads it.
    private static func value(_ node: Node) -> JSONValue {
        guard case .scalar(let text, let isPlain) = node.content else { return .array([]) }
        guard isPlain else { return .string(text) }
        if let number = Int(text) { return .integer(number) }
        if text == "true" || text == "false" { return .boolean(text == "true") }
        return .string(text)
    }

    private static func type(_ node: Node) -> String {
        switch node.content {
        case .mapping: return "object"
        case .sequence: return "array"
        case .scalar, .refused:
            switch value(node) {
            case .integer: return "integer"
            case .boolean: return "boolean"
            default: return "string"
            }
        }
    }

    /// A value on one line, as a site file has it.
    private static func inline(_ value: JSONValue) -> String {
        switch value {
        case .string(let text): text == "-" ? "\"-\"" : text
        case .array(let values): "[" + values.map(inline).joined(separator: ", ") + "]"
        case .object(let members):
            "{ " + members.map { "\($0.name): \(inline($0.value))" }.joined(separator: ", ") + " }"
        case .integer, .number, .boolean, .null: value.indented
        }
    }
}

extension JSONValue {
    fileprivate var members: [Member]? {
        guard case .object(let members) = self else { return nil }
        return members
    }

    fileprivate var array: [JSONValue]? {
        guard case .array(let values) = self else { return nil }
        return values
    }

    fileprivate var string: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    fileprivate var integer: Int? {
        guard case .integer(let number) = self else { return nil }
        return number
    }

    fileprivate var oneOrMore: [JSONValue] { array ?? [self] }

    fileprivate subscript(name: String) -> JSONValue? { members?.first { $0.name == name }?.value }
}
