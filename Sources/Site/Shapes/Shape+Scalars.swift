extension Shape {
    /// A value that is written as one word.
    ///
    /// - Parameters:
    ///   - noun: what it is, with its article: `a duration such as 2s`.
    ///   - parse: its grammar.
    static func scalar(
        _ noun: String,
        schema: [JSONValue.Member],
        encode: @escaping @Sendable (Value) -> JSONValue?,
        parse: @escaping @Sendable (String) throws(ValueFault) -> Value
    ) -> Shape {
        Shape(schema: schema, encode: encode) { node, decoding in
            guard let text = node.word else {
                decoding.wrongType(node, expected: noun)
                return nil
            }
            do throws(ValueFault) {
                return try parse(text)
            } catch {
                decoding.invalid(node, quoted(text) + " " + error.problem, help: error.help)
                return nil
            }
        }
    }

    /// A value that is written as text, with a pattern (ECMA 262) for editors that is no stricter than its grammar.
    static func text(
        _ noun: String,
        pattern: String? = nil,
        describe: @escaping @Sendable (Value) -> String?,
        parse: @escaping @Sendable (String) throws(ValueFault) -> Value
    ) -> Shape {
        let type = JSONValue.Member("type", .string("string"))
        return scalar(
            noun,
            schema: pattern.map { [type, .init("pattern", .string($0))] } ?? [type],
            encode: { describe($0).map { .string($0) } },
            parse: parse
        )
    }
}

extension Shape where Value == String {
    /// The name of a thing of the site. It may become a rule id, a label of metrics or the name of a file.
    static let identifier = Shape.text(
        "a name",
        pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$",
        describe: { $0 },
        parse: Identifier.check
    )

    /// The name of something that was defined before this.
    static func reference(to kind: Decoding.NameKind) -> Shape {
        Shape(schema: identifier.schema, encode: { .string($0) }) { node, decoding in
            guard let name = node.word else {
                decoding.wrongType(node, expected: "the name of a \(kind.rawValue)")
                return nil
            }
            guard decoding.contains(name, kind) else {
                decoding.unknown(node, kind.rawValue, name, among: [kind])
                return nil
            }
            return name
        }
    }

    /// The path of a file or directory, resolved against the directory of the site file.
    static let filePath = Shape.text("a path", describe: { $0 }) { (text) throws(ValueFault) in
        guard !text.isEmpty, text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F }) else {
            throw ValueFault("is no path")
        }
        return text
    }.map({ path, _, decoding in decoding.resolve(path) }, encode: { .string($0) })

    /// The path of a URL.
    static let urlPath = Shape.text("a path such as /healthz", pattern: "^/", describe: { $0 }) {
        (text) throws(ValueFault) in
        guard text.hasPrefix("/") else { throw ValueFault("does not begin with `/`", help: "write `/\(text)`") }
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") }) else {
            throw ValueFault("holds what no request target may", help: "write it percent-encoded")
        }
        return text
    }

    /// Text without control characters, never empty.
    static func plainText(_ noun: String) -> Shape {
        .text(noun, describe: { $0 }) { (text) throws(ValueFault) in
            guard !text.isEmpty else { throw ValueFault("is empty") }
            guard text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control }) else {
                throw ValueFault("holds control characters")
            }
            return text
        }
    }
}

extension Shape where Value == Int {
    /// A whole number, written without quotes.
    static func integer(_ range: ClosedRange<Int>) -> Shape {
        let noun =
            range.upperBound == .max
            ? "a number from \(range.lowerBound)" : "a number from \(range.lowerBound) to \(range.upperBound)"
        var schema: [JSONValue.Member] = [
            .init("type", .string("integer")), .init("minimum", .integer(range.lowerBound)),
        ]
        if range.upperBound < .max { schema.append(.init("maximum", .integer(range.upperBound))) }
        return Shape(schema: schema, encode: { .integer($0) }) { node, decoding in
            guard case .scalar(_, isPlain: true) = node.content, let text = node.word else {
                decoding.wrongType(node, expected: noun)
                return nil
            }
            // Octal and hexadecimal numbers, which YAML has, are taken for mistakes.
            let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
            guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                digits == "0" || digits.first != "0"
            else {
                decoding.invalid(node, "\(quoted(text)) is no number", help: "write \(noun)")
                return nil
            }
            guard let number = Int(text), range.contains(number) else {
                decoding.invalid(node, "\(quoted(text)) is out of range", help: "write \(noun)")
                return nil
            }
            return number
        }
    }
}

extension Shape where Value == UInt16 {
    static let port = Shape<Int>.integer(1...65535).map(
        { number, _, _ in UInt16(number) },
        encode: { .integer(Int($0)) }
    )
}

extension Shape where Value == Bool {
    static let boolean = Shape(schema: [.init("type", .string("boolean"))], encode: { .boolean($0) }) {
        node,
        decoding in
        switch node.content {
        case .scalar("true", isPlain: true): return true
        case .scalar("false", isPlain: true): return false
        default:
            decoding.wrongType(node, expected: "true or false")
            return nil
        }
    }
}

extension Shape where Value: RawRepresentable & CaseIterable & Sendable, Value.RawValue == String {
    /// One of some words.
    static var word: Shape {
        let words = Value.allCases.map(\.rawValue)
        return Shape(
            schema: [.init("enum", .array(words.map { .string($0) }))],
            encode: { .string($0.rawValue) },
            decode: { node, decoding in
                guard let text = node.word else {
                    decoding.wrongType(node, expected: "one of " + words.map { "`\($0)`" }.joined(separator: ", "))
                    return nil
                }
                guard let value = Value(rawValue: text) else {
                    decoding.invalid(
                        node,
                        "\(quoted(text)) is not known here",
                        help: Decoding.suggestion(for: text, among: words)
                    )
                    return nil
                }
                return value
            }
        )
    }
}

extension Shape where Value == Duration {
    /// A time with its unit, `shortest` or longer and at most ten years.
    static func duration(atLeast shortest: Duration = .milliseconds(1)) -> Shape {
        .text("a time such as 2s", pattern: "^[0-9]+ ?(ms|s|m|h|d)$", describe: { $0.siteText }) {
            (text) throws(ValueFault) in
            let value = try Duration(siteText: text)
            guard value >= shortest else {
                throw ValueFault("is too short", help: "write `\(shortest.siteText)` or more")
            }
            guard value <= .seconds(3650 * 86_400) else {
                throw ValueFault("is too long", help: "write `3650d` or less")
            }
            return value
        }
    }
}

extension Shape where Value == ByteSize {
    /// A number of bytes, with a unit or without.
    static func size(_ range: ClosedRange<ByteSize>) -> Shape {
        .scalar(
            "a size such as 64 KiB",
            schema: [
                .init("type", .array([.string("string"), .string("integer")])),
                .init("pattern", .string("^[0-9]+ ?([KMGT]iB|[kMGT]?B)?$")),
            ],
            encode: { .string($0.description) }
        ) { (text) throws(ValueFault) in
            let value = try ByteSize(siteText: text)
            guard range.contains(value) else {
                throw ValueFault(
                    "is out of range",
                    help: "write a size from \(range.lowerBound) to \(range.upperBound)"
                )
            }
            return value
        }
    }
}

extension Shape where Value == IPAddress {
    static let address = Shape.text("an IP address", describe: \.description, parse: IPAddress.init(text:))

    /// One that somebody can listen on.
    static let socketAddress = Shape.text("an IP address", describe: \.description) { (text) throws(ValueFault) in
        let address = try IPAddress(text: text)
        if let fault = address.faultOfSocket { throw fault }
        return address
    }
}

extension Shape where Value == NameServer {
    static let nameServer = Shape.text(
        "an IP address, with a port or without",
        describe: \.description
    ) { (text) throws(ValueFault) in
        let server = try NameServer(text: text)
        if let fault = server.address.faultOfSocket { throw fault }
        return server
    }
}

extension Shape where Value == IPNetwork {
    static let network = Shape.text(
        "a network such as 10.0.0.0/8",
        describe: \.description,
        parse: IPNetwork.init(text:)
    )
}

extension Shape where Value == InterfaceAddress {
    static let interfaceAddress = Shape.text(
        "an address with its prefix, such as 10.10.0.21/24",
        describe: \.description,
        parse: InterfaceAddress.init(text:)
    )
}

extension Shape where Value == HostPattern {
    static let hostPattern = Shape.text("a host name", describe: \.description, parse: HostPattern.init(text:))
}
