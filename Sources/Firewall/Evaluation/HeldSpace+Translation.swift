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
        for index in ruleset.bases(at: hook) where ruleset.chains[index].base?.isTranslation == true {
            total = try store.combine(total, try base(index, path), .then)
        }
        return total
    }

    /// What the chains that only filter make of packets before their destinations are changed.
    mutating func filtersBeforeTranslation(_ path: PacketPath) throws(SpaceExhausted) -> PacketFunction {
        try filters(path) { hook, base in
            hook == .ingress || hook == .prerouting && base.priority <= HeldTranslation.destinationPriority
        }
    }

    /// What they make of them after their sources are changed.
    mutating func filtersAfterTranslation(_ path: PacketPath) throws(SpaceExhausted) -> PacketFunction {
        try filters(path) { hook, base in
            hook == .egress || hook == .postrouting && base.priority >= HeldTranslation.sourcePriority
        }
    }

    private mutating func filters(
        _ path: PacketPath,
        where isMeant: (HeldHook, HeldChain.Base) -> Bool
    ) throws(SpaceExhausted) -> PacketFunction {
        var total = PacketFunction(.accept)
        for hook in HeldHook.hooks(of: path) {
            for index in ruleset.bases(at: hook) {
                guard let base = ruleset.chains[index].base, !base.isTranslation, isMeant(hook, base) else { continue }
                total = try store.combine(total, try self.base(index, path), .then)
            }
        }
        return total
    }
}

extension HeldTranslation {
    /// Where the kernel changes destinations and sources, whatever the priorities of the chains that say how
    /// (NF_IP_PRI_NAT_DST, NF_IP_PRI_NAT_SRC).
    static let destinationPriority = -100
    static let sourcePriority = 100

    /// As a kernel holds what is meant.
    init(_ kind: Translation.Kind) {
        switch kind {
        case .masquerade: self = .masquerade
        case .source(let address): self = .source("\(address)")
        case .destination(let address, nil): self = .destination("\(address)")
        case .destination(let address, .some(let port)):
            self = .destination(address.width == 128 ? "[\(address)]:\(port)" : "\(address):\(port)")
        }
    }
}
