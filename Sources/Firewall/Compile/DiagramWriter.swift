import Site

/// Writes a decision diagram as chains. A node is a lookup, whose values lead to other chains; the class of values that
/// would be the longest to list is what follows the lookup. What leads nowhere goes back to the base chain.
struct DiagramWriter {
    let diagram: Diagram
    let rules: [IntentRule]
    let path: PacketPath

    func write(to chain: String, _ parts: inout RulesetParts) {
        var pass = DiagramPass(diagram: diagram, rules: rules, path: path, name: chain)
        let lines = pass.lines(diagram.root, DiagramContext(name: chain), &parts)
        parts.append(lines, to: chain)
    }
}

/// What is known where lines of a diagram are written.
struct DiagramContext {
    /// The chain, and with what the names of its sets and of the chains that it leads to begin.
    var name: String
    /// The packets' family, once it was asked for.
    var family: AddressFamily?
    /// What lines must ask that do not ask for an address: packets of the other family come here, too.
    var guards: [Match] = []
}

/// One pass over a diagram.
struct DiagramPass {
    private let diagram: Diagram
    private let rules: [IntentRule]
    private let path: PacketPath
    /// The chain that the diagram begins in.
    private let name: String
    private var chains: [Place: String] = [:]
    /// How many answers lead to each target.
    private var answers: [Diagram.Target: Int] = [:]
    /// What follows a question that several answers lead to: its lines may be written in several chains.
    private var followers: Set<Diagram.Target> = []

    private struct Place: Hashable {
        let target: Diagram.Target
        let family: AddressFamily?
    }

    init(diagram: Diagram, rules: [IntentRule], path: PacketPath, name: String) {
        self.diagram = diagram
        self.rules = rules
        self.path = path
        self.name = name
        for node in diagram.nodes { for group in node.classes { answers[group.target, default: 0] += 1 } }
        // A question stands behind those that it leads to.
        for index in diagram.nodes.indices.reversed() {
            let node = Diagram.Target.node(Int32(index))
            guard answers[node] ?? 0 > 1 || followers.contains(node) else { continue }
            for group in diagram.nodes[index].classes { followers.insert(group.target) }
        }
    }

    /// The lines that do for a packet what the target says. Whom they are not about passes them.
    mutating func lines(
        _ target: Diagram.Target,
        _ context: DiagramContext,
        _ parts: inout RulesetParts
    ) -> [Rule] {
        switch target {
        case .leave: return []
        case .rules(let list):
            return list.map { number in
                let rule = rules[Int(number)]
                let chain = parts.ruleChain(rule, path)
                let guards = context.guards + (rule.expires.map { [.before($0)] } ?? [])
                return Rule(guards, .verdict(.goto(chain)), label: rule.label)
            }
        case .node(let number):
            let node = diagram.nodes[Int(number)]
            switch node.dimension {
            case .traffic: return trafficLines(node, context, &parts)
            case .inputInterface: return interfaceLines(node, .inputInterface, context, &parts)
            case .outputInterface: return interfaceLines(node, .outputInterface, context, &parts)
            case .family: return familyLines(node, context, &parts)
            case .destination, .source:
                let (lookups, rest) = addressLookups(target, context, &parts)
                return lookups + lines(rest, context, &parts)
            }
        }
    }

    /// What a lookup's element does, in a chain of its own where that is more than one step. Such a chain is called by how
    /// it is reached, where it is reached in one way.
    private mutating func verdict(
        _ target: Diagram.Target,
        _ context: DiagramContext,
        word: String,
        _ parts: inout RulesetParts
    ) -> (verdict: Verdict, label: RuleLabel?, note: String?) {
        switch target {
        case .leave: return (.leave, nil, nil)
        case .rules(let list) where list.count == 1 && rules[Int(list[0])].expires == nil:
            let rule = rules[Int(list[0])]
            return (.goto(parts.ruleChain(rule, path)), rule.label, nil)
        case .rules, .node:
            let place = Place(target: target, family: context.family)
            let note = note([target])
            if let known = chains[place] { return (.goto(known), nil, note) }
            let shared = "\(name)_shared"
            let isFollower = followers.contains(target) && !context.name.hasPrefix(shared)
            let isShared = answers[target] ?? 0 > 1 || isFollower
            let chain = parts.chain(isShared ? shared : "\(context.name)_\(word)")
            chains[place] = chain
            let inside = DiagramContext(name: chain, family: context.family)
            parts.append(lines(target, inside, &parts), to: chain)
            return (.goto(chain), nil, note)
        }
    }

    private func note(_ targets: [Diagram.Target]) -> String? { RuleNote(targets, of: diagram, rules).text }

    /// One lookup of values that lead to these targets, or a plain condition where all lead to the same.
    private mutating func lookup(
        _ selector: Selector,
        _ listed: [(target: Diagram.Target, keys: [ElementKey], word: String)],
        _ word: String,
        _ context: DiagramContext,
        _ parts: inout RulesetParts
    ) -> [Rule] {
        let listed = listed.filter { !$0.keys.isEmpty }
        guard !listed.isEmpty else { return [] }
        // What asks for an address asks for its family.
        let guards = selector.isAddress ? [] : context.guards
        let name = "\(context.name)_\(word)"
        if listed.count == 1 {
            let (verdict, label, note) = verdict(listed[0].target, context, word: listed[0].word, &parts)
            let condition = parts.condition(selector, listed[0].keys, name: name, label: label)
            return [Rule(guards + [condition], .verdict(verdict), label: label, note: note)]
        }
        var elements: [Element] = []
        for (target, keys, word) in listed {
            let (verdict, label, note) = verdict(target, context, word: word, &parts)
            elements += keys.map { Element($0, verdict, label: label, note: note) }
        }
        elements.sort { $0.key < $1.key }
        let note = note(listed.map(\.target))
        guard elements.count > RulesetParts.longestInline(selector) else {
            return [Rule(guards, .lookup(selector, elements), note: note)]
        }
        let map = parts.set(name, selector, .verdicts, elements)
        return [Rule(guards, .lookupNamed(selector, map), note: note)]
    }

    // MARK: Interfaces

    private mutating func interfaceLines(
        _ node: Diagram.Node,
        _ selector: Selector,
        _ context: DiagramContext,
        _ parts: inout RulesetParts
    ) -> [Rule] {
        let others = UInt128(diagram.interfaces.count)
        var rest = Diagram.Target.leave
        var listed: [(target: Diagram.Target, keys: [ElementKey], word: String)] = []
        for group in node.classes {
            guard !group.values.contains(others) else {
                rest = group.target
                continue
            }
            let names = diagram.interfaces.indices.filter { group.values.contains(UInt128($0)) }
                .map { diagram.interfaces[$0] }
            let word = Word.name(names.first ?? "") + (names.count > 1 ? "_and_others" : "")
            listed.append((group.target, names.map { .interface($0) }, word))
        }
        // Going back needs no line where going on does the same.
        if rest == .leave { listed.removeAll { $0.target == .leave } }
        let word = selector == .inputInterface ? "by" : "out"
        return lookup(selector, listed, word, context, &parts) + lines(rest, context, &parts)
    }

    // MARK: Addresses

    private mutating func familyLines(
        _ node: Diagram.Node,
        _ context: DiagramContext,
        _ parts: inout RulesetParts
    ) -> [Rule] {
        var lines: [Rule] = []
        var rests: [(rest: Diagram.Target, inside: DiagramContext)] = []
        for family in AddressFamily.allCases where (context.family ?? family) == family {
            let number: UInt128 = family == .v4 ? 0 : 1
            guard let group = node.classes.first(where: { $0.values.contains(number) }) else { continue }
            var inside = context
            // Where the traffic implied the family, lines need not ask for it again.
            if context.family == nil { inside.guards.append(.family(family)) }
            inside.family = family
            let (lookups, rest) = addressLookups(group.target, inside, &parts)
            lines += lookups
            rests.append((rest, inside))
        }
        // What remains of both families is often the same.
        if rests.count == 2, rests[0].rest == rests[1].rest {
            return lines + self.lines(rests[0].rest, context, &parts)
        }
        return rests.reduce(lines) { $0 + self.lines($1.rest, $1.inside, &parts) }
    }

    /// The lookups of addresses that come next, and what remains for packets that none of them is about.
    private mutating func addressLookups(
        _ target: Diagram.Target,
        _ context: DiagramContext,
        _ parts: inout RulesetParts
    ) -> (lookups: [Rule], rest: Diagram.Target) {
        var lookups: [Rule] = []
        var rest = target
        while case .node(let number) = rest {
            let (more, next) = addressLookup(diagram.nodes[Int(number)], context, &parts)
            lookups += more
            rest = next
        }
        return (lookups, rest)
    }

    private mutating func addressLookup(
        _ node: Diagram.Node,
        _ context: DiagramContext,
        _ parts: inout RulesetParts
    ) -> (lookup: [Rule], rest: Diagram.Target) {
        // `Diagram.Dimension` has the family before both addresses.
        guard let family = context.family else { fatalError("the family is asked for before any address is") }
        let isSource = node.dimension == .source
        let word = isSource ? "from" : "to"
        let selector: Selector = isSource ? .source(family) : .destination(family)
        // To go back needs no line; else what has most ranges is what remains after the lookup.
        let rest =
            node.classes.firstIndex { $0.target == .leave }
            ?? node.classes.indices.max { node.classes[$0].values.ranges.count < node.classes[$1].values.ranges.count }
            ?? 0
        let listed = node.classes.indices.filter { $0 != rest }.map { index in
            (target: node.classes[index].target, keys: node.classes[index].values.keys(family), word: word)
        }
        if listed.count == 1, node.classes[rest].target == .leave {
            // `!=` where the exceptions are what a person would have written.
            let exceptions = node.classes[rest].values.keys(family)
            if !exceptions.isEmpty, exceptions.effort < listed[0].keys.effort {
                let (verdict, label, note) = verdict(listed[0].target, context, word: word, &parts)
                let name = "\(context.name)_\(word)_\(family)"
                let condition = parts.condition(selector, exceptions, isNegated: true, name: name, label: label)
                return ([Rule([condition], .verdict(verdict), label: label, note: note)], .leave)
            }
        }
        let lookup = lookup(selector, listed, "\(word)_\(family)", context, &parts)
        return (lookup, node.classes[rest].target)
    }

    // MARK: Traffic

    private mutating func trafficLines(
        _ node: Diagram.Node,
        _ context: DiagramContext,
        _ parts: inout RulesetParts
    ) -> [Rule] {
        let plan = TrafficPlan(node.classes.map { TrafficParts(TrafficSet(kinds: IntervalSet(narrowing: $0.values))) })
        var lines: [Rule] = []
        let list = { (keys: [Int: [ElementKey]]) in
            keys.keys.sorted().map { (target: node.classes[$0].target, keys: keys[$0] ?? [], word: plan.words[$0]) }
        }
        // The more particular first: what is in none of these lookups is decided by its protocol alone.
        lines += lookup(plan.portSelector, list(plan.ports), "services", context, &parts)
        for family in AddressFamily.allCases {
            var inside = context
            inside.family = family
            let word = family == .v4 ? "icmp" : "icmpv6"
            lines += lookup(.icmpCode(family), list(plan.codes[family] ?? [:]), "\(word)_codes", inside, &parts)
            lines += lookup(.icmpType(family), list(plan.types[family] ?? [:]), "\(word)_types", inside, &parts)
        }
        lines += lookup(.protocolNumber, list(plan.protocols), "protocols", context, &parts)
        return lines + self.lines(node.classes[plan.rest].target, context, &parts)
    }
}

extension IntervalSet<UInt128> {
    /// As elements of addresses; what lies above a family's largest address is none.
    fileprivate func keys(_ family: AddressFamily) -> [ElementKey] {
        switch family {
        case .v4:
            let last = UInt128(UInt32.max)
            return ranges.filter { $0.lowerBound <= last }.map { range in
                .v4(UInt32(range.lowerBound)...UInt32(min(range.upperBound, last)))
            }
        case .v6: return ranges.map { .v6($0) }
        }
    }
}

extension IntervalSet<UInt32> {
    /// The numbers of the set that have 32 bits.
    fileprivate init(narrowing set: IntervalSet<UInt128>) {
        let last = UInt128(UInt32.max)
        self.init(
            set.ranges.filter { $0.lowerBound <= last }.map {
                UInt32($0.lowerBound)...UInt32(Swift.min($0.upperBound, last))
            }
        )
    }
}

extension [ElementKey] {
    /// How much there is to read: a range that is no network counts thrice.
    var effort: Int { reduce(0) { $0 + ($1.isNetwork ? 1 : 3) } }
}
