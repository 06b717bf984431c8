import Linux
import Site

/// A line of the policy that could go: it decides about nothing, on no host, since earlier ones take all of its packets, or
/// later ones would do the same with all that it decides about.
package struct HiddenRule: Sendable {
    package enum Kind: String, Sendable {
        /// Other rules do the same with all of its packets.
        case redundant
        /// Earlier rules do the opposite with all of them.
        case contradicted
        /// Earlier rules take all of its packets, some of them to the opposite end.
        case shadowed
    }

    package let kind: Kind
    /// One of the rules that it became.
    package let rule: IntentRule
    /// The earlier rules that take its packets, in their order; of one that decides the later ones that would.
    package let hiding: [IntentRule]
    /// Whether it decides about some packets; only what is redundant does.
    package var decides = false
}

extension HiddenRule {
    /// The hidden lines of a site's hosts, in the order of the rules. Packets come and go by the interfaces of the site
    /// file, where that says by which; of what is derived only that counts which lets nothing through. So it is with a port
    /// forward: it sends packets elsewhere, whoever lets them through there.
    ///
    /// - Parameters:
    ///   - limit: see `DiagramStore`; for each way through a host.
    ///   - steps: see `DiagramStore`; for each way through a host.
    /// - Throws: when there are too many pieces to tell.
    package static func all(
        in hosts: [HostIntent],
        limit: Int = DiagramStore.usualLimit,
        steps: Int = DiagramStore.usualSteps
    ) throws(SpaceExhausted) -> [HiddenRule] {
        var order: [String] = []
        var found: [String: HiddenRule] = [:]
        var deciding: Set<String> = []
        let reviews = Parallel.map(hosts.flatMap { host in PacketPath.allCases.map { (host, $0) } }) { host, path in
            Result { () throws(SpaceExhausted) in
                try review(host, path, DiagramStore(limit: limit, steps: steps))
            }
        }
        for review in reviews {
            for (rule, hidden) in try review.get() {
                if found[rule.id] == nil, !deciding.contains(rule.id) { order.append(rule.id) }
                guard let hidden else {
                    deciding.insert(rule.id)
                    continue
                }
                found[rule.id] = found[rule.id].map { $0.joined(hidden) } ?? hidden
            }
        }
        let forwards = Set(hosts.flatMap(\.translations).filter(\.isForward).map(\.id))
        return order.filter { !deciding.contains($0) }.compactMap { found[$0] }.filter {
            $0.rule.origin == .written && !forwards.contains($0.rule.id) || $0.kind == .contradicted
        }
    }

    /// Both of one line: where it is hidden otherwise on another way, or at another moment, it is by some that do this
    /// and some that do that; where it decides on one of them, it could go for all that others do there.
    func joined(_ other: HiddenRule) -> HiddenRule {
        let known = Set(hiding.map(\.id))
        let both = hiding + other.hiding.filter { !known.contains($0.id) }
        if decides || other.decides { return HiddenRule(kind: .redundant, rule: rule, hiding: both, decides: true) }
        return kind == other.kind ? self : HiddenRule(kind: .shadowed, rule: rule, hiding: both)
    }

    /// The rules of lines and of what is derived, of one way through a host, each with what hides it.
    private static func review(
        _ host: HostIntent,
        _ path: PacketPath,
        _ store: DiagramStore
    ) throws(SpaceExhausted) -> [(IntentRule, HiddenRule?)] {
        let rules = host.rules(path)
        let space = IntentSpace(in: store)
        // What a host says to itself, what defences are about, and what follows the first packet of a connection is no
        // line's business.
        var usual = Box()
        usual.restrict(.state, to: UInt128(ConnectionState.new.rawValue))
        usual.restrict(.oddities, to: 0)
        usual.restrict(.tcpFlags, to: 0x02)
        let named = host.otherAddresses.isEmpty ? Set(host.interfaces.map(\.name)) : []
        let real = (named.isEmpty ? InterfaceSet.except(["lo"]) : .among(named)).numbers
        if path != .output { usual.restrict(.inputInterface, to: real) }
        if path != .input { usual.restrict(.outputInterface, to: real) }
        let possible = try store.combine(
            try PossiblePackets.region(path, in: store),
            try store.region(usual),
            .intersection
        )
        var regions: [PacketFunction] = []
        for rule in rules {
            regions.append(try store.combine(try space.region(rule, path), possible, .intersection))
        }
        let tree = try RegionTree(regions, store)
        let taken = try tree.taken()
        let redundant = try RedundantRules(rules, in: tree, taken: taken).search()
        var list: [(IntentRule, HiddenRule?)] = []
        for (index, rule) in rules.enumerated() where rule.origin.isOfPolicy && regions[index] != .none {
            if regions[index] == taken[index] {
                list.append((rule, hidden(rule, by: try takers(of: index, in: tree).map { rules[$0] })))
            } else if let others = redundant[index] {
                let others = others.map { rules[$0] }
                list.append((rule, HiddenRule(kind: .redundant, rule: rule, hiding: others, decides: true)))
            } else {
                list.append((rule, nil))
            }
        }
        return list
    }

    /// The rules before this one that take something of it that none before them took, in their order.
    private static func takers(of index: Int, in tree: RegionTree) throws(SpaceExhausted) -> [Int] {
        var left = tree.regions[index]
        var takers: [Int] = []
        try tree.walk(&left, over: 0..<index) { taker, left throws(SpaceExhausted) in
            left = try tree.store.combine(left, tree.regions[taker], .difference)
            takers.append(taker)
            return true
        }
        return takers
    }

    /// - Parameter hiding: the earlier rules that take its packets.
    private static func hidden(_ rule: IntentRule, by hiding: [IntentRule]) -> HiddenRule {
        let opposite = hiding.filter { ($0.verdict == .accept) != (rule.verdict == .accept) }.count
        // What has another limit drops other packets.
        let isSame = opposite == 0 && hiding.allSatisfy { $0.limit == rule.limit }
        let kind: Kind = isSame ? .redundant : opposite == hiding.count ? .contradicted : .shadowed
        return HiddenRule(kind: kind, rule: rule, hiding: hiding)
    }
}

extension RuleOrigin {
    /// Whether it is there because of what the site file says, and does not come with the house.
    var isOfPolicy: Bool {
        switch self {
        case .written, .derived: true
        case .defence, .baseline: false
        }
    }
}
