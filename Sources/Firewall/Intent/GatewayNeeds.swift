import Site

/// What the other sections of the site file need of the firewall. Only what the gateway asks of others is derived, never
/// what it offers: that stays in the hands of whoever writes the policy.
struct GatewayNeeds {
    private let site: SiteModel

    init(_ site: SiteModel) {
        self.site = site
    }

    /// The rules, in an order that does not depend on the order of anything.
    func flows(_ names: inout RuleName, _ resolver: inout EndpointResolver) -> [Flow] {
        guard let gateway = site.gateway, !site.gatewayHosts.isEmpty else { return [] }
        let sources = resolver.party([.role("gateway")])
        let elsewhere = AddressSet.all.subtracting(resolver.site)
        var flows: [Flow] = []
        for pool in gateway.pools.values.sorted(by: { $0.name < $1.name }) {
            var known: [UInt16: [IPAddress]] = [:]
            var named: Set<UInt16> = []
            for endpoint in site.endpoints(of: pool) {
                switch endpoint.location {
                case .addresses(let addresses): known[endpoint.port, default: []] += addresses
                case .name: named.insert(endpoint.port)
                }
            }
            let position = pool.position
            for (port, addresses) in known.sorted(by: { $0.key < $1.key }) {
                let party = resolver.party(AddressSet(addresses))
                let isOnly = known.count == 1 && named.isEmpty
                let id = names.next(isOnly ? "pool-\(pool.name)" : "pool-\(pool.name)-\(port)")
                flows.append(flow(id, "pool \(pool.name)", position, sources, party, TrafficSet(.tcp, port: port)))
            }
            // Where a name leads is known only when it is asked for; to a host of the site it would be named by that.
            for port in named.sorted() {
                let id = names.next("pool-\(pool.name)-names-\(port)")
                let party = resolver.party(elsewhere)
                let traffic = TrafficSet(.tcp, port: port)
                flows.append(flow(id, "pool \(pool.name)", position, sources, party, traffic, true))
            }
        }
        return flows + nameServers(gateway, &names, sources, elsewhere, resolver)
            + authorities(&names, sources, elsewhere, resolver)
    }

    /// Whom the gateway asks for names: those of `name-servers`, else whomever /etc/resolv.conf names.
    private func nameServers(
        _ gateway: GatewaySettings,
        _ names: inout RuleName,
        _ sources: Party,
        _ elsewhere: AddressSet,
        _ resolver: EndpointResolver
    ) -> [Flow] {
        let asksForServers = gateway.pools.values.contains { pool in
            pool.servers.contains { if case .name = $0.target { true } else { false } }
        }
        guard asksForServers || !site.acmeDirectories.isEmpty || !gateway.nameServers.isEmpty else { return [] }
        var servers: [UInt16: AddressSet] = [:]
        for server in gateway.nameServers {
            servers[server.port] = (servers[server.port] ?? .none).union(AddressSet([server.address]))
        }
        if servers.isEmpty { servers[53] = elsewhere }
        return servers.sorted { $0.key < $1.key }.map { port, addresses in
            let traffic = TrafficSet(.udp, port: port).union(TrafficSet(.tcp, port: port))
            let id = names.next(servers.count == 1 ? "gateway-dns" : "gateway-dns-\(port)")
            return flow(id, "name-servers", gateway.position, sources, resolver.party(addresses), traffic, true)
        }
    }

    /// The CAs that speak ACME, wherever their names lead.
    private func authorities(
        _ names: inout RuleName,
        _ sources: Party,
        _ elsewhere: AddressSet,
        _ resolver: EndpointResolver
    ) -> [Flow] {
        var targets: [UInt16: (addresses: AddressSet, position: SourcePosition)] = [:]
        for directory in site.acmeDirectories {
            let addresses = directory.address.map { AddressSet([$0]) } ?? elsewhere
            let before = targets[directory.port]
            let all = before?.addresses.union(addresses) ?? addresses
            targets[directory.port] = (all, before?.position ?? directory.position)
        }
        return targets.sorted { $0.key < $1.key }.map { port, target in
            let id = names.next(targets.count == 1 ? "gateway-ca" : "gateway-ca-\(port)")
            let traffic = TrafficSet(.tcp, port: port)
            return flow(id, "certificates", target.position, sources, resolver.party(target.addresses), traffic, true)
        }
    }

    private func flow(
        _ id: String,
        _ origin: String,
        _ position: SourcePosition,
        _ sources: Party,
        _ destinations: Party,
        _ traffic: TrafficSet,
        _ isOutwardsOnly: Bool = false
    ) -> Flow {
        Flow(
            id: id,
            origin: .derived(origin),
            position: position,
            verdict: .accept,
            sources: sources,
            destinations: destinations,
            traffic: traffic,
            ends: isOutwardsOnly ? .outwards : .both
        )
    }
}
