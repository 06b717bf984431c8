import Site

/// What the kernel's rules make of addresses, as functions over all packets at once.
extension HeldSpace {
    /// The hooks at which the kernel translates, in the order of the ways of packets, and how packets come there: the
    /// first two change destinations, the others sources.
    static let translating: [(hook: HeldHook, paths: [PacketPath])] = [
        (.prerouting, [.input]), (.output, [.output]), (.input, [.input]), (.postrouting, [.forward, .output]),
    ]

    /// What becomes of the addresses of packets that begin a connection, at one hook: the translation's own bit of
    /// `watched` where that changes them, `accept` where none of these does. The kernel asks the chains of translation
    /// by priority, until one changes the packet (`nf_nat_inet_fn`).
    mutating func translations(at hook: HeldHook, _ path: PacketPath) throws(SpaceExhausted) -> PacketFunction {
        var total = PacketFunction(.accept)
        var rest = ruleset.bases(at: hook).filter { ruleset.chains[$0].base?.isTranslation == true }[...]
        while let first = rest.first {
            let priority = ruleset.chains[first].base?.priority
            let alike = rest.prefix { ruleset.chains[$0].base?.priority == priority }
            var chains: [PacketFunction] = []
            for index in alike { chains.append(try base(index, path)) }
            total = try store.combine(total, try inAnyOrder(chains), .then)
            rest = rest.dropFirst(alike.count)
        }
        return total
    }

    /// What chains of one priority make of packets, of which nobody knows the order.
    private func inAnyOrder(_ chains: [PacketFunction]) throws(SpaceExhausted) -> PacketFunction {
        guard let first = chains.first, chains.count > 1 else { return chains.first ?? PacketFunction(.accept) }
        let accept = Outcomes.accept.rawValue
        var (some, all) = (first, first)
        for chain in chains.dropFirst() {
            some = try store.combine(some, chain, .either)
            all = try store.combine(all, chain, .mask)
        }
        return try store.combine(try store.map(some) { $0 & ~accept }, try store.map(all) { $0 & accept }, .either)
    }

    /// What the chains that only filter make of packets before their destinations are changed.
    mutating func filtersBeforeTranslation(_ path: PacketPath) throws(SpaceExhausted) -> PacketFunction {
        try filters(path) { chain, base in
            chain.isBelowIP || base.hook == .prerouting && base.priority <= HeldTranslation.destinationPriority
        }
    }

    /// What they make of them after their sources are changed.
    mutating func filtersAfterTranslation(_ path: PacketPath) throws(SpaceExhausted) -> PacketFunction {
        try filters(path) { chain, base in
            chain.isBelowIP
                ? [.output, .postrouting, .egress].contains(base.hook)
                : base.hook == .postrouting && base.priority >= HeldTranslation.sourcePriority
        }
    }

    private mutating func filters(
        _ path: PacketPath,
        where isMeant: (HeldChain, HeldChain.Base) -> Bool
    ) throws(SpaceExhausted) -> PacketFunction {
        var total = PacketFunction(.accept)
        for index in ruleset.bases(on: path) {
            let chain = ruleset.chains[index]
            guard let base = chain.base, !base.isTranslation, isMeant(chain, base) else { continue }
            total = try store.combine(total, try self.base(index, path), .then)
        }
        return total
    }
}

extension HeldTranslation {
    /// Where the kernel changes destinations and sources, whatever the priorities of the chains that say how
    /// (NF_IP_PRI_NAT_DST, NF_IP_PRI_NAT_SRC).
    static let destinationPriority = -100
    static let sourcePriority = 100

    /// As a kernel holds what is meant; nil for no change.
    init?(_ kind: Translation.Kind) {
        switch kind {
        case .unchanged: return nil
        case .masquerade: self = .masquerade
        case .source(let address): self = .source("\(address)")
        case .destination(let address, nil): self = .destination("\(address)")
        case .destination(let address, .some(let port)):
            self = .destination(address.width == 128 ? "[\(address)]:\(port)" : "\(address):\(port)")
        }
    }
}
