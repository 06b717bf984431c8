extension SiteHost {
    /// Whether it passes packets of others on.
    package var isRouter: Bool { roles.contains("router") }
}

extension SiteModel {
    /// Writes at each interface which networks routers lead to behind it: those of a router that the interface shares
    /// a network with, and of further ones that share one with that. What the host is attached to itself leads no farther.
    mutating func placeRoutedNetworks() {
        var routers: [IPNetwork: [SiteHost]] = [:]
        for router in hosts.values.sorted(by: { $0.name < $1.name }) where router.isRouter {
            for network in Set(router.sharedNetworks) { routers[network, default: []].append(router) }
        }
        for (name, host) in hosts where host.interfaces.count > 1 {
            for index in host.interfaces.indices {
                hosts[name]?.interfaces[index].behind = host.networks(behind: host.interfaces[index], by: routers)
            }
        }
    }
}

extension SiteHost {
    /// Those of one link alone are the same on every other.
    fileprivate var sharedNetworks: [IPNetwork] { allAddresses.map(\.network).filter { !$0.address.isOfLink } }

    /// - Parameter routers: those attached to each network.
    fileprivate func networks(behind interface: HostInterface, by routers: [IPNetwork: [SiteHost]]) -> [IPNetwork] {
        var known = Set(allAddresses.map(\.network))
        var passed: Set<String> = [name]
        var found: [IPNetwork] = []
        var next = interface.addresses.map(\.network)
        while let network = next.popLast() {
            for router in routers[network] ?? [] where passed.insert(router.name).inserted {
                let others = router.sharedNetworks.filter { known.insert($0).inserted }
                found += others
                next += others
            }
        }
        return found
    }
}
