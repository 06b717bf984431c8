import Site

/// A way through a router of the site: what comes in by one of its interfaces and leaves by another.
///
/// The site file knows the networks that interfaces are attached to, and no routes. So a router is on the way of a
/// connection when one end lies in a network of it, and the other is reached by another of its interfaces; and of one
/// between outsiders and what other routers lead to, when it is between these (`Surroundings.row`).
struct Passage: Sendable {
    /// The interface that packets come in by; several where nobody knows which of them it is.
    let inputs: [String]
    /// The one that they leave by, likewise.
    let outputs: [String]
    /// What is reached by the interface that packets come in by, but for the router's own addresses.
    let sources: AddressSet
    let destinations: AddressSet
    /// Networks of which one end is: those that the router is attached to, or all.
    private let attached: AddressSet

    /// The connections that take this way.
    var boxes: [Box] {
        let (near, far) = (sources.intersection(attached), destinations.intersection(attached))
        return [(near, destinations), (sources, far)].flatMap { ends in
            var match = PacketMatch()
            (match.sources, match.destinations) = ends
            return Box.boxes(of: match, on: .input)
        }
    }

    /// The packets that come and leave by these interfaces.
    var interfaces: Box {
        var box = Box()
        box.restrict(.inputInterface, to: InterfaceSet.among(Set(inputs)).numbers)
        box.restrict(.outputInterface, to: InterfaceSet.among(Set(outputs)).numbers)
        return box
    }

    /// Every way through a router; none through another host.
    ///
    /// - Parameters:
    ///   - hosts: the addresses of all hosts of the site.
    ///   - outsiders: see `Intent`.
    static func all(
        through host: SiteHost,
        in site: SiteModel,
        hosts: AddressSet,
        outsiders: AddressSet
    ) -> [Passage] {
        all(through: host, host.interfaces.settled) + unplaced(through: host, hosts)
            + Surroundings.row(through: host, in: site, outsiders: outsiders, among: hosts)
    }

    /// The ways between its networks and what other routers lead to, and through a router of which no interface is known to
    /// lead to all else: what is not behind the one is behind another. Of connections between strangers more is asked
    /// (`SiteWays.wherever`).
    private static func unplaced(through host: SiteHost, _ hosts: AddressSet) -> [Passage] {
        let interfaces = host.interfaces
        guard host.isRouter else { return [] }
        let own = AddressSet(host.allAddresses.map(\.address))
        let attached = AddressSet(host.allAddresses.map(\.network)).subtracting(own)
        let (byName, others) = interfaces.attached
        let names = interfaces.map(\.name)
        var parts = interfaces.routed
        if interfaces.fallback == nil {
            parts.append((names, parts.reduce(others) { $0.subtracting($1.addresses) }))
        }
        return parts.flatMap { leading, addresses -> [Passage] in
            let rest = addresses.subtracting(own).subtracting(attached)
            return names.filter { leading != [$0] }.flatMap { name -> [Passage] in
                let near = (byName[name] ?? .none).subtracting(own)
                let far = leading.filter { $0 != name }
                let ends = [(near.intersection(hosts), rest), (near, rest.intersection(hosts))]
                return ends.flatMap { near, rest in
                    [
                        Passage(inputs: [name], outputs: far, sources: near, destinations: rest, attached: attached),
                        Passage(inputs: far, outputs: [name], sources: rest, destinations: near, attached: attached),
                    ]
                }
            }
        }
    }

    /// Every way that connections may take through a router, whichever interface is the one to what lies in no network of it,
    /// and whether it is attached to one of their ends or is between other routers.
    static func detours(through host: SiteHost, in site: SiteModel, strangers: AddressSet) -> [Passage] {
        all(through: host, host.interfaces.possibleReach)
            + Surroundings(of: host, in: site, strangers: strangers).passages
    }

    /// Whether a change of addresses may be about what takes this way.
    func concerns(_ translation: Translation) -> Bool {
        let changed = translation.changed
        switch translation.kind {
        case .destination(let target, _):
            return inputs.contains(where: changed.inputInterfaces.contains) && destinations.contains(target)
        case .masquerade, .source:
            return outputs.contains(where: changed.outputInterfaces.contains)
                && changed.sources.intersects(sources) && changed.destinations.intersects(destinations)
        case .unchanged: return false
        }
    }

    private static func all(through host: SiteHost, _ reach: [(name: String, addresses: AddressSet)]) -> [Passage] {
        guard host.isRouter else { return [] }
        let own = AddressSet(host.allAddresses.map(\.address))
        let attached = AddressSet(host.allAddresses.map(\.network)).subtracting(own)
        let reach = reach.map { ($0.name, $0.addresses.subtracting(own)) }
        return reach.flatMap { input, sources in
            reach.filter { $0.0 != input }.map { output, destinations in
                Passage(
                    inputs: [input],
                    outputs: [output],
                    sources: sources,
                    destinations: destinations,
                    attached: attached
                )
            }
        }
    }
}

extension Passage {
    /// The way of every connection between these ends.
    init(_ sources: AddressSet, by inputs: [String], to destinations: AddressSet, by outputs: [String]) {
        self.init(inputs: inputs, outputs: outputs, sources: sources, destinations: destinations, attached: .all)
    }
}

extension [HostInterface] {
    /// What is reached by each interface: its networks, but for parts that another has a longer prefix of; what routers of the
    /// site lead to behind it; and by one of them everything else (`interfaces(toward:)`).
    var reach: [(name: String, addresses: AddressSet)] {
        let routed = self.routed
        return settled.map { name, addresses in
            let led = routed.filter { $0.names.contains(name) }.map(\.addresses)
            return (name, led.reduce(addresses) { $0.union($1) })
        }
    }

    /// The same without what routers lead to.
    var settled: [(name: String, addresses: AddressSet)] {
        var (reached, rest) = attached
        for part in routed { rest = rest.subtracting(part.addresses) }
        if let other = fallback { reached[other.name] = reached[other.name]?.union(rest) }
        return map { ($0.name, reached[$0.name] ?? .none) }
    }

    /// What routers of the site lead to behind interfaces, in none of their networks, each part with all that lead there. No
    /// address is in two.
    var routed: [(names: [String], addresses: AddressSet)] {
        if allSatisfy(\.behind.isEmpty) { return [] }
        let rest = attached.rest
        var parts: [(names: [String], addresses: AddressSet)] = []
        for interface in self {
            var left = AddressSet(interface.behind).intersection(rest)
            for index in parts.indices {
                let common = parts[index].addresses.intersection(left)
                if common.isEmpty { continue }
                parts.append((parts[index].names + [interface.name], common))
                parts[index].addresses = parts[index].addresses.subtracting(common)
                left = left.subtracting(common)
            }
            parts.append(([interface.name], left))
        }
        return parts.filter { !$0.addresses.isEmpty }
    }

    /// What may be reached by each interface: its networks as above, and what is in no network of any.
    var possibleReach: [(name: String, addresses: AddressSet)] {
        let (reached, rest) = attached
        return map { ($0.name, (reached[$0.name] ?? .none).union(rest)) }
    }

    /// The networks of each interface, but for parts that another has a longer prefix of; and what is in none.
    var attached: (byName: [String: AddressSet], rest: AddressSet) {
        var rest = AddressSet.all
        var reached = Dictionary(map { ($0.name, AddressSet.none) }) { first, _ in first }
        let networks = flatMap { interface in interface.addresses.map { (interface.name, $0.network) } }
        for (name, network) in networks.sorted(by: { $0.1.prefixLength > $1.1.prefixLength }) {
            let part = AddressSet([network]).intersection(rest)
            reached[name] = reached[name]?.union(part)
            rest = rest.subtracting(part)
        }
        return (reached, rest)
    }

    /// The interface that what is in no network of them is reached by: one that faces the outside, else one that gets
    /// its addresses from elsewhere, else one that leads to a router with such an interface, else the only one.
    var fallback: HostInterface? {
        first { $0.zone == FirewallDefence.outside } ?? first { $0.addresses.isEmpty } ?? outward
            ?? (count == 1 ? self[0] : nil)
    }

    /// The one that leads to a router where strangers come by; nil where they may come by another, which bears an address
    /// that the internet can reach. Of IPv6 any may.
    private var outward: HostInterface? {
        let others = filter { !$0.leadsOutward }.flatMap(\.addresses).map(\.address)
        guard others.allSatisfy({ $0.width == 128 || SpecialAddresses.bogons.contains($0) }) else { return nil }
        return first { $0.leadsOutward }
    }
}
