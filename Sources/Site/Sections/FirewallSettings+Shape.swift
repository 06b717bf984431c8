extension FirewallSettings {
    static let shape = Shape<FirewallSettings>.mapping(
        FirewallSettings(),
        [
            .key("allow", \.allow, .list(of: FirewallRule.shape), "What may reach what."),
            .key("deny", \.deny, .list(of: FirewallRule.shape), "Exceptions from allow."),
            .key("never", \.never, .list(of: FirewallRule.shape), "Claims: what no rule may ever allow."),
            .key(
                "exactly",
                \.exactly,
                .list(of: FirewallRule.shape),
                "Claims: what the rules allow, no more and no less."
            ),
        ]
    )
}

extension FirewallRule {
    /// The service that needs no definition: ICMP and ICMPv6.
    package static let icmp = "icmp"

    static let shape = Shape<FirewallRule>.mapping(
        FirewallRule(from: [], to: []),
        [
            .key("from", \.from, .oneOrMore(of: .endpoint), required: true, "Where connections come from."),
            .key("to", \.to, .oneOrMore(of: .endpoint), required: true, "Where they go."),
            .key(
                "services",
                \.services,
                .oneOrMore(of: .either(constant: icmp, icmp, or: .reference(to: .service))),
                "Names of services, or icmp. Every service when left out."
            ),
        ]
    ).placed(\.position)
}

extension FirewallEndpoint {
    private static let keywords: [String: FirewallEndpoint] = ["any": .any, "internet": .internet, "all": .all]

    /// Words that no network, host or role may be called.
    static let reserved = Set(keywords.keys)

    /// What a word means. A role goes before a host of the same name: a rule makes sure that they are the same.
    fileprivate static func resolve(_ word: String, _ node: Node, _ decoding: inout Decoding) -> FirewallEndpoint? {
        if let endpoint = keywords[word] { return endpoint }
        if decoding.contains(word, .role) { return .role(word) }
        if decoding.contains(word, .host) { return .host(word) }
        if decoding.contains(word, .network) { return .network(word) }
        guard IPNetwork.isMeant(by: word) else {
            decoding.unknown(node, "role, host or network", word, among: [.role, .host, .network], or: reserved)
            return nil
        }
        return Shape<IPNetwork>.network.decode(node, &decoding).map { .addresses($0) }
    }
}

extension IPNetwork {
    /// Whether a word is an attempt at an address rather than at a name.
    static func isMeant(by word: String) -> Bool {
        guard !word.contains(":"), !word.contains("/") else { return true }
        return word.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
    }
}

extension Shape where Value == FirewallEndpoint {
    fileprivate static let endpoint = Shape<String>
        .text("a role, host, network or address", describe: { $0 }, parse: { $0 })
        .map(FirewallEndpoint.resolve)
}
