extension RulesetScript {
    /// Part of a ruleset as commands, one a line.
    package struct Piece: Sendable, Equatable {
        package let text: String
        /// For each line of the piece the line of the ruleset's text that it comes from, from 1.
        package let lines: [Int]
    }

    /// The whole as commands in pieces that are sent one after the other: what is referred to comes first, so tables,
    /// then chains and sets without content, then elements, then rules.
    ///
    /// - Parameter size: commands of a piece. The kernel takes 400 rules from a user without privilege, and not 600.
    package func pieces(of size: Int = 100) -> [Piece] {
        let commands = self.flattened
        return stride(from: 0, to: commands.count, by: size).map { start in
            let part = commands[start..<min(start + size, commands.count)]
            return Piece(text: part.map(\.text).joined(separator: "\n") + "\n", lines: part.map(\.line))
        }
    }

    /// How many elements one command adds.
    private static let elementsOfACommand = 50

    private var flattened: [Statement] {
        var declared: [Statement] = commands
        var filled: [Statement] = []
        for table in tables {
            let owner = "\(table.family) \(table.name)"
            let flags = table.statements.map(\.text).joined(separator: "; ")
            let tail = flags.isEmpty ? "" : " { \(flags); }"
            declared.append(Statement(text: "add table \(owner)\(tail)", line: table.line))
            // Chains before maps, whose verdicts name them; sets before chains would do as well.
            for block in table.blocks.sorted(by: { $0.kind == "chain" && $1.kind != "chain" }) {
                let head = block.statements.filter { block.kind != "chain" || Self.isHead($0.text) }
                let body = head.map { "\($0.text);" }.joined(separator: " ")
                let tail = body.isEmpty ? "" : " { \(body) }"
                let text = "add \(block.kind) \(owner) \(block.name)\(tail)"
                declared.append(Statement(text: text, line: block.line))
                for start in stride(from: 0, to: block.elements.count, by: Self.elementsOfACommand) {
                    let part = block.elements[start..<min(start + Self.elementsOfACommand, block.elements.count)]
                    filled.append(Self.element("add", part, owner, block.name))
                }
            }
        }
        for table in tables {
            for block in table.blocks where block.kind == "chain" {
                for rule in block.statements where !Self.isHead(rule.text) {
                    let text = "add rule \(table.family) \(table.name) \(block.name) \(rule.text)"
                    filled.append(Statement(text: text, line: rule.line))
                }
            }
        }
        return declared + filled
    }

    /// `add` or `delete` for some elements of a set.
    static func element(
        _ verb: String,
        _ part: some Collection<Statement>,
        _ owner: String,
        _ set: String
    ) -> Statement {
        let list = part.map(\.text).joined(separator: ", ")
        return Statement(text: "\(verb) element \(owner) \(set) { \(list) }", line: part.first?.line ?? 1)
    }

    /// Whether a statement of a chain is about the chain and no rule.
    private static func isHead(_ text: String) -> Bool {
        ["type ", "policy ", "comment ", "flags "].contains { text.hasPrefix($0) }
    }
}
