import Site

/// What a server says of a failure (RFC 7807, and for its parts RFC 8555, section 6.7.1).
internal struct ProblemDocument {
    /// The last part of a type such as `urn:ietf:params:acme:error:caa`; nil without one.
    let type: String?
    /// Its words and those of its parts, each with its name and type; nil without any.
    let detail: String?
    /// The identifiers that it is about, in lower case; empty where it does not say.
    let names: [String]
    /// Where a person is to go on, of a `userActionRequired` (RFC 8555, section 7.3.3); nil where it does not say.
    let instance: String?

    init(_ json: JSONValue?) {
        type = json?["type"]?.text.map { Self.word(of: $0) }
        instance = json?["instance"]?.text
        let words = json?["detail"]?.text
        var (named, told): ([String], [String]) = ([], [])
        for part in json?["subproblems"]?.items ?? [] {
            let name = part["identifier"]?["value"]?.text
            if let name { named.append(name.lowercased()) }
            let type = part["type"]?.text.map { " (\(Self.word(of: $0)))" } ?? ""
            told.append("; \(name ?? "-"): \(part["detail"]?.text ?? "-")\(type)")
        }
        detail = words == nil && told.isEmpty ? nil : (words ?? "") + told.joined()
        names = named.isEmpty && Self.typesOfNames.contains(type ?? "") ? Self.names(in: words ?? "") : named
    }

    private static func word(of type: String) -> String { type.split(separator: ":").last.map { String($0) } ?? type }

    /// The types of refusals that are about identifiers.
    private static let typesOfNames: Set = ["caa", "rejectedIdentifier", "unsupportedIdentifier"]

    /// Whatever could be an identifier: of one name alone CAs make no part, and say `Cannot issue for "foobar.com": …`.
    private static func names(in words: String) -> [String] {
        let parts = words.lowercased().split { character in
            !(character.isASCII && (character.isLetter || character.isNumber) || "-._*:".contains(character))
        }
        return parts.map { part in
            var part = part
            while let last = part.last, ".:".contains(last) { part.removeLast() }
            return String(part)
        }.filter { $0.contains(".") || $0.contains(":") }
    }
}
