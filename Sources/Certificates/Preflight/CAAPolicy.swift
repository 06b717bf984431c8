import OpenSSL

/// Who may certify a name, as its owner says in the DNS (RFC 8659, RFC 8657), seen from one CA.
package struct CAAPolicy: Sendable {
    /// How a CA calls itself in such records: `caaIdentities` of its directory (RFC 8555, section 7.1.1).
    package let identities: [String]
    /// The account's URL; nil when there is none yet.
    package let account: String?
    /// The challenges that can be answered.
    package let methods: [String]

    /// Tags that a CA knows (IANA's registry of certification authority restriction properties).
    private static let knownTags: Set = [
        "issue", "issuewild", "iodef", "contactemail", "contactphone", "issuemail", "issuevmc",
    ]

    package init(identities: [String], account: String?, methods: [String]) {
        self.identities = identities.map { $0.lowercased() }
        self.account = account
        self.methods = methods
    }

    /// The names at which records for `name` are looked for, the first that has some counts (RFC 8659, section 3).
    package static func climb(from name: String) -> [String] {
        let labels = name.withoutWildcard.split(separator: ".")
        return labels.indices.map { labels[$0...].joined(separator: ".") }
    }

    /// Why the CA must not certify `name`, and what to do about it; nil when it may, or that is not known.
    ///
    /// - Parameter records: the CAA records at names, as far as they are known.
    package func refusal(of name: String, by records: [String: [CAARecord]]) -> String? {
        for place in Self.climb(from: name) {
            // Without an answer nobody knows what counts.
            guard let found = records[place] else { return nil }
            if !found.isEmpty { return refusal(of: name, at: place, by: found) }
        }
        return nil
    }

    private func refusal(of name: String, at place: String, by records: [CAARecord]) -> String? {
        if let alien = records.first(where: { $0.isCritical && !Self.knownTags.contains($0.tag) }) {
            return "a CAA record of \(place) has the critical tag \(alien.tag), which CAs do not know: take it out"
        }
        let wild = records.filter { $0.tag == "issuewild" }
        let isWild = name.hasPrefix("*.") && !wild.isEmpty
        let tag = isWild ? "issuewild" : "issue"
        let counting = isWild ? wild : records.filter { $0.tag == "issue" }
        guard !counting.isEmpty else { return nil }
        let ours = counting.compactMap(\.permission).filter { identities.contains($0.issuer) }
        let wanted = "`\(place). CAA 0 \(tag) \"\(identities.first ?? "")\"`"
        guard !ours.isEmpty else {
            let others = Set(counting.compactMap(\.permission?.issuer).filter { !$0.isEmpty }).sorted()
            let who = others.isEmpty ? "nobody" : "only \(others.joined(separator: ", "))"
            return "its CAA records, at \(place), let \(who) certify it: add \(wanted) to the DNS, or name another CA"
        }
        // RFC 8657: one permission whose terms are met is enough.
        if ours.contains(where: { isMet($0) }) { return nil }
        let terms = ours.map { $0.parameters.sorted { $0.key < $1.key }.map { "\($0)=\($1)" }.joined(separator: "; ") }
        return "its CAA records, at \(place), let \(identities.first ?? "") certify it on other terms "
            + "(\(terms.joined(separator: " | "))): it is asked by \(methods.joined(separator: ", ")) and the account "
            + "\(account ?? "that is yet to be made"); correct `accounturi` and `validationmethods` there"
    }

    private func isMet(_ permission: CAARecord.Permission) -> Bool {
        if let wanted = permission.parameters["accounturi"], wanted != account { return false }
        if let wanted = permission.parameters["validationmethods"] {
            let allowed = wanted.split(separator: ",").map { $0.filter { $0 != " " } }
            return methods.contains { allowed.contains($0) }
        }
        return true
    }
}
