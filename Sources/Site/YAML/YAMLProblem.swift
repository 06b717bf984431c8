/// Says what libyaml means.
enum YAMLProblem {
    static func report(_ failure: YAMLEvent.Failure, at range: SourceRange, to collector: inout DiagnosticCollector) {
        if let offset = failure.offset {
            collector.report(
                .syntax,
                at: SourceRange(collector.source.position(of: offset)),
                "the file is no text: \(failure.problem)",
                help: "a site file is UTF-8"
            )
        } else {
            collector.report(.syntax, at: range, "this is no YAML: \(failure.problem)", help: help(failure.problem))
        }
    }

    private static func help(_ problem: String) -> String? {
        switch problem {
        case "found character that cannot start any token":
            "indent with spaces, not tabs, and quote a value that begins with one of @ ` %"
        case "mapping values are not allowed in this context":
            "a second `: ` stands in this line: quote the value, or check the line's indentation"
        case "did not find expected key", "could not find expected ':'":
            "check the indentation, and that every key has its `:`"
        case "did not find expected ',' or '}'", "did not find expected ',' or ']'":
            "a bracket before this is not closed, or a `,` is missing"
        case "found unexpected end of stream": "a quote is not closed"
        default: nil
        }
    }
}
