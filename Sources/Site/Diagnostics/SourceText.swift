/// The bytes of a file, and its lines, found when a fault is to be shown.
struct SourceText: Sendable {
    /// The file as the user named it.
    let name: String
    /// UTF-8 without a byte order mark.
    let bytes: [UInt8]

    init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
    }

    /// The position of a byte.
    func position(of offset: Int) -> SourcePosition {
        var line = 1
        var start = 0
        while let end = endOfLine(from: start), end.next <= offset {
            line += 1
            start = end.next
        }
        let column = String(decoding: bytes[start..<max(start, min(offset, bytes.count))], as: UTF8.self)
            .unicodeScalars.count
        return SourcePosition(line: line, column: column + 1)
    }

    /// Each line that is asked for, with its bytes. One pass over the file, however many are asked for.
    func lines(_ wanted: Set<Int>) -> [Int: ArraySlice<UInt8>] {
        var found: [Int: ArraySlice<UInt8>] = [:]
        let last = wanted.max() ?? 0
        var line = 1
        var start = 0
        while line <= last {
            let end = endOfLine(from: start)
            if wanted.contains(line) { found[line] = bytes[start..<(end?.content ?? bytes.count)] }
            guard let end else { break }
            line += 1
            start = end.next
        }
        return found
    }

    /// The same diagnostics, each with the line of this file where it stands.
    func showingLines(_ diagnostics: [Diagnostic]) -> [Diagnostic] {
        let lines = lines(Set(diagnostics.map(\.line)))
        return diagnostics.map { diagnostic in
            var diagnostic = diagnostic
            // A file of one huge line is cut before it is decoded.
            diagnostic.excerpt = lines[diagnostic.line].map { bytes in
                SourceExcerpt(
                    line: String(decoding: bytes.prefix(diagnostic.column * 4 + 1024), as: UTF8.self).unicodeScalars,
                    column: diagnostic.column
                )
            }
            return diagnostic
        }
    }

    /// Where the first line stands that begins with a byte.
    func firstLine(beginningWith byte: UInt8) -> SourcePosition? {
        guard bytes.contains(byte) else { return nil }
        var line = 1
        var start = 0
        while start < bytes.count {
            if bytes[start] == byte { return SourcePosition(line: line, column: 1) }
            guard let end = endOfLine(from: start) else { return nil }
            line += 1
            start = end.next
        }
        return nil
    }

    /// Where the line ends and the next begins. Breaks are YAML 1.1's, as libyaml counts them: CR, LF, CRLF, NEL, LS,
    /// PS.
    private func endOfLine(from start: Int) -> (content: Int, next: Int)? {
        var index = start
        while index < bytes.count {
            switch bytes[index] {
            case 0x0A: return (index, index + 1)
            case 0x0D: return (index, follows(index, [0x0A]) ? index + 2 : index + 1)
            case 0xC2 where follows(index, [0x85]): return (index, index + 2)
            case 0xE2 where follows(index, [0x80, 0xA8]) || follows(index, [0x80, 0xA9]): return (index, index + 3)
            default: index += 1
            }
        }
        return nil
    }

    private func follows(_ index: Int, _ tail: [UInt8]) -> Bool {
        bytes[(index + 1)...].starts(with: tail)
    }
}
