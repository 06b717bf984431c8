import Site

/// What other routers of the site lead to by each interface of one: which connections may pass it that begin and end in no
/// network of it, and which may leave it by the interface that they came by.
///
/// The site file knows no routes, but which routers share a network. What none of them is attached to may be behind each
/// interface, and strangers are behind the zone `outside` and what gets its addresses by DHCP.
struct Surroundings {
    /// Another router.
    private struct Router {
        let networks: AddressSet
        /// But for those that both are attached to.
        let beyond: AddressSet
        /// Whether strangers come by an interface of it that is in none of these, and over no other router.
        let facesStrangers: Bool
    }

    /// What comes by an interface from no network of the router.
    private struct Neighbour {
        enum Name: Equatable {
            case router(Int)
            case strangers
            /// What may be behind each interface.
            case unplaced
        }

        let name: Name
        /// What it is attached to itself.
        let near: AddressSet
        /// What it leads to.
        let behind: AddressSet
    }

    private let host: SiteHost
    private let routers: [Router]
    private let strangers: AddressSet
    /// In a network of no router.
    private let unplaced: AddressSet
    private let attached: AddressSet

    init(of host: SiteHost, in site: SiteModel, strangers: AddressSet) {
        let attached = Self.networks(of: host)
        let others = site.hosts.values.filter { $0.isRouter && $0.name != host.name }.sorted { $0.name < $1.name }
        routers = others.map { other in
            let networks = Self.networks(of: other)
            let faces = other.interfaces.contains { interface in
                interface.bordersStrangers && !Self.networks(of: interface).intersects(attached)
            }
            return Router(networks: networks, beyond: networks.subtracting(attached), facesStrangers: faces)
        }
        unplaced = routers.reduce(AddressSet.all.subtracting(strangers)) { $0.subtracting($1.networks) }
            .subtracting(attached)
        self.host = host
        self.attached = attached
        self.strangers = strangers.subtracting(attached)
    }

    private static func networks(of host: SiteHost) -> AddressSet { AddressSet(host.allAddresses.map(\.network)) }

    private static func networks(of interface: HostInterface) -> AddressSet {
        AddressSet(interface.addresses.map(\.network))
    }

    /// The ways of such connections.
    var passages: [Passage] {
        guard host.isRouter else { return [] }
        var sides = host.interfaces.map { interface in (interface: interface, neighbours: neighbours(at: interface)) }
        if !sides.contains(where: { $0.neighbours.contains { $0.behind.intersects(strangers) } }) {
            let anywhere = Neighbour(name: .strangers, near: .none, behind: strangers)
            for index in sides.indices { sides[index].neighbours.append(anywhere) }
        }
        var passages: [Passage] = []
        for (output, nexts) in sides {
            for (input, neighbours) in sides {
                for neighbour in neighbours {
                    let others = nexts.filter { $0.name != neighbour.name }
                    // What a router is attached to itself it does not send here.
                    let ends = Self.behind(others).subtracting(neighbour.near)
                    passages.append(Passage(neighbour.behind, by: [input.name], to: ends, by: [output.name]))
                }
            }
            passages += turning(output, nexts)
        }
        return passages.filter { !$0.sources.isEmpty && !$0.destinations.isEmpty }
    }

    /// The ways of outsiders through a router to what other routers lead to behind it, and back. They come as strangers
    /// do: it is between the two where these are on its one side, by an interface of its own or by a router there that
    /// faces them, what is meant on another, and no router that faces strangers is attached to that, or alone leads there.
    ///
    /// - Parameters:
    ///   - outsiders: see `Intent`.
    ///   - destinations: of what routers lead to these alone.
    static func row(
        through host: SiteHost,
        in site: SiteModel,
        outsiders: AddressSet,
        among destinations: AddressSet = .all
    ) -> [Passage] {
        let routed = host.isRouter ? host.interfaces.routed : []
        if routed.isEmpty { return [] }
        let parts = routed.map { ($0.names, $0.addresses.intersection(destinations)) }
        return Surroundings(of: host, in: site, strangers: outsiders).row(parts)
    }

    private func row(_ routed: [([String], AddressSet)]) -> [Passage] {
        let facing = routers.filter(\.facesStrangers)
        let toward = host.interfaces.filter { interface in
            let led = AddressSet(interface.behind).union(Self.networks(of: interface))
            return facing.contains { $0.networks.intersects(led) }
        }
        let outer = (host.interfaces.fallback.map { [$0] } ?? toward).map(\.name)
        if outer.isEmpty { return [] }
        let inward = routed.filter { Set($0.0).isDisjoint(with: outer) }
        if inward.isEmpty { return [] }
        let within = facing.reduce(reachedWithin) { $0.subtracting($1.networks) }
        return inward.flatMap { names, addresses -> [Passage] in
            let inner = addresses.intersection(within)
            if inner.isEmpty { return [] }
            return [
                Passage(strangers, by: outer, to: inner, by: names),
                Passage(inner, by: names, to: strangers, by: outer),
            ]
        }
    }

    /// What is reached without a router that faces strangers: to what is behind such a one alone they come by it.
    private var reachedWithin: AddressSet {
        var reached = attached
        var (left, next) = (routers.filter { !$0.facesStrangers }, attached)
        while !next.isEmpty {
            let nearer = left.filter { $0.networks.intersects(next) }
            left.removeAll { $0.networks.intersects(next) }
            next = nearer.reduce(.none) { $0.union($1.networks) }
            reached = reached.union(next)
        }
        return reached
    }

    /// What goes back by an interface from its own networks, and between these.
    private func turning(_ interface: HostInterface, _ neighbours: [Neighbour]) -> [Passage] {
        let (name, behind) = (interface.name, Self.behind(neighbours))
        let near = Self.networks(of: interface)
        var passages = [Passage(near, by: [name], to: behind, by: [name])]
        for address in interface.addresses {
            let network = AddressSet([address.network])
            let isAlone = !interface.addresses.contains {
                $0.address.width == address.address.width && $0.network != address.network
            }
            if isAlone { continue }
            passages.append(Passage(near.union(behind).subtracting(network), by: [name], to: network, by: [name]))
        }
        let own = AddressSet(host.allAddresses.map(\.address))
        return passages.map { passage in
            let (sources, destinations) = (passage.sources.subtracting(own), passage.destinations.subtracting(own))
            return Passage(sources, by: [name], to: destinations, by: [name])
        }
    }

    private static func behind(_ neighbours: [Neighbour]) -> AddressSet {
        neighbours.reduce(.none) { $0.union($1.behind) }
    }

    private func neighbours(at interface: HostInterface) -> [Neighbour] {
        let networks = Self.networks(of: interface)
        var neighbours = routers.indices.filter { routers[$0].networks.intersects(networks) }.map { index in
            Neighbour(name: .router(index), near: routers[index].networks, behind: reached(from: index))
        }
        if interface.facesStrangers {
            neighbours.append(Neighbour(name: .strangers, near: .none, behind: reached(from: nil)))
        }
        neighbours.append(Neighbour(name: .unplaced, near: .none, behind: unplaced))
        return neighbours
    }

    /// What a router leads to without this one and its networks; what strangers do for nil.
    private func reached(from first: Int?) -> AddressSet {
        var addresses = first.map { routers[$0].beyond } ?? strangers
        var facesStrangers = first.map { routers[$0].facesStrangers } ?? true
        var left = routers.indices.filter { $0 != first }
        while let place = left.firstIndex(where: { index in
            facesStrangers && routers[index].facesStrangers || routers[index].beyond.intersects(addresses)
        }) {
            let router = routers[left.remove(at: place)]
            addresses = addresses.union(router.beyond)
            facesStrangers = facesStrangers || router.facesStrangers
        }
        return facesStrangers ? addresses.union(strangers) : addresses
    }
}
