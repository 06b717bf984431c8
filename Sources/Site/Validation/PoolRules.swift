enum PoolRules {
    /// A server that is there twice would be checked twice, and get twice its share.
    static func serversAreDistinct(_ site: SiteModel, _ collector: inout DiagnosticCollector) {
        struct Socket: Hashable {
            let location: ServerEndpoint.Location
            let port: UInt16
        }
        for pool in pools(site) {
            var lines: [Socket: Int] = [:]
            for endpoint in site.endpoints(of: pool) {
                let position = endpoint.settings.position
                let socket = Socket(location: endpoint.location, port: endpoint.port)
                guard let line = lines.updateValue(position.line, forKey: socket) else { continue }
                collector.report(
                    .duplicate,
                    at: SourceRange(position),
                    "the server \(quoted(endpoint.label)) is in the pool \(quoted(pool.name)) twice",
                    help: "it stands in line \(line) already; raise its weight instead"
                )
            }
        }
    }

    /// A server needs an address, and one TCP port.
    static func serversCanBeReached(_ site: SiteModel, _ collector: inout DiagnosticCollector) {
        for server in pools(site).flatMap(\.servers) {
            if case .host(let name) = server.target, let host = site.hosts[name], host.ownAddresses.isEmpty {
                collector.report(
                    .conflict,
                    at: SourceRange(server.position),
                    "the host \(quoted(name)) has no address of its own",
                    help: "give it one in line \(host.position.line)"
                )
            }
            if case .service(let name) = server.port, let services = site.services[name],
                services.count != 1 || services[0].tcpPort == nil
            {
                let text = services.map(\.description).joined(separator: ", ")
                collector.report(
                    .conflict,
                    at: SourceRange(server.position),
                    "the service \(quoted(name)) is \(text): a server needs one TCP port",
                    help: "name a service such as tcp/8080, or write `port`"
                )
            }
        }
    }

    static func someServerHasWeight(_ site: SiteModel, _ collector: inout DiagnosticCollector) {
        for pool in pools(site) where pool.servers.allSatisfy({ $0.weight == 0 }) {
            collector.report(
                .ineffective,
                .warning,
                at: SourceRange(pool.position),
                "every server of the pool \(quoted(pool.name)) has weight 0: no request is answered"
            )
        }
    }

    private static func pools(_ site: SiteModel) -> [PoolSettings] {
        site.gateway?.pools.inFileOrder(\.position) ?? []
    }
}
