import Linux

/// What people read. What comes from outside is made printable here, so that no terminal obeys it.
enum Output {
    /// Writes a line to standard error.
    static func error(_ text: String) {
        StandardError.write(text + "\n")
    }

    /// Writes a line to standard output at once, also when that is no terminal.
    static func line(_ text: String) {
        self.text(text.printable + "\n")
    }

    /// Writes text to standard output at once, as it is.
    static func text(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty, let count = FileWriting.append(rest.span, to: 1) { rest = rest.dropFirst(count) }
    }
}
