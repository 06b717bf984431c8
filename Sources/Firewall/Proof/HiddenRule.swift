import Linux
import Site

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
    /// The hidden lines of a site's hosts, in the order of the rules. Packets come and go by the interfaces of the site
    /// file, where that says by which; of what is derived only that counts which lets nothing through.
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
        return order.filter { !deciding.contains($0) }.compactMap { found[$0] }.filter {
            $0.rule.origin == .written || $0.kind == .contradicted
        }
    }

    /// Both of one line: where it is hidden otherwise on another way, or at another moment, it is by some that do this
    /// and some that do that.
    func joined(_ other: HiddenRule) -> HiddenRule {
        guard kind != other.kind else { return self }
        let known = Set(hiding.map(\.id))
        return HiddenRule(kind: .shadowed, rule: rule, hiding: hiding + other.hiding.filter { !known.contains($0.id) })
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
        let tree = RegionTree(try RegionTree.Half(regions.indices, regions, store), regions, store)
        let covered = try tree.covered()
        var list: [(IntentRule, HiddenRule?)] = []
        for (index, rule) in rules.enumerated() where rule.origin.isOfPolicy && regions[index] != .none {
            guard covered.contains(index) else {
                list.append((rule, nil))
                continue
            }
            list.append((rule, hidden(rule, by: try tree.takers(of: index).map { rules[$0] })))
        }
        return list
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
    fileprivate var isOfPolicy: Bool {
        switch self {
        case .written, .derived: true
        case .defence, .baseline: false
        }
    }
}

/// A list of sets by halves, each with what its sets hold together: so a question about a set and those before it asks only
/// where there is something of it, and n questions cost about n log n.
private struct RegionTree {
    /// A part of the list with the union of its sets; halved unless it is a single one.
    indirect enum Half {
        case one(Int, PacketFunction)
        case two(Half, Half, PacketFunction)

        init(_ range: Range<Int>, _ regions: [PacketFunction], _ store: DiagramStore) throws(SpaceExhausted) {
            guard range.count > 1 else {
                self = range.isEmpty ? .one(0, .none) : .one(range.lowerBound, regions[range.lowerBound])
                return
            }
            let middle = (range.lowerBound + range.upperBound) / 2
            let first = try Half(range.lowerBound..<middle, regions, store)
            let second = try Half(middle..<range.upperBound, regions, store)
            self = .two(first, second, try store.combine(first.union, second.union, .union))
        }

        var union: PacketFunction {
            switch self {
            case .one(_, let union), .two(_, _, let union): union
            }
        }
    }

    private let root: Half
    private let regions: [PacketFunction]
    private let store: DiagramStore

    init(_ root: Half, _ regions: [PacketFunction], _ store: DiagramStore) {
        (self.root, self.regions, self.store) = (root, regions, store)
    }

    /// The sets that are not empty and lie wholly in those before them.
    func covered() throws(SpaceExhausted) -> Set<Int> {
        var indices: Set<Int> = []
        try search(root, taken: .none, &indices)
        return indices
    }

    /// - Parameter taken: what the sets before the part hold of what is in it.
    private func search(_ half: Half, taken: PacketFunction, _ indices: inout Set<Int>) throws(SpaceExhausted) {
        switch half {
        case .one(let index, let region):
            if region != .none, region == taken { indices.insert(index) }
        case .two(let first, let second, _):
            try search(first, taken: try store.combine(taken, first.union, .intersection), &indices)
            let before = try store.combine(taken, first.union, .union)
            try search(second, taken: try store.combine(before, second.union, .intersection), &indices)
        }
    }

    /// The sets before this one that take something of it that none before them took, in their order.
    func takers(of index: Int) throws(SpaceExhausted) -> [Int] {
        var left = regions[index]
        var takers: [Int] = []
        try take(&left, root, before: index, &takers)
        return takers
    }

    private func take(
        _ left: inout PacketFunction,
        _ half: Half,
        before end: Int,
        _ takers: inout [Int]
    ) throws(SpaceExhausted) {
        guard left != .none, try store.combine(left, half.union, .intersection) != .none else { return }
        switch half {
        case .one(let index, let region):
            guard index < end else { return }
            left = try store.combine(left, region, .difference)
            takers.append(index)
        case .two(let first, let second, _):
            try take(&left, first, before: end, &takers)
            try take(&left, second, before: end, &takers)
        }
    }
}
