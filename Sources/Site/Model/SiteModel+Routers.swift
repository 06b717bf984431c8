extension SiteHost {
    /// Whether it passes packets of others on.
    package var isRouter: Bool { roles.contains("router") }
}

extension SiteModel {
    /// Writes at each interface which networks routers lead to behind it: those of a router that the interface shares
    /// a network with, and of further ones that share one with that. What the host is attached to itself leads no farther.
    /// And which of a host's interfaces leads outward, where none of them does by itself.
    mutating func placeRoutedNetworks() {
        var routers: [IPNetwork: [SiteHost]] = [:]
        for router in hosts.values.sorted(by: { $0.name < $1.name }) where router.isRouter {
            for network in Set(router.sharedNetworks) { routers[network, default: []].append(router) }
        }
        for (name, host) in hosts where host.interfaces.count > 1 {
            let ways = host.interfaces.map { host.way(by: $0, over: routers) }
            // An address of no interface may be on another wire.
            let facesOutside = host.interfaces.contains(where: \.facesStrangers) || !host.addresses.isEmpty
            let nearest = facesOutside ? nil : ways.compactMap(\.outward).min()
            let isOne = ways.count(where: { $0.outward == nearest }) == 1
            for (index, way) in ways.enumerated() {
                hosts[name]?.interfaces[index].behind = way.networks
                hosts[name]?.interfaces[index].leadsOutward = nearest != nil && isOne && way.outward == nearest
            }
        }
    }
}

extension SiteHost {
    /// Those of one link alone are the same on every other.
    fileprivate var sharedNetworks: [IPNetwork] { allAddresses.map(\.network).filter { !$0.address.isOfLink } }

    /// Those that a router leads others to. What it has by an interface that strangers come by is reached as these are: two
    /// offices with a tunnel in common reach each other's public address by their own providers.
    private var networksWithin: [IPNetwork] {
        let outside = interfaces.filter(\.facesStrangers).flatMap(\.addresses).map(\.network)
        return sharedNetworks.filter { !outside.contains($0) }
    }

    /// The networks that routers lead to behind an interface, and how many routers it takes until strangers come by one; nil
    /// where they come by none.
    ///
    /// - Parameter routers: those attached to each network.
    fileprivate func way(
        by interface: HostInterface,
        over routers: [IPNetwork: [SiteHost]]
    ) -> (networks: [IPNetwork], outward: Int?) {
        var known = Set(allAddresses.map(\.network))
        var passed: Set<String> = [name]
        var found: [IPNetwork] = []
        var outward: Int?
        var (next, steps) = (interface.addresses.map(\.network), 0)
        while !next.isEmpty {
            steps += 1
            let nearer = next.flatMap { routers[$0] ?? [] }.filter { passed.insert($0.name).inserted }
            if outward == nil, nearer.contains(where: { $0.interfaces.contains(where: \.facesStrangers) }) {
                outward = steps
            }
            next = nearer.flatMap(\.networksWithin).filter { known.insert($0).inserted }
            found += next
        }
        return (found, outward)
    }
}
