import Site

/// By which interfaces of a host packets of each peer come and go, as the site file says: those of the network that the
/// peer lies in; for what routers of the site lead to behind some of them these; for strangers, whom no network of the site
/// claims, for networks of the internet that it names and nobody of it has, and for what other hosts have by interfaces that
/// face the outside, those that do so here, or get their addresses from elsewhere, else the one that leads to a router with
/// such an interface; for all others any, since the site file knows no routes. Where it says of an address of the host not
/// which interface bears it, it does not know all interfaces, and strangers may come by any.
struct HostSides: Sendable {
    struct Side: Sendable {
        let addresses: AddressSet
        let interfaces: InterfaceSet
    }

    /// No address is in two, and each is in one.
    let all: [Side]
    /// By which strangers come.
    let ofStrangers: InterfaceSet
    /// The peers whom routers of the site lead to behind several interfaces: by which of them they come nobody knows.
    let ofSeveral: AddressSet
    private let zones: [String: Set<String>]

    init(of host: SiteHost, outside: AddressSet) {
        let zoned = host.interfaces.compactMap { interface in interface.zone.map { ($0, [interface.name] as Set) } }
        zones = Dictionary(zoned) { $0.union($1) }
        let facing = host.interfaces.filter(\.facesStrangers)
        let outer = facing.isEmpty ? host.interfaces.fallback.map { [$0] } ?? [] : facing
        ofStrangers = outer.isEmpty || !host.addresses.isEmpty ? .any : .among(Set(outer.map(\.name)))
        let routed = host.interfaces.routed
        ofSeveral = routed.filter { $0.names.count > 1 }.reduce(AddressSet.none) { $0.union($1.addresses) }
        guard host.interfaces.count > 1 else {
            all = [Side(addresses: .all, interfaces: ofStrangers)]
            return
        }
        let unplaced = AddressSet(host.addresses.map(\.network))
        let (attached, rest) = host.interfaces.attached
        var sides = attached.sorted { $0.key < $1.key }.map { name, addresses in
            Side(addresses: addresses.subtracting(unplaced), interfaces: .among([name]))
        }
        sides += routed.map { names, addresses in
            Side(addresses: addresses.subtracting(unplaced), interfaces: .among(Set(names)))
        }
        let others = routed.reduce(rest) { $0.subtracting($1.addresses) }
        sides.append(Side(addresses: others.intersection(outside), interfaces: ofStrangers))
        let known = sides.reduce(AddressSet.none) { $0.union($1.addresses) }
        sides.append(Side(addresses: .all.subtracting(known), interfaces: .any))
        all = sides.filter { !$0.addresses.isEmpty }
    }

    /// Whether the host has an interface of a zone.
    func has(_ zone: String) -> Bool { zones[zone] != nil }

    /// The host's interfaces of a zone.
    func interfaces(of zone: String) -> InterfaceSet { .among(zones[zone] ?? []) }

    /// Whether an interface is of a zone; every one for no zone.
    func isOf(_ zone: String?, _ interface: String) -> Bool {
        zone.map { zones[$0]?.contains(interface) ?? false } ?? true
    }

    /// The peers of which packets may come or go by an interface.
    func behind(_ interface: String) -> AddressSet {
        all.reduce(.none) { behind, side in
            side.interfaces.contains(interface) ? behind.union(side.addresses) : behind
        }
    }

    /// The peers of which no packet comes or goes by an interface of a zone.
    func elsewhere(than zone: String) -> AddressSet { away(from: interfaces(of: zone)) }

    /// The peers of which no packet comes or goes by these interfaces.
    func away(from interfaces: InterfaceSet) -> AddressSet {
        all.reduce(.none) { away, side in
            side.interfaces.intersection(interfaces).isEmpty ? away.union(side.addresses) : away
        }
    }

    /// The packets that come, or go, by an interface that their peer is behind.
    func region(_ path: PacketPath, in store: DiagramStore) throws(SpaceExhausted) -> PacketFunction {
        if all.allSatisfy(\.interfaces.isAny) { return .all }
        return try store.region(
            all.flatMap { side in
                var match = PacketMatch()
                match.limit(path, to: side.interfaces)
                if path == .output { match.destinations = side.addresses } else { match.sources = side.addresses }
                return Box.boxes(of: match, on: path)
            }
        )
    }
}
