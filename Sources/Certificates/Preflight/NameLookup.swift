package import Site

/// What the DNS says of names, for a look before an order. Blocks its thread.
package protocol NameLookup: AnyObject {
    /// The addresses of each name; none for one that has none. A name is missing when name servers gave no answer.
    func addresses(of names: [String]) -> [String: [IPAddress]]

    /// The CAA records at each name itself; missing likewise.
    func restrictions(at names: [String]) -> [String: [CAARecord]]
}

/// One CAA record (RFC 8659, section 4.1).
package struct CAARecord: Sendable, Equatable {
    package let isCritical: Bool
    package let tag: String
    package let value: String

    package init(isCritical: Bool = false, tag: String, value: String) {
        self.isCritical = isCritical
        self.tag = tag.lowercased()
        self.value = value
    }

    /// What the value of `issue` and `issuewild` says (section 4.2): a CA, or none, and on which terms.
    internal struct Permission {
        let issuer: String
        let parameters: [String: String]
    }

    /// nil for a value that is malformed, and so permits nobody.
    internal var permission: Permission? {
        let parts = value.split(separator: ";", omittingEmptySubsequences: false).map(Self.trimmed)
        var parameters: [String: String] = [:]
        for part in parts.dropFirst() where !part.isEmpty {
            guard let sign = part.firstIndex(of: "=") else { return nil }
            let name = Self.trimmed(part[..<sign]).lowercased()
            parameters[name] = Self.trimmed(part[part.index(after: sign)...])
        }
        return Permission(issuer: (parts.first ?? "").lowercased(), parameters: parameters)
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        let isSpace = { (character: Character) in character == " " || character == "\t" }
        return String(String(text.drop(while: isSpace).reversed()).drop(while: isSpace).reversed())
    }
}
