import Linux

/// What people read.
enum Output {
    /// Writes a line to standard error.
    static func error(_ text: String) {
        StandardError.write(text + "\n")
    }

    /// Writes a line to standard output at once, also when that is no terminal.
    static func line(_ text: String) {
        var rest = Array((text + "\n").utf8)[...]
        while !rest.isEmpty, let count = FileWriting.append(rest.span, to: 1) { rest = rest.dropFirst(count) }
    }
}
