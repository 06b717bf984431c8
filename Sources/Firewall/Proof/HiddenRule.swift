import Linux

/// A line of the policy that decides about nothing, on no host: earlier ones take all of its packets.
package struct HiddenRule: Sendable {
    package enum Kind: String, Sendable {
        /// Earlier rules do the same with all of its packets.
        case redundant
        /// Earlier rules do the opposite with all of them.
        case contradicted
        /// Earlier rules take all of its packets, some of them to the opposite end.
        case shadowed
    }

    package let kind: Kind
    /// One of the rules that it became.
    package let rule: IntentRule
    /// The earlier rules that take its packets, in their order.
    package let hiding: [IntentRule]
}

extension HiddenRule {
    /// The hidden lines of a site's hosts, in the order of the rules; nil when there are too many pieces to tell.
    package static func all(in hosts: [HostIntent], limit: Int = 6_000_000) -> [HiddenRule]? {
        var order: [String] = []
        var found: [String: HiddenRule] = [:]
        var deciding: Set<String> = []
        let reviews = Parallel.map(hosts.flatMap { host in PacketPath.allCases.map { (host, $0) } }) { host, path in
            try? review(host.rules(path), path, DiagramStore(limit: limit))
        }
        for review in reviews {
            guard let review else { return nil }
            for (rule, hidden) in review {
                if found[rule.id] == nil, !deciding.contains(rule.id) { order.append(rule.id) }
                if let hidden { found[rule.id] = found[rule.id] ?? hidden } else { deciding.insert(rule.id) }
            }
        }
        return order.filter { !deciding.contains($0) }.compactMap { found[$0] }
    }

    /// The written rules of one way through a host, each with what hides it.
    private static func review(
        _ rules: [IntentRule],
        _ path: PacketPath,
        _ store: DiagramStore
    ) throws(SpaceExhausted) -> [(IntentRule, HiddenRule?)] {
        let space = IntentSpace(in: store)
        // What a host says to itself, and what defences are about, is no line's business.
        var usual = Box()
        usual.restrict(.oddities, to: 0)
        usual.restrict(.tcpFlags, to: 0x02)
        let real = InterfaceSet.except(["lo"]).numbers
        if path != .output { usual.restrict(.inputInterface, to: real) }
        if path != .input { usual.restrict(.outputInterface, to: real) }
        let possible = try store.combine(
            try PossiblePackets.region(path, in: store),
            try store.region(usual),
            .intersection
        )
        var regions: [PacketFunction] = []
        var taken = PacketFunction.none
        var list: [(IntentRule, HiddenRule?)] = []
        for (index, rule) in rules.enumerated() {
            let region = try store.combine(try space.region(rule, path), possible, .intersection)
            if rule.origin == .written, region != .none {
                let left = try store.combine(region, taken, .difference)
                let hidden = left == .none ? try hidden(rule, region, Array(rules[..<index]), regions, store) : nil
                list.append((rule, hidden))
            }
            regions.append(region)
            taken = try store.combine(taken, region, .union)
        }
        return list
    }

    private static func hidden(
        _ rule: IntentRule,
        _ region: PacketFunction,
        _ earlier: [IntentRule],
        _ regions: [PacketFunction],
        _ store: DiagramStore
    ) throws(SpaceExhausted) -> HiddenRule {
        var left = region
        var hiding: [IntentRule] = []
        for (other, taken) in zip(earlier, regions) where left != .none {
            let rest = try store.combine(left, taken, .difference)
            guard rest != left else { continue }
            hiding.append(other)
            left = rest
        }
        let same = hiding.filter { ($0.verdict == .accept) == (rule.verdict == .accept) }.count
        let kind: Kind = same == hiding.count ? .redundant : same == 0 ? .contradicted : .shadowed
        return HiddenRule(kind: kind, rule: rule, hiding: hiding)
    }
}
