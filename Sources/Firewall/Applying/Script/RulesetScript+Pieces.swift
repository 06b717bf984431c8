extension RulesetScript {
    /// Part of a ruleset as commands, one a line.
    package struct Piece: Sendable, Equatable {
        let commands: [Statement]

        package var text: String { commands.map { $0.text + "\n" }.joined() }
        /// For each line of the piece the line of the ruleset's text that it comes from, from 1.
        package var lines: [Int] { commands.map(\.line) }
        /// The same as two, of which the first is to be sent first; nil for a single command.
        package var halves: (first: Piece, second: Piece)? {
            guard commands.count > 1 else { return nil }
            let middle = commands.count / 2
            return (Piece(commands: Array(commands[..<middle])), Piece(commands: Array(commands[middle...])))
        }
    }

    /// The whole as commands in pieces that are sent one after the other: what is referred to comes first, so tables,
    /// then chains and sets without content, then elements, then rules.
    ///
    /// - Parameter size: commands of a piece. The kernel takes 400 rules from a user without privilege, and not 600; of
    ///   elements, of which a command has many, it may take fewer commands.
    package func pieces(of size: Int = 100) -> [Piece] {
        let commands = self.flattened
        return stride(from: 0, to: commands.count, by: size).map { start in
            Piece(commands: Array(commands[start..<min(start + size, commands.count)]))
        }
    }

    private var flattened: [Statement] {
        var declared: [Statement] = commands
        var filled: [Statement] = []
        var rules: [Statement] = []
        for table in tables {
            let flags = table.statements.map(\.text).joined(separator: "; ")
            let tail = flags.isEmpty ? "" : " { \(flags); }"
            declared.append(Statement(text: "add table \(table.owner)\(tail)", line: table.line))
            declared += Self.declarations(of: table.blocks, table.owner)
            filled += table.blocks.flatMap { Self.fillings(of: $0, table.owner) }
            rules += table.blocks.flatMap { Self.rules(of: $0, table.owner) }
        }
        return declared + filled + rules
    }

    /// Commands that make chains, sets and maps without content. Chains before maps, whose verdicts name them; sets before
    /// chains would do as well.
    static func declarations(of blocks: [Block], _ owner: String) -> [Statement] {
        blocks.sorted { $0.isChain && !$1.isChain }.map { block in
            let body = block.head.map { "\($0.text);" }.joined(separator: " ")
            let tail = body.isEmpty ? "" : " { \(body) }"
            return Statement(text: "add \(block.kind) \(owner) \(block.name)\(tail)", line: block.line)
        }
    }

    /// Commands that put the elements into a set or map.
    static func fillings(of block: Block, _ owner: String) -> [Statement] {
        elements("add", block.elements, owner, block.name)
    }

    /// Commands that put the rules into a chain, in order.
    static func rules(of block: Block, _ owner: String) -> [Statement] {
        block.rules.map { Statement(text: "add rule \(owner) \(block.name) \($0.text)", line: $0.line) }
    }

    /// How many elements one command adds.
    private static let elementsOfACommand = 50

    /// `add` or `delete` for some elements of a set.
    static func elements(_ verb: String, _ elements: [Statement], _ owner: String, _ set: String) -> [Statement] {
        stride(from: 0, to: elements.count, by: elementsOfACommand).map { start in
            let part = elements[start..<min(start + elementsOfACommand, elements.count)]
            let list = part.map(\.text).joined(separator: ", ")
            return Statement(text: "\(verb) element \(owner) \(set) { \(list) }", line: part[start].line)
        }
    }
}

extension RulesetScript.Block {
    var isChain: Bool { kind == "chain" }

    /// What stands in it about itself: of a chain its hook, of a set its type.
    var head: [RulesetScript.Statement] { isChain ? statements.filter(\.isAboutChain) : statements }

    package var rules: [RulesetScript.Statement] { isChain ? statements.filter { !$0.isAboutChain } : [] }
}

extension RulesetScript.Statement {
    fileprivate var isAboutChain: Bool { ["type ", "policy ", "comment ", "flags "].contains { text.hasPrefix($0) } }
}
