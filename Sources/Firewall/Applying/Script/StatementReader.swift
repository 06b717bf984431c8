/// Reads nft text statement by statement: a statement ends at a line break or a semicolon outside of braces, a quoted
/// string is one piece, and `#` begins a comment.
struct StatementReader {
    enum End { case statement, block, close }

    private let bytes: [UInt8]
    private var position = 0
    private var line = 1

    init(_ bytes: [UInt8], line: Int = 1) {
        self.bytes = bytes
        self.line = line
    }

    /// The next statement, what opens a block, or the end of one; nil at the end of the text.
    ///
    /// - Parameter inBlock: inside a chain or set braces belong to statements: they open no block.
    mutating func next(
        inBlock: Bool = false
    ) throws(RulesetScriptError) -> (statement: RulesetScript.Statement, end: End)? {
        var text: [UInt8] = []
        var start = line
        var depth = 0
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            if text.isEmpty { start = line }
            switch byte {
            case UInt8(ascii: "\""):
                try quote(into: &text)
            case UInt8(ascii: "#"):
                while position < bytes.count, bytes[position] != 0x0A { position += 1 }
            case UInt8(ascii: "\\") where position < bytes.count && bytes[position] == 0x0A:
                position += 1
                line += 1
                Self.space(&text)
            case 0x0A, UInt8(ascii: ";"):
                defer { if byte == 0x0A { line += 1 } }
                if depth > 0 {
                    Self.space(&text)
                } else if !text.isEmpty {
                    return (Self.statement(text, start), .statement)
                }
            case UInt8(ascii: "{"):
                if !inBlock, depth == 0 { return (Self.statement(text, start), .block) }
                depth += 1
                text.append(byte)
            case UInt8(ascii: "}"):
                if depth == 0 {
                    // What stands before the brace on its line is a statement of its own; the brace comes next time.
                    guard text.isEmpty else {
                        position -= 1
                        return (Self.statement(text, start), .statement)
                    }
                    return (Self.statement([], start), .close)
                }
                depth -= 1
                text.append(byte)
            case 0x20, 0x09, 0x0D: Self.space(&text)
            default: text.append(byte)
            }
        }
        guard depth == 0 else { throw RulesetScriptError(line: start, "a brace is not closed") }
        return text.isEmpty ? nil : (Self.statement(text, start), .statement)
    }

    private mutating func quote(into text: inout [UInt8]) throws(RulesetScriptError) {
        text.append(UInt8(ascii: "\""))
        while position < bytes.count, bytes[position] != 0x0A {
            text.append(bytes[position])
            position += 1
            if text.last == UInt8(ascii: "\"") { return }
        }
        throw RulesetScriptError(line: line, "a quotation mark is not closed")
    }

    /// One space for any number of them, and none at the start.
    private static func space(_ text: inout [UInt8]) {
        if let last = text.last, last != 0x20 { text.append(0x20) }
    }

    private static func statement(_ text: [UInt8], _ line: Int) -> RulesetScript.Statement {
        let end = text.last == 0x20 ? text.count - 1 : text.count
        return RulesetScript.Statement(text: String(decoding: text[..<end], as: UTF8.self), line: line)
    }

    /// The elements of `elements = { a, b, c }`.
    static func elements(
        of statement: RulesetScript.Statement
    ) throws(RulesetScriptError) -> [RulesetScript.Statement] {
        let bytes = Array(statement.text.utf8)
        guard let open = bytes.firstIndex(of: UInt8(ascii: "{")), bytes.last == UInt8(ascii: "}") else {
            throw RulesetScriptError(line: statement.line, "elements without braces")
        }
        var found: [RulesetScript.Statement] = []
        var text: [UInt8] = []
        var depth = 0
        var isQuoted = false
        for byte in bytes[(open + 1)..<(bytes.count - 1)] {
            if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            if byte == UInt8(ascii: "{"), !isQuoted { depth += 1 }
            if byte == UInt8(ascii: "}"), !isQuoted { depth -= 1 }
            if byte == UInt8(ascii: ","), depth == 0, !isQuoted {
                if !text.isEmpty { found.append(self.statement(text, statement.line)) }
                text = []
            } else if byte == 0x20, !isQuoted {
                space(&text)
            } else {
                text.append(byte)
            }
        }
        if !text.isEmpty { found.append(self.statement(text, statement.line)) }
        return found
    }
}
