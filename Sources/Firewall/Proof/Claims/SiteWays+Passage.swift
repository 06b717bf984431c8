/// What is asked of the packets of one of a router's ways, and what is left when nobody sees the interfaces any more.
extension SiteWays {
    /// What a router makes of the connections on each of these ways through it.
    func forwarding(by router: SiteHosts.Host, on passages: [Passage]) throws(SpaceExhausted) -> [Ends] {
        var parts: [Ends] = []
        let decided = try router.outcomes(.forward, in: store)
        let denied = try router.refused(.forward, byLines: true, in: store)
        let warded = try router.refused(.forward, byLines: false, in: store)
        for passage in passages {
            let region = try store.region(passage.boxes)
            let way = try way(passage)
            let outcomes = try on(way, decided)
            let ends = Ends(
                outcomes: outcomes,
                placed: outcomes,
                refused: try always(way, denied),
                defended: try always(way, warded),
                upkeep: .none
            )
            parts.append(try ends.inside(region, store))
        }
        return parts
    }

    /// The packets of a passage, by its interfaces.
    private func way(_ passage: Passage) throws(SpaceExhausted) -> PacketFunction {
        let interfaces = try store.region(passage.interfaces)
        return try store.combine(try store.region(passage.boxes), interfaces, .intersection)
    }

    /// A function for packets that take one way, and for no other: a router has thousands of lines, and few are about one
    /// of its ways.
    private func on(_ way: PacketFunction, _ function: PacketFunction) throws(SpaceExhausted) -> PacketFunction {
        try store.forgetting([.inputInterface, .outputInterface], try function.only(in: way, store))
    }

    /// The packets that take one way and are in a set by whichever of its interfaces.
    private func always(_ way: PacketFunction, _ set: PacketFunction) throws(SpaceExhausted) -> PacketFunction {
        let interfaces: Set<Dimension> = [.inputInterface, .outputInterface]
        let others = try store.forgetting(interfaces, try store.combine(way, set, .difference))
        return try store.combine(try store.forgetting(interfaces, way), others, .difference)
    }
}

/// The ways of connections through a router that changes addresses.
extension SiteWays {
    /// The ways, and by which rules. With many routers around there are many of them: what becomes of their connections is worked
    /// out for those that are asked about, and not for all of them.
    struct Detours: Sendable {
        /// All of them by the same interfaces.
        struct Way: Sendable {
            let inputs: [String]
            let outputs: [String]
            let interfaces: Box
            var connections: PacketFunction
        }

        /// What the router makes of packets by interfaces of the ways that a change of addresses is about.
        var decided = PacketFunction.none
        var ways: [Way] = []
    }

    /// The ways through one router.
    func detouring(by router: SiteHosts.Host) throws(SpaceExhausted) -> Detours {
        var groups: [[Passage]] = []
        var places: [Box: Int] = [:]
        for passage in router.detours {
            let place = places[passage.interfaces] ?? groups.count
            if place == groups.count { groups.append([]) }
            places[passage.interfaces] = place
            groups[place].append(passage)
        }
        var detours = Detours()
        for group in groups {
            let connections = try store.region(group.flatMap(\.boxes))
            detours.ways.append(
                Detours.Way(
                    inputs: group[0].inputs,
                    outputs: group[0].outputs,
                    interfaces: group[0].interfaces,
                    connections: connections
                )
            )
        }
        var asked = try redirected(by: router)
        for translation in router.intent.translations where !translation.decidesDestination {
            asked = try store.combine(asked, try matched(translation), .union)
        }
        asked = try store.combine(asked, try store.region(detours.ways.map(\.interfaces)), .intersection)
        detours.decided = try router.outcomes(.forward, in: store).only(in: asked, store)
        return detours
    }

    /// What a router makes of these connections by a way's interfaces.
    func decided(
        _ connections: PacketFunction,
        by way: Detours.Way,
        _ detours: Detours
    ) throws(SpaceExhausted) -> PacketFunction {
        let interfaces = try store.region(way.interfaces)
        return try on(try store.combine(connections, interfaces, .intersection), detours.decided)
    }
}
