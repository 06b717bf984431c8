extension ServerSettings {
    /// One entry of a pool's `servers`.
    static let shape = ServerKeys.shape
}

/// The keys of a server before it is known which of the forms it is.
private struct ServerKeys {
    var host: String?
    var name: String?
    var address: IPAddress?
    var service: String?
    var port: UInt16?
    var weight = 1
    var maxConnections = 0
    var position = SourcePosition.none

    static let shape = Shape<ServerKeys>.mapping(
        ServerKeys(),
        [
            .key("host", \.host, .reference(to: .host), "A host of the site."),
            .key("name", \.name, .domainName, "A DNS name, resolved again as its TTL says."),
            .key("address", \.address, .socketAddress, "An IP address."),
            .key("service", \.service, .reference(to: .service), "A service of the site, for the port."),
            .key("port", \.port, .port, "The port."),
            .key("weight", \.weight, .integer(0...256), "The share of requests; 0 drains."),
            .key(
                "max-connections",
                \.maxConnections,
                .integer(0...1_000_000),
                "Requests under way at a time, over all workers; 0 for no bound."
            ),
        ],
        exactlyOneOf: [["host", "name", "address"], ["service", "port"]]
    ).placed(\.position).map { keys, _, _ -> ServerSettings? in
        // `exactlyOneOf` leaves one of each.
        guard
            let target = keys.host.map(ServerSettings.Target.host) ?? keys.name.map(ServerSettings.Target.name)
                ?? keys.address.map(ServerSettings.Target.address),
            let port = keys.service.map(ServerSettings.Port.service) ?? keys.port.map(ServerSettings.Port.number)
        else { return nil }
        var server = ServerSettings(target, port: port)
        server.weight = keys.weight
        server.maxConnections = keys.maxConnections
        server.position = keys.position
        return server
    }
}
