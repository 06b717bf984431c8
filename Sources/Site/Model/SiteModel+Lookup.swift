extension SiteModel {
    /// The hosts that bear a role, by name.
    package func hosts(bearing role: String) -> [SiteHost] {
        hosts.values.filter { $0.roles.contains(role) }.sorted { $0.name < $1.name }
    }

    /// The hosts that run the gateway: those with the role `gateway`.
    package var gatewayHosts: [SiteHost] { hosts(bearing: "gateway") }

    /// The host that bears one of a machine's addresses; nil when none does, or when several do and the machine must be
    /// told which it is. What hosts share tells none of them.
    package func host(bearingAnyOf addresses: some Sequence<IPAddress>) -> SiteHost? {
        let own = Set(addresses)
        let matches = hosts.values.filter { host in host.ownAddresses.contains { own.contains($0.address) } }
        return matches.count == 1 ? matches.first : nil
    }

    /// What a line names; nothing for `icmp`.
    package func services(of reference: ServiceReference) -> [SiteService] {
        switch reference {
        case .named(let name): services[name] ?? []
        case .written(let service): [service]
        }
    }

    /// The networks whose peers are trusted with X-Forwarded-*.
    package var trustedProxyNetworks: [IPNetwork] {
        (gateway?.trustedProxies ?? []).flatMap { reference in
            switch reference {
            case .named(let name): networks[name] ?? []
            case .addresses(let network): [network]
            }
        }
    }

    /// The servers of a pool with what they refer to looked up, in the order of the file.
    package func endpoints(of pool: PoolSettings) -> [ServerEndpoint] {
        let names = pool.servers.map { Self.name(of: $0.target) }
        let counts = Dictionary(names.map { ($0, 1) }, uniquingKeysWith: +)
        let attached = Set(gatewayHosts.flatMap(\.allAddresses).map(\.network))
        return zip(pool.servers, names).map { server, name in
            let port = port(of: server)
            return ServerEndpoint(
                name: name,
                label: counts[name] == 1 ? name : name.contains(":") ? "[\(name)]:\(port)" : "\(name):\(port)",
                location: location(of: server.target, near: attached),
                port: port,
                settings: server
            )
        }
    }

    /// A port that refers to no service is 0; a checked model has none.
    private func port(of server: ServerSettings) -> UInt16 {
        switch server.port {
        case .number(let port): port
        case .service(let name): services[name]?.first?.tcpPort ?? 0
        }
    }

    private func location(of target: ServerSettings.Target, near networks: Set<IPNetwork>) -> ServerEndpoint.Location {
        switch target {
        case .host(let name):
            let addresses = hosts[name]?.ownAddresses ?? []
            let near = addresses.filter { networks.contains($0.network) }
            let far = addresses.filter { !networks.contains($0.network) }
            return .addresses((near + far).map(\.address))
        case .name(let name): return .name(name)
        case .address(let address): return .addresses([address])
        }
    }

    private static func name(of target: ServerSettings.Target) -> String {
        switch target {
        case .host(let name), .name(let name): name
        case .address(let address): address.description
        }
    }
}

/// A server of a pool, ready to be connected to.
package struct ServerEndpoint: Sendable, Equatable {
    /// The host, name or address that the site file gives, whatever else is in the pool.
    package let name: String
    /// What status, the access log and `gatehouse server drain POOL/SERVER` call it: the host, name or address, with
    /// the port only where the pool has it several times.
    package let label: String
    package let location: Location
    package let port: UInt16
    package let settings: ServerSettings

    package enum Location: Sendable, Hashable {
        /// Never empty in a checked model. The first is the one to use; those on a gateway's own network come first.
        case addresses([IPAddress])
        /// A DNS name, still to be resolved.
        case name(String)
    }
}
