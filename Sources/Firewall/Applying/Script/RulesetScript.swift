/// A ruleset's text taken apart into statements, as nft(8) has them, as far as needed to send it in pieces, and to tell
/// in which of them two differ. Rules are not understood here.
package struct RulesetScript: Sendable, Equatable {
    /// One statement on one line: comments are gone, and so are line breaks inside braces.
    package struct Statement: Sendable, Equatable {
        package let text: String
        /// Where it begins in the text, from 1.
        package let line: Int
    }

    /// A `chain`, `set`, `map`, `counter`, … of a table.
    package struct Block: Sendable, Equatable {
        package let kind: String
        package let name: String
        package let line: Int
        /// What stands in the block, but for elements.
        package var statements: [Statement] = []
        /// The elements of a set or map.
        package var elements: [Statement] = []
    }

    package struct Table: Sendable, Equatable {
        package let family: String
        package let name: String
        package let line: Int
        /// What stands in the table outside of blocks: flags, a comment.
        package var statements: [Statement] = []
        package var blocks: [Block] = []
    }

    /// What stands outside of tables, in order: `add table …`, `delete table …`.
    package private(set) var commands: [Statement] = []
    package private(set) var tables: [Table] = []

    package init(_ text: String) throws(RulesetScriptError) {
        var reader = StatementReader(Array(text.utf8))
        while let opening = try reader.next() {
            switch opening.end {
            case .statement: commands.append(opening.statement)
            case .block: tables.append(try Self.table(opening.statement, &reader))
            case .close: throw RulesetScriptError(line: opening.statement.line, "a brace is closed that was not opened")
            }
        }
    }

    private static func table(
        _ opening: Statement,
        _ reader: inout StatementReader
    ) throws(RulesetScriptError) -> Table {
        var words = opening.text.split(separator: " ").map(String.init)
        if words.first == "add" { words.removeFirst() }
        guard words.first == "table", words.count == 2 || words.count == 3 else {
            throw RulesetScriptError(line: opening.line, "`\(opening.text)` opens no table")
        }
        var table = Table(
            family: words.count == 3 ? words[1] : "ip",
            name: words[words.count - 1],
            line: opening.line
        )
        while let inner = try reader.next() {
            switch inner.end {
            case .close: return table
            case .statement: table.statements.append(inner.statement)
            case .block: table.blocks.append(try block(inner.statement, &reader))
            }
        }
        throw RulesetScriptError(line: opening.line, "the table is not closed")
    }

    private static func block(
        _ opening: Statement,
        _ reader: inout StatementReader
    ) throws(RulesetScriptError) -> Block {
        let words = opening.text.split(separator: " ").map(String.init)
        guard words.count >= 2 else { throw RulesetScriptError(line: opening.line, "a block without a kind or a name") }
        let kind = words.dropLast().joined(separator: " ")
        var block = Block(kind: kind, name: words[words.count - 1], line: opening.line)
        while let inner = try reader.next(inBlock: true) {
            switch inner.end {
            case .close: return block
            case .block: throw RulesetScriptError(line: inner.statement.line, "a block in a block")
            case .statement:
                if kind != "chain", inner.statement.text.hasPrefix("elements ") {
                    block.elements += try StatementReader.elements(of: inner.statement)
                } else {
                    block.statements.append(inner.statement)
                }
            }
        }
        throw RulesetScriptError(line: opening.line, "the block is not closed")
    }
}

/// Text that cannot be taken apart.
package struct RulesetScriptError: Error, Sendable, Equatable {
    /// From 1.
    package let line: Int
    package let message: String

    init(line: Int, _ message: String) {
        self.line = line
        self.message = message
    }
}
