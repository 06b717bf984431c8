/// One line of a file, or the part of a long one around a fault, with what no terminal should be sent replaced.
package struct SourceExcerpt: Sendable, Equatable {
    /// One printable character for each of the file's, so that columns stay true.
    package let text: String
    /// Where in `text` the fault begins, counted from 0 in characters.
    package let offset: Int

    /// The longest excerpt, in characters.
    static let maximumLength = 160

    /// - Parameters:
    ///   - line: the characters of the whole line, or as many as matter.
    ///   - column: the fault's, counted from 1.
    init(line: some Sequence<Unicode.Scalar>, column: Int) {
        // A fault far to the right in a long line is shown with a third of the window before it.
        let start = column <= Self.maximumLength / 2 ? 0 : column - Self.maximumLength / 3
        let scalars = Array(line.dropFirst(start).prefix(Self.maximumLength + 1))
        var text = start > 0 ? "…" : ""
        for scalar in scalars.prefix(Self.maximumLength) { text.unicodeScalars.append(Self.printable(scalar)) }
        if scalars.count > Self.maximumLength { text += "…" }
        self.text = text
        offset = min(max(column - 1 - start, 0), scalars.count) + (start > 0 ? 1 : 0)
    }

    /// A control or formatting character could move the cursor or change how a terminal reads what follows.
    private static func printable(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        switch scalar.properties.generalCategory {
        case .control: scalar == "\t" ? " " : "\u{FFFD}"
        case .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator, .nonspacingMark,
            .enclosingMark, .spacingMark:
            "\u{FFFD}"
        default: scalar
        }
    }
}

/// A word of the file as messages quote it: between backticks, shortened, and harmless to print.
func quoted(_ word: String) -> String {
    let line = SourceExcerpt(line: word.unicodeScalars.prefix(60), column: 1).text
    return "`" + line + (word.unicodeScalars.count > 60 ? "…" : "") + "`"
}
