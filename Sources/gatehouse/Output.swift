import Linux

/// What people read.
enum Output {
    /// Writes a line to standard error.
    static func error(_ text: String) {
        StandardError.write(text + "\n")
    }
}
