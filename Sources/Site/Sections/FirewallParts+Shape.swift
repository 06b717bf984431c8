extension FirewallLimit {
    /// `10/s`, or a mapping.
    static let shape = Shape<FirewallLimit>.either(
        word: Shape<FirewallRate>.rate.map { rate, _, _ in FirewallLimit(rate) },
        mapping: keys
    )

    private static let keys = Shape<FirewallLimit>.mapping(
        FirewallLimit(),
        [
            .key("rate", \.rate, .rate, "New connections for each source, such as 10/s."),
            .key(
                "burst",
                \.burst,
                .integer(1...1_000_000),
                "How many may come at once; as many as the rate says, and at least 5, when left out."
            ),
            .key("connections", \.connections, .integer(1...1_000_000), "Connections for each source at one time."),
        ]
    ).map { limit, node, decoding -> FirewallLimit? in
        if let burst = node["burst"], limit.rate == nil, node["rate"] == nil {
            decoding.collector.report(
                .conflict,
                at: burst.range,
                "`burst` belongs to `rate`",
                help: "write a `rate` too"
            )
            return nil
        }
        guard limit.rate != nil || limit.connections != nil else {
            decoding.missing(node, "one of `rate`, `connections`")
            return nil
        }
        return limit
    }

    private init(_ rate: FirewallRate) {
        self.rate = rate
    }
}

extension Shape where Value == FirewallRate {
    static let rate = Shape.text(
        "a rate such as 10/s",
        pattern: "^[1-9][0-9]*/[smhd]$",
        describe: \.description,
        parse: FirewallRate.init(text:)
    )
}

extension FirewallRate: CustomStringConvertible {
    /// Reads `10/s`.
    init(text: String) throws(ValueFault) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let digits = parts[0]
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), digits.first != "0", let count = Int(digits),
            count <= 1_000_000
        else { throw ValueFault("is no rate", help: "write a number from 1 to 1000000 and a time, such as `10/s`") }
        guard parts.count == 2, let unit = Unit(rawValue: String(parts[1])) else {
            throw ValueFault("has no good time", help: "write `\(count)/s`, `\(count)/m`, `\(count)/h` or `\(count)/d`")
        }
        self.init(count, per: unit)
    }

    /// As a site file writes it.
    package var description: String { "\(count)/\(unit.rawValue)" }
}

extension FirewallNeeds {
    static let shape = Shape<FirewallNeeds>.mapping(
        FirewallNeeds(),
        [
            .key("dns", \.dns, .oneOrMore(of: .asked), "Name servers: 53 over UDP and TCP."),
            .key("ntp", \.ntp, .oneOrMore(of: .asked), "Time servers: 123 over UDP."),
            .key("mirrors", \.mirrors, .oneOrMore(of: .asked), "Package mirrors: 80 and 443 over TCP."),
        ]
    ).placed(\.position)
}

extension Shape where Value == FirewallEndpoint {
    /// Whom a host asks: not everybody, which would open the hosts of the site to each other.
    fileprivate static let asked = endpoint.map { endpoint, node, decoding -> FirewallEndpoint? in
        guard endpoint == .any || endpoint == .all else { return endpoint }
        decoding.invalid(
            node,
            "\(quoted(endpoint == .any ? "any" : "all")) would open every host of the site",
            help: "name the servers, or write `internet`"
        )
        return nil
    }
}

extension MasqueradeRule {
    static let shape = Shape<MasqueradeRule>.mapping(
        MasqueradeRule(from: [], out: ""),
        [
            .key("id", \.id, .ruleID, "The word by which it is known everywhere; made of what it says when left out."),
            .key("from", \.from, .oneOrMore(of: .endpoint), required: true, "Whose packets."),
            .key("to", \.to, .oneOrMore(of: .endpoint), "Where they go."),
            .key(
                "out",
                \.outZone,
                .reference(to: .zone),
                required: true,
                "The zone of the interfaces that they leave by."
            ),
        ]
    ).placed(\.position)
}

extension PortForward {
    static let shape = Shape<PortForward>.mapping(
        PortForward(from: [], service: .icmp, to: .host("")),
        [
            .key("id", \.id, .ruleID, "The word by which it is known everywhere; made of what it says when left out."),
            .key("from", \.from, .oneOrMore(of: .endpoint), required: true, "Who may use it."),
            .key("in", \.inZone, .reference(to: .zone), "The zone of the interfaces that it comes in by."),
            .key("service", \.service, .forwarded, required: true, "What comes to the router: a service, but icmp."),
            .key("to", \.to, .forwardTarget, required: true, "The host behind the router, or its address."),
            .key("port", \.port, .port, "The port at the host; as at the router when left out."),
            .key("log", \.isLogged, .boolean, "Logs each connection, at a limited rate."),
        ]
    ).placed(\.position).checked { forward, node, decoding in
        guard node["in"] == nil, !decoding.contains(forward.inZone, .zone) else { return }
        decoding.missing(node, "`in`")
    }
}

extension Shape where Value == ServiceReference {
    /// What a router can send elsewhere. Of ICMP most is about a connection of another kind.
    fileprivate static let forwarded = serviceReference.map { service, node, decoding -> ServiceReference? in
        guard service == .icmp else { return service }
        decoding.invalid(node, "`icmp` is not forwarded", help: "name a service of ports, or a protocol such as `esp`")
        return nil
    }
}

extension Shape where Value == PortForward.Target {
    fileprivate static let forwardTarget = Shape<FirewallTest.End>.testEnd.map { end, _, _ -> PortForward.Target? in
        switch end {
        case .host(let name): .host(name)
        case .address(let address): .address(address)
        }
    }
}

extension FirewallTest {
    static let shape = Shape<FirewallTest>.mapping(
        FirewallTest(from: .host(""), to: .host(""), service: .icmp, expect: .drop),
        [
            .key("from", \.from, .testEnd, required: true, "A host, or an address."),
            .key("to", \.to, .testEnd, required: true, "A host, or an address."),
            .key(
                "service",
                \.service,
                .serviceReference,
                required: true,
                "A service, by name or written out, or icmp."
            ),
            .key("expect", \.expected, .word, required: true, "What becomes of the connection."),
        ]
    ).placed(\.position)
}

extension Shape where Value == FirewallTest.End {
    fileprivate static let testEnd = Shape<String>
        .text("a host or an address", describe: { $0 }, parse: { $0 })
        .map { word, node, decoding -> FirewallTest.End? in
            if decoding.contains(word, .host) { return .host(word) }
            guard IPNetwork.isMeant(by: word) else {
                decoding.unknown(node, "host", word, among: [.host])
                return nil
            }
            return Shape<IPAddress>.address.decode(node, &decoding).map { .address($0) }
        }
}
