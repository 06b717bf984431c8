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

    /// Outcomes as answers, of which `either` makes the best of several: 1 where it is surely accepted, 2 where it may be.
    func answers(_ store: DiagramStore) throws(SpaceExhausted) -> PacketFunction {
        try store.map(self) { number in
            number == Outcomes.accept.rawValue ? 1 : number & Outcomes.accept.rawValue == 0 ? 0 : 2
        }
    }

    /// What becomes of packets by the best of the answers.
    func best(_ store: DiagramStore) throws(SpaceExhausted) -> PacketFunction {
        try store.map(self) { number in
            let result: Outcomes = number & 1 != 0 ? .accept : number == 0 ? .drop : [.accept, .drop]
            return result.rawValue
        }
    }
}
