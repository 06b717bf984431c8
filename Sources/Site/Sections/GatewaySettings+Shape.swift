extension GatewaySettings {
    /// Pools stand before routes, which name them.
    static let shape = Shape<GatewaySettings>.mapping(
        GatewaySettings(),
        [
            .key(
                "listen",
                \.listeners,
                .list(of: ListenerSettings.shape, isEmptyAllowed: false),
                required: true,
                "The ports, and what is spoken there."
            ),
            .key("pools", \.pools, .table(of: PoolSettings.shape, defining: .pool), "The app servers."),
            .key("routes", \.routes, .list(of: RouteSettings.shape), "Which requests go to which pool."),
            .key("timeouts", \.timeouts, TimeoutSettings.shape, "How long to wait for what."),
            .key("limits", \.limits, LimitSettings.shape, "What a client may use up."),
            .key("headers", \.headers, HeaderSettings.shape, "Fields that are added, kept or dropped."),
            .key(
                "trusted-proxies",
                \.trustedProxies,
                .list(of: .networkReference),
                "Names of networks, or addresses: proxies whose X-Forwarded-* and Forwarded are believed."
            ),
            .key(
                "name-servers",
                \.nameServers,
                .oneOrMore(of: .nameServer),
                "Who is asked for the DNS names of servers; those of /etc/resolv.conf when left out."
            ),
            .key(
                "ticket-rotation",
                \.ticketRotation,
                .duration(atLeast: .seconds(1)),
                "How often the keys of TLS session tickets change."
            ),
            .key("access-log", \.accessLog, AccessLogSettings.shape, "Where the access log goes.")
                .placed(\.accessLogPosition),
            .key("metrics", \.metrics, MetricsSettings.shape, "The listener for Prometheus."),
            .key("workers", \.workers, .integer(1...1024), "Threads of the data plane; one a core when left out."),
            .key("user", \.user, .identifier, "Whom the data plane runs as, when it is started by root.")
                .placed(\.userPosition),
            .key(
                "drain",
                \.drain,
                .duration(atLeast: .zero),
                "How long what is under way may take to end at a stop, or in the process that an upgrade replaces."
            ),
        ],
        isKeptWhenFaulty: true
    ).placed(\.position)
}

extension AccessLogSettings {
    fileprivate static let shape = Shape.either(word: .constant("off", .off), mapping: AccessLogKeys.shape)
}

private struct AccessLogKeys {
    var path = ""

    static let shape = Shape<AccessLogKeys>.mapping(
        AccessLogKeys(),
        [.key("path", \.path, .logPath, required: true, "A file, relative to the site file, or - for standard output.")]
    ).map(
        { keys, _, _ in keys.path == "-" ? AccessLogSettings.standardOutput : .file(keys.path) },
        encode: { $0 == .standardOutput ? .object([.init("path", .string("-"))]) : nil }
    )
}

extension MetricsSettings {
    fileprivate static let shape = Shape<MetricsSettings>.mapping(
        MetricsSettings(port: 0),
        [
            .key("address", \.address, .socketAddress, "The address to listen on."),
            .key("port", \.port, .port, required: true, "The port to listen on."),
        ]
    ).placed(\.position)
}

extension Shape where Value == String {
    fileprivate static let logPath = Shape.either(constant: "-", "-", or: .filePath)
}

extension Shape where Value == NetworkReference {
    fileprivate static let networkReference = Shape<String>
        .text("a network", describe: { $0 }, parse: { $0 })
        .map(NetworkReference.resolve)
}

extension NetworkReference {
    fileprivate static func resolve(_ word: String, _ node: Node, _ decoding: inout Decoding) -> NetworkReference? {
        if decoding.contains(word, .network) { return .named(word) }
        guard IPNetwork.isMeant(by: word) else {
            decoding.unknown(node, "network", word, among: [.network])
            return nil
        }
        return Shape<IPNetwork>.network.decode(node, &decoding).map { .addresses($0) }
    }
}
