extension PacketFunction {
    /// The function inside a set; 0 elsewhere.
    func only(in region: PacketFunction, _ store: DiagramStore) throws(SpaceExhausted) -> PacketFunction {
        let every: UInt16 = 0xFFFF
        return try store.combine(try store.map(region) { $0 == 1 ? every : 0 }, self, .mask)
    }

    /// Outcomes by any interface but `lo`: `accept` where one surely accepts.
    ///
    /// - Parameter region: the packets that are asked about: what is in it by no interface is dropped.
    func anywhere(
        _ dimension: Dimension,
        within region: PacketFunction = .all,
        in store: DiagramStore
    ) throws(SpaceExhausted) -> PacketFunction {
        var box = Box()
        box.restrict(dimension, to: InterfaceSet.except(["lo", ""]).numbers)
        let sure: UInt16 = 1
        let perhaps: UInt16 = 2
        let answers = try store.map(self) { number in
            if number == Outcomes.accept.rawValue { return sure }
            return number & Outcomes.accept.rawValue == 0 ? 0 : perhaps
        }
        let asked = try store.combine(try store.region(box), region, .intersection)
        let any = try store.forgetting([dimension], try answers.only(in: asked, store))
        return try store.map(any) { number in
            let result: Outcomes = number & sure != 0 ? .accept : number & perhaps != 0 ? [.accept, .drop] : .drop
            return result.rawValue
        }
    }
}
