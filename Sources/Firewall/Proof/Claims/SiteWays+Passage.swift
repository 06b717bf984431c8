/// What is asked of the packets of one of a router's ways, and what is left when nobody sees the interfaces any more.
extension SiteWays {
    /// What a router makes of the connections on each of its ways.
    func forwarding(by router: SiteHosts.Host) throws(SpaceExhausted) -> [Ends] {
        var parts: [Ends] = []
        let decided = try router.outcomes(.forward, in: store)
        let denied = try router.refused(.forward, byLines: true, in: store)
        let warded = try router.refused(.forward, byLines: false, in: store)
        for passage in router.passages {
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

    /// The same on each of its detours.
    func detouring(by router: SiteHosts.Host) throws(SpaceExhausted) -> [PacketFunction] {
        let decided = try router.outcomes(.forward, in: store)
        var parts: [PacketFunction] = []
        for passage in router.detours { parts.append(try on(try way(passage), decided)) }
        return parts
    }

    /// The packets of a passage, by its interfaces.
    private func way(_ passage: Passage) throws(SpaceExhausted) -> PacketFunction {
        var box = Box()
        box.restrict(.inputInterface, to: InterfaceSet.among(Set(passage.inputs)).numbers)
        box.restrict(.outputInterface, to: InterfaceSet.among(Set(passage.outputs)).numbers)
        return try store.combine(try store.region(passage.boxes), try store.region(box), .intersection)
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
