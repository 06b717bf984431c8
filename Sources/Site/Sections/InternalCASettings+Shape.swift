extension InternalCASettings {
    /// `internal-ca`.
    static let shape = Shape<InternalCASettings>.mapping(
        InternalCASettings(),
        [
            .key(
                "names",
                \.names,
                .oneOrMore(of: .certifiableName),
                "Domains, addresses and networks that it may certify. Default: what the site file names."
            ),
            .key("key", \.key, .word, "The kind of key of its root and intermediate, when they are made."),
            .key(
                "revocation-list",
                \.revocationList,
                .plainPlace,
                "Where this gateway is reached by HTTP: certificates say that the list of revoked ones is there."
            ),
        ]
    ).placed(\.position)
}

extension Shape where Value == CertifiableName {
    fileprivate static let certifiableName = Shape.text(
        "a domain, an address or a network",
        describe: \.description,
        parse: CertifiableName.init(text:)
    )
}

extension Shape where Value == String {
    /// `http://HOST` or `http://HOST:PORT`. HTTP, since a client that asks whether a certificate is good cannot ask by
    /// that certificate (RFC 5280, section 8).
    fileprivate static let plainPlace = Shape.text("a URL", pattern: "^http://", describe: { $0 }) {
        (text) throws(ValueFault) in
        let help = "write it like `http://foobar.com`, or `http://foobar.com:8080`"
        guard text.hasPrefix("http://") else { throw ValueFault("is no http URL", help: help) }
        let parts = text.dropFirst("http://".count).split(separator: ":", omittingEmptySubsequences: false)
        guard let host = parts.first, parts.count <= 2, parts.dropFirst().allSatisfy({ UInt16($0) ?? 0 > 0 }) else {
            throw ValueFault("is no place of HTTP", help: help)
        }
        if IPAddress(String(host)) == nil { _ = try DomainName.canonical(String(host)) }
        return text.lowercased()
    }
}
