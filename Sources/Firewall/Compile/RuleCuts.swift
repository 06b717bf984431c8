import Site

/// Compiles rules of which many cross each other in several fields, so that every diagram of them is large: lookups of
/// addresses cut the packets into parts, and each part has the list of the rules about it, tried in order. After Gupta
/// and McKeown, "Packet classification using hierarchical intelligent cuttings" (1999).
///
/// A rule stands in the list of each part that it reaches into. So there are hardly more lines than rules, and few
/// lookups; where addresses do not tell the rules apart, a list is long, and a packet is held against all of it.
struct RuleCuts {
    let path: PacketPath

    /// Up to so many rules are not cut.
    static let shortList = 16
    /// How many parts one lookup makes at most.
    private static let mostParts = 256
    /// How often a part is cut again.
    private static let deepest = 3

    /// - Parameters:
    ///   - rules: all about packets of the same states and oddities, for which whoever leads to the chain asks.
    ///   - chain: an empty one.
    func write(_ rules: [IntentRule], to chain: String, _ parts: inout RulesetParts) {
        guard rules.count > Self.shortList else {
            return parts.append(lines(rules, &parts), to: chain)
        }
        for family in AddressFamily.allCases {
            let own = rules.compactMap { $0.only(family) }
            parts.append(lines(own, Part(family: family, name: chain), &parts), to: chain)
        }
    }

    /// Packets that come to one place: all those of the family, or some of them.
    private struct Part {
        let family: AddressFamily
        /// The chain, with which names of what it leads to begin.
        var name: String
        var sources: ClosedRange<UInt128> = 0...UInt128.max
        var destinations: ClosedRange<UInt128> = 0...UInt128.max
        var depth = 0

        subscript(_ side: Side) -> ClosedRange<UInt128> {
            get { side == .source ? sources : destinations }
            set { if side == .source { sources = newValue } else { destinations = newValue } }
        }
    }

    /// The address by which packets are told apart.
    enum Side: CaseIterable {
        case source, destination
    }

    /// Parts of an address's range, and how many rules the longest list of one would have.
    private struct Cut {
        let side: Side
        let ranges: [ClosedRange<UInt128>]
        let longest: Int
    }

    private func lines(_ rules: [IntentRule], _ parts: inout RulesetParts) -> [Rule] {
        rules.flatMap { LinearRule($0, .path(path), isAsked: true).lines(&parts) }
    }

    private func lines(_ rules: [IntentRule], _ part: Part, _ parts: inout RulesetParts) -> [Rule] {
        guard rules.count > Self.shortList, part.depth < Self.deepest, let cut = Self.cut(rules, part) else {
            return lines(rules, &parts)
        }
        let word = cut.side == .source ? "from" : "to"
        var elements: [Element] = []
        for range in cut.ranges {
            let addresses = part.family.addresses(range)
            let list = rules.compactMap { $0.only(cut.side, addresses) }
            // Whom no rule is about goes back.
            if list.isEmpty { continue }
            var inside = part
            inside.name = parts.chain("\(part.name)_\(word)")
            inside[cut.side] = range
            inside.depth += 1
            parts.append(lines(list, inside, &parts), to: inside.name)
            let note = RuleNote(list.lazy.map(\.label)).text
            elements.append(Element(part.family.key(range), .goto(inside.name), note: note))
        }
        let selector: Selector = cut.side == .source ? .source(part.family) : .destination(part.family)
        let map = parts.set("\(part.name)_\(word)_\(part.family)", selector, .verdicts, elements)
        return [Rule([], .lookupNamed(selector, map), note: RuleNote(rules.lazy.map(\.label)).text)]
    }

    /// The cut with the shortest lists; nil when none is worth its lookup.
    private static func cut(_ rules: [IntentRule], _ part: Part) -> Cut? {
        let cuts = Side.allCases.compactMap { cut(rules, part, $0) }
        return cuts.min { $0.longest < $1.longest }
    }

    /// As many parts as there may be before rules stand in two of them too often.
    private static func cut(_ rules: [IntentRule], _ part: Part, _ side: Side) -> Cut? {
        let last = UInt128(part.family == .v4 ? UInt128(UInt32.max) : .max)
        let space = part[side].clamped(to: 0...last)
        let asked = rules.map { rule in
            rule.matches.flatMap { $0.ranges(part.family, side) }.map { $0.clamped(to: space) }
        }
        let starts = asked.joined().map(\.lowerBound).filter { $0 > space.lowerBound }.sorted()
        var count = min(mostParts, rules.count * 2 / shortList)
        while count > 1, !starts.isEmpty {
            var bounds: [UInt128] = []
            for index in 1..<count where bounds.last != starts[index * starts.count / count] {
                bounds.append(starts[index * starts.count / count])
            }
            let lengths = lengths(asked, bounds)
            let longest = lengths.max() ?? 0
            if lengths.reduce(0, +) <= rules.count * 3 / 2, longest <= rules.count * 2 / 3 {
                let lowers = [space.lowerBound] + bounds
                let uppers = bounds.map { $0 - 1 } + [space.upperBound]
                return Cut(side: side, ranges: zip(lowers, uppers).map { $0...$1 }, longest: longest)
            }
            count /= 2
        }
        return nil
    }

    /// How many rules each part has about it.
    ///
    /// - Parameter bounds: where parts begin, but for the first.
    private static func lengths(_ asked: [[ClosedRange<UInt128>]], _ bounds: [UInt128]) -> [Int] {
        func part(_ number: UInt128) -> Int {
            var (low, high) = (0, bounds.count)
            while low < high {
                let middle = (low + high) / 2
                if bounds[middle] <= number { low = middle + 1 } else { high = middle }
            }
            return low
        }
        var lengths = Array(repeating: 0, count: bounds.count + 1)
        for ranges in asked {
            let reached = IntervalSet(ranges.map { UInt(part($0.lowerBound))...UInt(part($0.upperBound)) })
            for index in reached.ranges.joined() { lengths[Int(index)] += 1 }
        }
        return lengths
    }
}

extension PacketMatch {
    /// The family's addresses of one side that it is about.
    fileprivate func ranges(_ family: AddressFamily, _ side: RuleCuts.Side) -> [ClosedRange<UInt128>] {
        let set = side == .source ? sources : destinations
        return family == .v4 ? set.v4.widened.ranges : set.v6.ranges
    }
}

extension IntentRule {
    /// The rule for packets of one family; nil when it is about none.
    fileprivate func only(_ family: AddressFamily) -> IntentRule? {
        let all = family == .v4 ? AddressSet(v4: .all) : AddressSet(v6: .all)
        return only { match in
            guard match.canBe(family) else { return nil }
            var match = match
            match.sources = match.sources.intersection(all)
            match.destinations = match.destinations.intersection(all)
            return match
        }
    }

    /// The rule for packets with one of these addresses; nil when it is about none.
    fileprivate func only(_ side: RuleCuts.Side, _ addresses: AddressSet) -> IntentRule? {
        only { (side == .source ? $0.sources : $0.destinations).intersects(addresses) ? $0 : nil }
    }

    private func only(_ part: (PacketMatch) -> PacketMatch?) -> IntentRule? {
        var rule = self
        rule.matches = matches.compactMap(part)
        return rule.matches.isEmpty ? nil : rule
    }
}

extension AddressFamily {
    /// A range of the family's addresses as an element.
    fileprivate func key(_ range: ClosedRange<UInt128>) -> ElementKey {
        switch self {
        case .v4: .v4(UInt32(truncatingIfNeeded: range.lowerBound)...UInt32(truncatingIfNeeded: range.upperBound))
        case .v6: .v6(range)
        }
    }

    fileprivate func addresses(_ range: ClosedRange<UInt128>) -> AddressSet {
        switch key(range) {
        case .v4(let range): AddressSet(v4: IntervalSet(range))
        case .v6(let range): AddressSet(v6: IntervalSet(range))
        default: .none
        }
    }
}
