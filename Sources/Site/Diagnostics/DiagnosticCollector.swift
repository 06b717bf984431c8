/// Takes the faults of one file as they are found, all of them, but keeps no more than a person would read.
struct DiagnosticCollector {
    let source: SourceText
    private(set) var diagnostics: [Diagnostic] = []
    /// How many more there were.
    private(set) var omitted = 0
    /// Whether any was an error, kept or not.
    private(set) var hasErrors = false

    /// The most that is kept.
    static let limit = 100

    init(_ source: SourceText) {
        self.source = source
    }

    /// - Parameters:
    ///   - place: what is at fault; nil when it is the file as a whole.
    ///   - message: worked out only if it is kept, like `help`.
    mutating func report(
        _ code: Diagnostic.Code,
        _ severity: Diagnostic.Severity = .error,
        at place: SourceRange?,
        _ message: @autoclosure () -> String,
        help: @autoclosure () -> String? = nil
    ) {
        if severity == .error { hasErrors = true }
        guard diagnostics.count < Self.limit else {
            omitted += 1
            return
        }
        diagnostics.append(
            Diagnostic(
                severity,
                code,
                file: source.name,
                line: place?.start.line ?? 0,
                column: place?.start.column ?? 0,
                width: place?.width ?? 1,
                message: message(),
                help: help()
            )
        )
    }

    /// What was found, in the order of the file, each with its line.
    consuming func finish() -> [Diagnostic] {
        source.showingLines(
            diagnostics
                .enumerated()
                .sorted {
                    ($0.element.line, $0.element.column, $0.offset) < ($1.element.line, $1.element.column, $1.offset)
                }
                .map(\.element)
        )
    }
}

/// A stretch of one line.
struct SourceRange: Sendable {
    let start: SourcePosition
    /// In characters; at least 1.
    let width: Int

    init(_ start: SourcePosition, width: Int = 1) {
        self.start = start
        self.width = max(width, 1)
    }
}
