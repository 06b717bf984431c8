/// Something that is wrong, or doubtful, in a site file.
package struct Diagnostic: Sendable, Equatable {
    package enum Severity: String, Sendable {
        /// The file is refused.
        case error
        /// The file is taken, but probably not what was meant.
        case warning
        /// The file may well be what was meant; who writes his first may not expect what follows from it.
        case note
    }

    /// What kind of fault it is: a word that stays the same from release to release, for scripts.
    package enum Code: String, Sendable, CaseIterable {
        // The file as such.
        case unreadable
        case tooLarge = "too-large"
        // The file as YAML.
        case syntax
        case anchor, alias, tag, directive
        case documents
        case empty
        case tooDeep = "too-deep"
        case tooManyNodes = "too-many-nodes"
        case duplicateKey = "duplicate-key"
        case complexKey = "complex-key"
        // The file as a site.
        case unknownKey = "unknown-key"
        case missingKey = "missing-key"
        case wrongType = "wrong-type"
        case invalidValue = "invalid-value"
        case unknownName = "unknown-name"
        case conflict
        case duplicate
        case unused
        case uncovered
        case ineffective
        case needs
        // The firewall as a whole: what it claims, and what it is tried with.
        case claim, test
        // What the file refers to.
        case certificate, reference
    }

    package var severity: Severity
    package var code: Code
    /// The file as the user named it.
    package var file: String
    /// Counted from 1; 0 when the fault is the file as a whole.
    package var line: Int
    /// Counted from 1, in characters; 0 when the fault is the file as a whole.
    package var column: Int
    /// How many characters from `column` on are at fault. At least 1.
    package var width: Int
    /// What is wrong, in one line.
    package var message: String
    /// What to do about it, in one line.
    package var help: String?
    /// The line of the file that is at fault, harmless to print; nil when the fault is the file as a whole.
    package var excerpt: SourceExcerpt?

    package init(
        _ severity: Severity,
        _ code: Code,
        file: String,
        line: Int = 0,
        column: Int = 0,
        width: Int = 1,
        message: String,
        help: String? = nil,
        excerpt: SourceExcerpt? = nil
    ) {
        self.severity = severity
        self.code = code
        self.file = file
        self.line = line
        self.column = column
        self.width = max(width, 1)
        self.message = message
        self.help = help
        self.excerpt = excerpt
    }

    /// One about what stands at `position`, which may be that of no file.
    package init(
        _ severity: Severity,
        _ code: Code,
        file: String,
        at position: SourcePosition,
        message: String,
        help: String? = nil
    ) {
        self.init(
            severity,
            code,
            file: file,
            line: position.line,
            column: position.column,
            message: message,
            help: help
        )
    }
}
