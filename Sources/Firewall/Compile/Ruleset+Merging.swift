extension Ruleset {
    /// Makes chains of one rule part of the rule that leads to them, where it is the only one: the kernel holds less, and
    /// a person reads less.
    ///
    /// What the chain's rule is not about goes back to whoever called this chain; merged, it goes on behind the rule.
    /// So that is done only where the rules behind it are about other packets.
    mutating func mergeChains() {
        let uses = uses
        var merged: Set<String> = []
        let places = Dictionary(uniqueKeysWithValues: chains.indices.map { (chains[$0].name, $0) })
        // From behind, so that a chain has what it leads to when it is merged itself.
        for index in chains.indices.reversed() {
            for number in chains[index].rules.indices {
                let rule = chains[index].rules[number]
                guard case .verdict(.goto(let name)) = rule.action, uses[name] == 1, let place = places[name],
                    place > index, chains[place].isStep, !rule.hasCounter, rule.logPrefix == nil,
                    chains[index].rules[(number + 1)...].allSatisfy({ $0.isApart(from: rule) })
                else { continue }
                var step = chains[place].rules[0]
                step.matches = rule.matches + step.matches.filter { !rule.matches.contains($0) }
                chains[index].rules[number] = step
                merged.insert(name)
            }
        }
        chains.removeAll { merged.contains($0.name) }
    }

    /// How many rules and elements lead to each chain.
    private var uses: [String: Int] {
        var uses: [String: Int] = [:]
        func count(_ verdict: Verdict?) {
            switch verdict {
            case .jump(let name)?, .goto(let name)?: uses[name, default: 0] += 1
            case .accept?, .drop?, .leave?, nil: break
            }
        }
        for rule in chains.flatMap(\.rules) {
            switch rule.action {
            case .verdict(let verdict): count(verdict)
            case .lookup(_, let elements): for element in elements { count(element.verdict) }
            default: break
            }
        }
        for element in sets.flatMap(\.elements) { count(element.verdict) }
        return uses
    }
}

extension Chain {
    /// Whether it is a step on the way to the rules of the policy, which have chains of their own, and a single one.
    fileprivate var isStep: Bool { hook == nil && rules.count == 1 && !isRule }
}

extension Rule {
    /// Whether no packet fulfils the conditions of both: one asks for IPv4 and the other for IPv6, or one for ICMP and
    /// the other for ICMPv6.
    fileprivate func isApart(from other: Rule) -> Bool {
        func differ(_ one: AddressFamily?, _ other: AddressFamily?) -> Bool {
            one != nil && other != nil && one != other
        }
        return differ(family, other.family) || differ(icmp, other.icmp)
    }

    private var family: AddressFamily? {
        for case .family(let family) in matches { return family }
        return selectors.lazy.compactMap(\.family).first
    }

    private var icmp: AddressFamily? { selectors.lazy.compactMap(\.icmp).first }

    /// What the rule asks for.
    private var selectors: [Selector] {
        var selectors: [Selector] = matches.compactMap { match in
            switch match {
            case .among(let selector, _), .outside(let selector, _), .amongNamed(let selector, _),
                .outsideNamed(let selector, _):
                selector
            default: nil
            }
        }
        switch action {
        case .lookup(let selector, _), .lookupNamed(let selector, _): selectors.append(selector)
        default: break
        }
        return selectors
    }
}

extension Selector {
    /// The family of packets that have such an address.
    fileprivate var family: AddressFamily? {
        switch self {
        case .source(let family), .destination(let family): family
        default: nil
        }
    }

    /// Which of the two ICMPs has such a type.
    fileprivate var icmp: AddressFamily? {
        switch self {
        case .icmpType(let family), .icmpCode(let family): family
        default: nil
        }
    }
}
