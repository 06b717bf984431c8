/// The zones that a line of the policy is bound to.
struct LineZones: Hashable {
    var input: String?
    var output: String?
    /// Whether routers are asked about both, and not sources about what they send.
    var areOfRouters = false
}

/// What lines that are bound to zones do not speak of.
extension SiteWays {
    /// What the hosts with an interface of the zone send by others.
    func leaving(_ zones: LineZones) throws(SpaceExhausted) -> PacketFunction {
        guard let zone = zones.output else { return .none }
        return try store.region(
            site.hosts.filter { $0.sides.has(zone) }.flatMap { host in
                var match = PacketMatch()
                match.sources = host.addresses
                match.destinations = host.sides.elsewhere(than: zone)
                return Box.boxes(of: match, on: .input)
            }
        )
    }

    /// What passes routers on other ways.
    func passing(_ zones: LineZones) throws(SpaceExhausted) -> PacketFunction {
        let routed = try store.region(
            site.routers.flatMap { index in
                let sides = site.hosts[index].sides
                return site.hosts[index].passages.filter { passage in
                    !passage.inputs.contains { sides.isOf(zones.input, $0) }
                        || !passage.outputs.contains { sides.isOf(zones.output, $0) }
                }.flatMap(\.boxes)
            }
        )
        return try store.combine(routed, try unrouted(otherThan: zones), .union)
    }
}
