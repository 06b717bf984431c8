/// One Swift file as the rules see it: where it stands, what it imports, and its code without comments and strings.
struct SourceFile {
    /// Relative to the package, as in `Sources/Engine/Loop.swift`.
    let path: String
    let lineCount: Int
    /// What is left of each line when comments and the text of string literals are gone.
    let code: [Substring]

    init(path: String, text: String) {
        self.path = path
        lineCount = text.split(separator: "\n", omittingEmptySubsequences: false).count - (text.hasSuffix("\n") ? 1 : 0)
        code = withoutCommentsAndStrings(text).split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// The folder below `Sources`, which is the module's name; nil for a file elsewhere.
    var module: String? {
        let parts = path.split(separator: "/")
        return parts.count > 2 && parts[0] == "Sources" ? String(parts[1]) : nil
    }

    /// The modules imported, each with its line (from 1). Attributes, access levels, `import struct X.Y` are understood.
    var imports: [(module: String, line: Int)] {
        code.indices.compactMap { index in
            let line = code[index].trimmed
            let pattern =
                /^(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?import\s+(?:(?:struct|class|enum|protocol|func|var|let|typealias)\s+)?(\w+)/
            return line.prefixMatch(of: pattern).map { (String($0.1), index + 1) }
        }
    }

    /// The lines (from 1) on which `word` stands as a word of its own in code.
    func lines(withWord word: String) -> [Int] {
        code.indices.filter { index in
            code[index].split(whereSeparator: { !($0.isLetter || $0.isNumber || $0 == "_") }).contains { $0 == word }
        }.map { $0 + 1 }
    }
}

/// Blanks comments (nested ones too) and the text of string literals, and keeps every line break.
private func withoutCommentsAndStrings(_ text: String) -> String {
    let input = Array(text.utf8)
    var output: [UInt8] = []
    let newline = UInt8(ascii: "\n")
    var index = 0
    var commentDepth = 0

    func starts(_ literal: String) -> Bool {
        input[index...].starts(with: literal.utf8)
    }

    /// Leaves `index` behind the literal that opens at `index`; what it interpolates is blanked with it.
    func skipString() {
        var hashes = 0
        while input[index] == UInt8(ascii: "#") {
            hashes += 1
            index += 1
        }
        let raw = String(repeating: "#", count: hashes)
        let quotes = starts("\"\"\"") ? "\"\"\"" : "\""
        index += quotes.count
        while index < input.count, !starts(quotes + raw) {
            if input[index] == newline { output.append(newline) }
            index += starts("\\" + raw) && index + hashes + 1 < input.count ? hashes + 2 : 1
        }
        index = min(index + quotes.utf8.count + hashes, input.count)
    }

    while index < input.count {
        if commentDepth > 0 {
            if starts("*/") || starts("/*") {
                commentDepth += starts("/*") ? 1 : -1
                index += 2
                continue
            }
            if input[index] == newline { output.append(newline) }
            index += 1
        } else if starts("//") {
            while index < input.count, input[index] != newline { index += 1 }
        } else if starts("/*") {
            commentDepth = 1
            index += 2
        } else if starts("\"") || starts("#\"") || starts("##\"") {
            skipString()
        } else {
            output.append(input[index])
            index += 1
        }
    }
    return String(decoding: output, as: UTF8.self)
}

extension Substring {
    fileprivate var trimmed: Substring {
        drop { $0 == " " || $0 == "\t" || $0 == "\r" }
    }
}
