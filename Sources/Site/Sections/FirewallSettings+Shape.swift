extension FirewallSettings {
    static let shape = Shape<FirewallSettings>.mapping(
        FirewallSettings(),
        [
            .key("allow", \.allow, .list(of: FirewallRule.allow), "What may reach what."),
            .key("deny", \.deny, .list(of: FirewallRule.deny), "Exceptions from allow."),
            .key("never", \.never, .list(of: FirewallRule.claim), "Claims: what no rule may ever allow."),
            .key(
                "exactly",
                \.exactly,
                .list(of: FirewallRule.claim),
                "Claims: what the rules allow, no more and no less."
            ),
            .key("needs", \.needs, FirewallNeeds.shape, "Whom every host may ask for what it needs to live."),
            .key(
                "masquerade",
                \.masquerade,
                .list(of: MasqueradeRule.shape),
                "Packets that routers send on with their own IPv4 address."
            ),
            .key(
                "forward",
                \.forwards,
                .list(of: PortForward.shape),
                "Ports of routers that lead to hosts behind them."
            ),
            .key("defences", \.defences, FirewallDefence.shape, "What is dropped before anything else."),
            .key("baseline", \.baseline, FirewallBaseline.shape, "What every host needs to work at all."),
            .key("log-dropped", \.logsDropped, .boolean, "Logs, at a limited rate, what no rule lets through."),
            .key("tests", \.tests, .list(of: FirewallTest.shape), "Connections, and what is to become of them."),
        ],
        isKeptWhenFaulty: true
    )
}

extension FirewallRule {
    /// The service that needs no definition: ICMP and ICMPv6.
    package static let icmp = "icmp"

    /// The most characters of an `id`: nft's comments and log prefixes have room for little more.
    package static let longestID = 48

    /// The word by which logs and counters know what no rule decides about.
    package static let unmatched = "default"

    static let allow = shape(
        conditions + [.key("limit", \.limit, FirewallLimit.shape, "What each source may have of it.")]
    )
    static let deny = shape(
        conditions + [.key("reject", \.isReject, .boolean, "Refuses aloud instead of keeping silent.")]
    )
    static let claim = shape([])

    private static func shape(_ more: [Key<FirewallRule>]) -> Shape<FirewallRule> {
        .mapping(FirewallRule(from: [], to: []), ends + more).placed(\.position)
    }

    private static let ends: [Key<FirewallRule>] = [
        .key("id", \.id, .ruleID, "The word by which it is known everywhere; made of what it says when left out."),
        .key("from", \.from, .oneOrMore(of: .endpoint), required: true, "Where connections come from."),
        .key("to", \.to, .oneOrMore(of: .endpoint), required: true, "Where they go."),
        .key(
            "services",
            \.services,
            .services,
            "Services, by name or written out, or icmp. Every service when left out."
        ),
    ]

    private static let conditions: [Key<FirewallRule>] = [
        .key("in", \.inZone, .reference(to: .zone), "The zone of the interface that it comes in by."),
        .key("out", \.outZone, .reference(to: .zone), "The zone of the interface that it leaves by."),
        .key("expires", \.expires, .expiry, "When the rule ends by itself."),
        .key("log", \.isLogged, .boolean, "Logs each connection, at a limited rate."),
    ]
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
    static let endpoint = Shape<String>
        .text("a role, host, network or address", describe: { $0 }, parse: { $0 })
        .map(FirewallEndpoint.resolve, encode: { $0 == .any ? .string("any") : nil })
}

extension Shape where Value == String {
    /// The word that a rule is known by.
    static let ruleID = identifier.map(
        { id, node, decoding -> String? in
            guard id.utf8.count <= FirewallRule.longestID else {
                decoding.invalid(
                    node,
                    "\(quoted(id)) is too long for a rule",
                    help: "write at most \(FirewallRule.longestID) characters"
                )
                return nil
            }
            guard FirewallDefence(rawValue: id) == nil, FirewallBaseline(rawValue: id) == nil,
                id != FirewallRule.unmatched
            else {
                decoding.invalid(node, "\(quoted(id)) has a meaning of its own", help: "choose another word")
                return nil
            }
            return id
        },
        encode: { .string($0) }
    )
}

extension Shape where Value == DateTime {
    /// The kernel's clock is of nanoseconds in 64 bits: what is later would be early again.
    private static let latest = DateTime(seconds: Int64(UInt64.max / 1_000_000_000))

    /// A moment that a rule of nftables can hold.
    fileprivate static let expiry = dateTime.checked { moment, node, decoding in
        guard moment > latest else { return }
        decoding.invalid(
            node,
            "\(moment) is later than the kernel can tell, which is until \(latest)",
            help: "leave `expires` out for a rule that does not end"
        )
    }

    static let dateTime = Shape.text(
        "a date with a time, such as 2026-12-24T18:00:00Z",
        pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]",
        describe: \.description,
        parse: DateTime.init(text:)
    )
}
