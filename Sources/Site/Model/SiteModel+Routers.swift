extension SiteHost {
    /// Whether it passes packets of others on.
    package var isRouter: Bool { roles.contains("router") }
}

extension SiteModel {
    /// Writes at each interface which networks routers lead to behind it: those of a router that the interface shares
    /// a network with, and of further ones that share one with that. What the host is attached to itself leads no farther.
    /// And which of a host's interfaces leads outward, where none of them does by itself.
    mutating func placeRoutedNetworks() {
        // The uplink of an inner router is inside for the router that it leads to, whatever zone it is in itself.
        let inner = Set(hosts.values.filter(\.isRouter).flatMap(\.networksInside))
        placeUplinks(inner)
        let routers = attachedRouters
        for (name, host) in hosts where host.interfaces.count > 1 {
            let ways = host.interfaces.map { host.way(by: $0, over: routers, inner) }
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

    /// The routers attached to each network.
    private var attachedRouters: [IPNetwork: [SiteHost]] {
        var routers: [IPNetwork: [SiteHost]] = [:]
        for router in hosts.values.sorted(by: { $0.name < $1.name }) where router.isRouter {
            for network in Set(router.sharedNetworks) { routers[network, default: []].append(router) }
        }
        return routers
    }

    /// Writes at the interfaces of routers whether strangers come by them over other routers: they lie in networks that
    /// routers have inside, and behind them is one whose interface to strangers lies in none of these.
    private mutating func placeUplinks(_ inner: Set<IPNetwork>) {
        for (name, host) in hosts where host.isRouter {
            for (index, interface) in host.interfaces.enumerated() where interface.facesStrangers {
                let networks = interface.addresses.map(\.network).filter { !$0.address.isOfLink }
                hosts[name]?.interfaces[index].liesWithin = !networks.isEmpty && inner.isSuperset(of: networks)
            }
        }
        let routers = attachedRouters
        for (name, host) in hosts where host.isRouter {
            for (index, interface) in host.interfaces.enumerated() where interface.liesWithin {
                let way = host.way(by: interface, over: routers, inner)
                hosts[name]?.interfaces[index].liesWithin = way.outward != nil
            }
        }
    }
}

extension SiteHost {
    /// Those of one link alone are the same on every other.
    package var sharedNetworks: [IPNetwork] { allAddresses.map(\.network).filter { !$0.address.isOfLink } }

    /// Those that a router leads others to. What it has by an interface that strangers come by is reached as these are: two
    /// offices with a tunnel in common reach each other's public address by their own providers.
    ///
    /// - Parameter inner: what some router has by another interface.
    private func networksWithin(_ inner: Set<IPNetwork>) -> [IPNetwork] {
        let outside = interfaces.filter(\.facesStrangers).flatMap(\.addresses).map(\.network)
        return sharedNetworks.filter { !outside.contains($0) || inner.contains($0) }
    }

    /// Those of its interfaces that strangers do not come by.
    fileprivate var networksInside: [IPNetwork] {
        interfaces.filter { !$0.facesStrangers }.flatMap(\.addresses).map(\.network).filter { !$0.address.isOfLink }
    }

    /// The networks that routers lead to behind an interface, and how many routers it takes until strangers come by one; nil
    /// where they come by none.
    ///
    /// - Parameters:
    ///   - routers: those attached to each network.
    ///   - inner: what some router has by an interface that strangers do not come by.
    fileprivate func way(
        by interface: HostInterface,
        over routers: [IPNetwork: [SiteHost]],
        _ inner: Set<IPNetwork>
    ) -> (networks: [IPNetwork], outward: Int?) {
        var known = Set(allAddresses.map(\.network))
        var passed: Set<String> = [name]
        var found: [IPNetwork] = []
        var outward: Int?
        var (next, steps) = (interface.addresses.map(\.network), 0)
        while !next.isEmpty {
            steps += 1
            let nearer = next.flatMap { routers[$0] ?? [] }.filter { passed.insert($0.name).inserted }
            if outward == nil, nearer.contains(where: { $0.interfaces.contains(where: \.bordersStrangers) }) {
                outward = steps
            }
            next = nearer.flatMap { $0.networksWithin(inner) }.filter { known.insert($0).inserted }
            found += next
        }
        return (found, outward)
    }
}
