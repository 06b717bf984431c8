import Site

/// `needs`: what every host of the site may ask of others. A server that is a host of the site lets it in.
struct HostNeeds {
    private let needs: FirewallNeeds

    init(_ needs: FirewallNeeds) {
        self.needs = needs
    }

    func flows(_ names: inout RuleName, _ resolver: inout EndpointResolver) -> [Flow] {
        let needs: [(String, [FirewallEndpoint], TrafficSet)] = [
            ("dns", needs.dns, TrafficSet(.udp, port: 53).union(TrafficSet(.tcp, port: 53))),
            ("ntp", needs.ntp, TrafficSet(.udp, port: 123)),
            ("mirrors", needs.mirrors, TrafficSet(.tcp, port: 80).union(TrafficSet(.tcp, port: 443))),
        ]
        var flows: [Flow] = []
        for (name, servers, traffic) in needs where !servers.isEmpty {
            flows.append(
                Flow(
                    id: names.next("need-\(name)"),
                    origin: .written,
                    position: self.needs.position,
                    verdict: .accept,
                    sources: resolver.party([.all]),
                    destinations: resolver.party(servers),
                    traffic: traffic
                )
            )
        }
        return flows
    }
}
