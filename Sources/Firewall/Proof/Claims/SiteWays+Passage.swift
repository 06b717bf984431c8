/// What is asked of the packets of one of a router's ways, and what is left when nobody sees the interfaces any more.
extension SiteWays {
    /// The packets of a passage, by its interfaces.
    func way(_ passage: Passage) throws(SpaceExhausted) -> PacketFunction {
        var box = Box()
        box.restrict(.inputInterface, to: InterfaceSet.among(Set(passage.inputs)).numbers)
        box.restrict(.outputInterface, to: InterfaceSet.among(Set(passage.outputs)).numbers)
        return try store.combine(try store.region(passage.boxes), try store.region(box), .intersection)
    }

    /// A function for packets that take one way, and for no other: a router has thousands of lines, and few are about one
    /// of its ways.
    func on(_ way: PacketFunction, _ function: PacketFunction) throws(SpaceExhausted) -> PacketFunction {
        try store.forgetting([.inputInterface, .outputInterface], try function.only(in: way, store))
    }

    /// The packets that take one way and are in a set by whichever of its interfaces.
    func always(_ way: PacketFunction, _ set: PacketFunction) throws(SpaceExhausted) -> PacketFunction {
        let interfaces: Set<Dimension> = [.inputInterface, .outputInterface]
        let others = try store.forgetting(interfaces, try store.combine(way, set, .difference))
        return try store.combine(try store.forgetting(interfaces, way), others, .difference)
    }
}
