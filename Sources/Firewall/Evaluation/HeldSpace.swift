/// What the kernel holds as functions over all packets at once.
package struct HeldSpace {
    let ruleset: HeldRuleset
    let store: DiagramStore
    /// What the changes of addresses that are looked for are called among outcomes: a bit of their own each, above those
    /// of `Outcomes`. Every other change lets the packet go on.
    private let watched: [HeldTranslation: Outcomes]
    /// Whether packets are told apart by the limit that they are above.
    private let limits: LimitView
    /// What may come of a statement that is not understood.
    private let anything: PacketFunction
    /// Whether a packet may have gone astray.
    private var mayStray = false
    /// What chains make of packets, by chain and by what packets show there.
    private var chains: [Place: PacketFunction] = [:]
    private var depth = 0

    private struct Place: Hashable {
        let chain: Int
        let view: FieldView
    }

    private static let deepest = 16

    package init(_ ruleset: HeldRuleset, in store: DiagramStore) { self.init(ruleset, in: store, limits: .apart) }

    init(_ ruleset: HeldRuleset, in store: DiagramStore, limits: LimitView) {
        self.ruleset = ruleset
        self.store = store
        self.limits = limits
        watched = [:]
        anything = PacketFunction(.anything)
    }

    /// - Parameter watched: the changes of addresses to tell apart, each with a bit of its own above the first four.
    init(_ ruleset: HeldRuleset, in store: DiagramStore, watching watched: [HeldTranslation: Outcomes]) {
        self.ruleset = ruleset
        self.store = store
        self.watched = watched
        limits = .apart
        // What is not understood may change addresses in a way that no bit stands for, so it has all bits.
        anything = PacketFunction(Outcomes.anything.union(.anyTranslation))
    }

    /// What may become of each packet on a way through the host: outcomes of which each is `accept`, `drop`, or both
    /// where something is not known. Accept is final only in its base chain; drop is final.
    package mutating func outcomes(_ path: PacketPath) throws(SpaceExhausted) -> PacketFunction {
        guard ruleset.misplaced.isEmpty else { return PacketFunction([.accept, .drop]) }
        var total = PacketFunction(.accept)
        for index in ruleset.bases(on: path) {
            var result = try base(index, path)
            if ruleset.isSkippedPerhaps(index) { result = try store.combine(result, PacketFunction(.accept), .either) }
            total = try store.combine(total, result, .then)
        }
        return mayStray ? try store.map(total) { Outcomes(rawValue: $0).settled.rawValue } : total
    }

    /// A base chain for every packet: `accept` for those that do not pass it.
    mutating func base(_ index: Int, _ path: PacketPath) throws(SpaceExhausted) -> PacketFunction {
        let chain = ruleset.chains[index]
        guard let base = chain.base else { return PacketFunction(.accept) }
        let view = ruleset.view(of: chain, base, on: path)
        var result = try rules(of: index, view, otherwise: base.drops ? .drop : .accept)
        var box = Box()
        if chain.family == .ip { box.restrict(.family, to: 0) }
        if chain.family == .ip6 { box.restrict(.family, to: 1) }
        if base.isTranslation, ruleset.zoning != nil {
            // What is an answer in one zone begins a connection in another.
            result = try store.combine(result, PacketFunction(.accept), .either)
        } else if base.isTranslation {
            box.restrict(.state, to: ConnectionStates([.new, .related]).numbers)
            var first = Box()
            first.restrict(.state, to: UInt128(ConnectionState.new.rawValue))
            result = try perhaps(result, outside: first)
        } else if chain.isBelowIP {
            var sure = Box()
            if base.hook.isOfDevice, let devices = base.devices {
                let dimension = base.hook == .ingress ? Dimension.inputInterface : .outputInterface
                sure.restrict(dimension, to: InterfaceSet.among(Set(devices)).numbers)
            } else {
                sure.restrict(.family, to: IntervalSet())
            }
            result = try perhaps(result, outside: sure)
        }
        if base.mayBeAsleep { result = try store.combine(result, PacketFunction(.accept), .either) }
        return try store.combine(try store.region(box), result, .within)
    }

    /// The same for packets of the box; others may pass by.
    private func perhaps(_ result: PacketFunction, outside box: Box) throws(SpaceExhausted) -> PacketFunction {
        let inside = try store.combine(try store.region(box), result, .choose)
        return try store.combine(inside, try store.combine(result, PacketFunction(.accept), .either), .first)
    }

    /// A chain as far as its end: `next` for what it does not decide.
    private mutating func chain(_ index: Int, _ view: FieldView) throws(SpaceExhausted) -> PacketFunction {
        let place = Place(chain: index, view: view)
        // Whoever comes here again on the way is in a circle, which no kernel holds.
        if let known = chains[place] { return known == anything ? astray() : known }
        guard depth < Self.deepest else { return astray() }
        chains[place] = anything
        let result = try rules(of: index, view, otherwise: .next)
        chains[place] = result
        return result
    }

    /// What the rules of a chain make of packets, one after another.
    ///
    /// - Parameter last: what becomes of those that leave the chain, or come to its end.
    private mutating func rules(
        of index: Int,
        _ view: FieldView,
        otherwise last: Outcomes
    ) throws(SpaceExhausted) -> PacketFunction {
        depth += 1
        defer { depth -= 1 }
        var rules: [PacketFunction] = []
        for rule in ruleset.chains[index].rules { rules.append(try self.rule(rule, view)) }
        let joined = try store.first(of: rules, otherwise: PacketFunction(last))
        return try store.map(joined) { number in
            let outcomes = Outcomes(rawValue: number)
            return outcomes.contains(.back) ? outcomes.subtracting(.back).union(last).rawValue : number
        }
    }

    /// From the last statement to the first: each is a condition before what follows.
    private mutating func rule(_ rule: HeldRule, _ view: FieldView) throws(SpaceExhausted) -> PacketFunction {
        var result = PacketFunction(.next)
        for statement in rule.statements.reversed() {
            switch statement {
            case .condition(let condition):
                result = try store.combine(try self.condition(condition, view), result, .choose)
            case .verdict(.next): continue
            case .verdict(let verdict): result = try follow(verdict, view)
            case .verdictMap(let fields, let entries):
                result = try map(fields, entries, before: result, view)
            case .translation(let kind): result = PacketFunction(watched[kind] ?? .accept)
            case .untracking:
                var box = Box()
                box.restrict(.state, to: view.untracked.numbers)
                let taken = try store.combine(try store.region(box), astray(), .choose)
                result = try store.combine(taken, result, .first)
            case .unknown: result = astray()
            }
        }
        return result
    }

    /// Entries with the same outcome are one condition. Of a packet in two entries either may decide: which one the kernel
    /// finds of intervals that overlap hangs on more than its list shows.
    ///
    /// - Parameter rest: what the rest of the rule makes of packets whose entry says `continue`.
    private mutating func map(
        _ fields: [HeldField],
        _ entries: [(key: HeldKey, verdict: HeldVerdict)],
        before rest: PacketFunction,
        _ view: FieldView
    ) throws(SpaceExhausted) -> PacketFunction {
        func merged(_ keys: [HeldKey]) -> [HeldKey] {
            fields.count == 1 ? [[IntervalSet(keys.flatMap { $0[0].ranges })]] : keys
        }
        var order: [PacketFunction] = []
        var keys: [PacketFunction: [HeldKey]] = [:]
        for (key, verdict) in entries {
            let outcome = verdict == .next ? rest : try follow(verdict, view)
            if keys[outcome] == nil { order.append(outcome) }
            keys[outcome, default: []].append(key)
        }
        let (found, _) = try regions(fields, merged(entries.map(\.key)), view)
        var parts = [try store.map(found) { $0 == 1 ? 0 : Outcomes.next.rawValue }]
        for outcome in order {
            let holds = try condition(.fields(fields, entries: merged(keys[outcome] ?? []), isNegated: false), view)
            parts.append(try store.combine(try store.map(holds) { $0 == 0 ? 0 : UInt16.max }, outcome, .mask))
        }
        return try store.joined(parts, .either) ?? PacketFunction(.next)
    }

    private mutating func follow(_ verdict: HeldVerdict, _ view: FieldView) throws(SpaceExhausted) -> PacketFunction {
        switch verdict {
        case .jump(let index): return try chain(index, view)
        case .goto(let index):
            return try store.map(try chain(index, view)) { number in
                let outcomes = Outcomes(rawValue: number)
                return outcomes.contains(.next) ? outcomes.subtracting(.next).union(.back).rawValue : number
            }
        case .unknown: return astray()
        default: return PacketFunction(verdict.outcomes)
        }
    }

    private mutating func astray() -> PacketFunction {
        mayStray = true
        return anything
    }

    /// 1 where the condition holds, 2 where it perhaps does, 0 elsewhere.
    private func condition(_ condition: HeldCondition, _ view: FieldView) throws(SpaceExhausted) -> PacketFunction {
        switch condition {
        case .unknown, .before: return PacketFunction(constant: 2)
        case .oddity(let oddity, let isPresent): return try odd(oddity, isPresent, view)
        case .excess(let limit, let isAbove): return try excess(limit, isAbove)
        case .fields(let fields, let entries, let isNegated):
            var (sure, perhaps) = (try regions(fields, entries, view))
            if isNegated {
                let present = try regions(fields, [fields.map { IntervalSet([0...$0.last]) }], view)
                (sure, perhaps) = (
                    try store.combine(present.sure, perhaps, .difference),
                    try store.combine(present.perhaps, sure, .difference)
                )
            }
            return sure == perhaps ? sure : try store.combine(sure, perhaps, .condition)
        }
    }

    private func excess(_ limit: HeldLimit, _ isAbove: Bool) throws(SpaceExhausted) -> PacketFunction {
        guard let told = limits.told([limit.counter]) else {
            // Above some limit, but perhaps another one.
            return try store.node(
                .oddities,
                PacketOddities.overLimit.numbers,
                inside: PacketFunction(constant: 2),
                outside: isAbove ? .none : .all
            )
        }
        let above = try store.above(told)
        return isAbove ? above : try store.combine(.all, above, .difference)
    }

    private func odd(
        _ oddity: PacketOddities,
        _ isPresent: Bool,
        _ view: FieldView
    ) throws(SpaceExhausted) -> PacketFunction {
        guard view.shows(oddity) else { return PacketFunction(constant: 2) }
        if oddity == .throughRouter, view.isRouted { return isPresent ? .all : .none }
        let odd = try store.node(
            oddity == .redirected ? .redirected : .oddities,
            oddity == .redirected ? IntervalSet(1) : oddity.numbers,
            inside: isPresent ? .all : .none,
            outside: isPresent ? .none : .all
        )
        guard oddity == .withoutReturnPath, view.isInput else { return odd }
        var box = Box()
        box.restrict(.inputInterface, to: InterfaceName.number(FieldView.loopback))
        let looped = try store.region(box)
        let sure = try store.combine(odd, looped, .difference)
        return try store.combine(sure, try store.combine(odd, looped, .union), .condition)
    }

    private func regions(
        _ fields: [HeldField],
        _ entries: [HeldKey],
        _ view: FieldView
    ) throws(SpaceExhausted) -> (sure: PacketFunction, perhaps: PacketFunction) {
        var (sure, perhaps): ([Box], [Box]) = ([], [])
        var isCertain = true
        for entry in entries {
            var (one, other): ([Box], [Box]) = ([Box()], [Box()])
            for (field, numbers) in zip(fields, entry) {
                let boxes = view.boxes(field, numbers)
                one = one.flatMap { box in boxes.sure.map(box.intersection) }.filter { !$0.isEmpty }
                other = other.flatMap { box in boxes.perhaps.map(box.intersection) }.filter { !$0.isEmpty }
            }
            if one != other { isCertain = false }
            sure += one
            perhaps += other
        }
        let region = try store.region(sure)
        return (region, isCertain ? region : try store.region(perhaps))
    }
}
