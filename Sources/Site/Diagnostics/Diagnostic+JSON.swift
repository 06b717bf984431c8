extension Diagnostic {
    /// `file`, `line`, `column`, `width`, `severity`, `code`, `message`, and where there are any `help` and `text`, the
    /// line at fault.
    var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("file", .string(file)),
            .init("line", .integer(line)),
            .init("column", .integer(column)),
            .init("width", .integer(width)),
            .init("severity", .string(severity.rawValue)),
            .init("code", .string(code.rawValue)),
            .init("message", .string(message)),
        ]
        if let help { members.append(.init("help", .string(help))) }
        if let excerpt { members.append(.init("text", .string(excerpt.text))) }
        return .object(members)
    }

    /// Several, as a JSON array.
    package static func json(_ diagnostics: [Diagnostic]) -> String {
        JSONValue.array(diagnostics.map(\.json)).indented
    }
}
