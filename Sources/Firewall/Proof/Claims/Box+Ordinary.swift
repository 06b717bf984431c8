extension Box {
    /// Those of its packets that have no oddity, and only the flag SYN.
    ///
    /// - Parameter areHeld: whether kernels are asked. Their rules may ask for hop limits, which but for neighbour discovery are
    ///   usually below 255: that is no oddity then. What is meant asks for those of neighbour discovery alone.
    func ordinary(areHeld: Bool) -> [Box] {
        var (near, far) = (self, self)
        near.restrict(.oddities, to: 0)
        near.restrict(.tcpFlags, to: 0x02)
        guard areHeld else { return [near] }
        far.restrict(.family, to: 1)
        far.restrict(.oddities, to: UInt128(PacketOddities.throughRouter.rawValue))
        far.restrict(.traffic, to: TrafficSet.all.subtracting(.discovery).kinds.widened)
        far.restrict(.tcpFlags, to: 0x02)
        return [near, far].filter { !$0.isEmpty }
    }
}
