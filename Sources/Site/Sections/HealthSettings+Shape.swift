extension HealthSettings {
    /// `health` of a pool.
    static let shape = HealthKeys.shape
}

/// The keys of `health` before it is known which kind of check it is.
private struct HealthKeys {
    var path: String?
    var tcp: Bool?
    var http = HTTPCheck(path: "")
    var health = HealthSettings(.tcp)

    static let shape = Shape<HealthKeys>.mapping(
        HealthKeys(),
        [
            .key("path", \.path, .urlPath, "Checks by GET of this path."),
            .key("tcp", \.tcp, .onlyTrue, "Checks by connecting."),
            .key("every", \.health.every, .duration(), "The time between two checks."),
            .key("timeout", \.health.timeout, .duration(), "How long one check may take."),
            .key("fall", \.health.fall, .integer(1...1000), "So many failures in a row take a server out."),
            .key("rise", \.health.rise, .integer(1...1000), "So many successes in a row bring it back."),
            .key(
                "status",
                \.http.statuses,
                .oneOrMore(of: .statusRange),
                "Healthy answers, such as 200, 2xx or 200-399."
            ),
            .key("body", \.http.body, .plainText("text"), "What a healthy answer contains."),
            .key("host", \.http.host, .plainText("a host name"), "The Host field of the check."),
        ],
        exactlyOneOf: [["path", "tcp"]]
    ).placed(\.health.position).map { keys, node, decoding -> HealthSettings? in
        var health = keys.health
        guard let path = keys.path else {
            for key in ["status", "body", "host"] {
                guard let value = node[key] else { continue }
                decoding.collector.report(
                    .conflict,
                    at: value.range,
                    "`\(key)` belongs to a check by HTTP",
                    help: "replace `tcp` with `path`, or remove `\(key)`"
                )
            }
            return health
        }
        var http = keys.http
        http.path = path
        health.check = .http(http)
        return health
    }
}

extension Shape where Value == Bool {
    /// `true`: to leave the key out is the other choice.
    fileprivate static let onlyTrue = Shape(schema: [.init("const", .boolean(true))]) { node, decoding in
        guard case .scalar("true", isPlain: true) = node.content else {
            decoding.wrongType(node, expected: "true, or left out")
            return nil
        }
        return true
    }
}

extension Shape where Value == ClosedRange<Int> {
    /// One status, a class of them, or a range.
    fileprivate static let statusRange = Shape.scalar(
        "a status such as 200 or 200-399",
        schema: [
            .init("type", .array([.string("string"), .string("integer")])),
            .init("pattern", .string("^[1-5]([0-9][0-9](-[1-5][0-9][0-9])?|xx)$")),
        ],
        encode: { .string($0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)") }
    ) { (text) throws(ValueFault) in
        let fault = ValueFault("is no status", help: "write it like `200`, `2xx` or `200-399`")
        guard text.utf8.count != 3 || !text.hasSuffix("xx") else {
            guard let digit = text.first?.wholeNumberValue, (1...5).contains(digit) else { throw fault }
            return digit * 100...digit * 100 + 99
        }
        let bounds = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let statuses = bounds.compactMap { $0.utf8.count == 3 ? Int($0) : nil }
        guard statuses.count == bounds.count, let first = statuses.first, let last = statuses.last, first <= last,
            (100...599).contains(first), (100...599).contains(last)
        else { throw fault }
        return first...last
    }
}
