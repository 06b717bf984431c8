/// What is meant, as functions over all packets at once.
package struct IntentSpace {
    private let store: DiagramStore
    private let limits: LimitView

    package init(in store: DiagramStore) { self.init(in: store, limits: .apart) }

    init(in store: DiagramStore, limits: LimitView) {
        self.store = store
        self.limits = limits
    }

    /// The packets that a rule is about on a way through a host.
    package func region(_ rule: IntentRule, _ path: PacketPath) throws(SpaceExhausted) -> PacketFunction {
        try store.region(try boxes(rule, path))
    }

    private func boxes(_ rule: IntentRule, _ path: PacketPath) throws(SpaceExhausted) -> [Box] {
        var boxes: [Box] = []
        for match in rule.matches {
            var parts = Box.boxes(of: match, on: path)
            if match.oddities.contains(.overLimit), let told = limits.told(rule.limits) {
                let numbers = try store.numbers(told)
                for index in parts.indices { parts[index].restrict(.limit, to: numbers) }
            }
            boxes += parts
        }
        return boxes
    }

    /// `accept` or `drop` for each packet: the first rule that matches decides; what none matches is dropped.
    package func outcomes(_ rules: [IntentRule], _ path: PacketPath) throws(SpaceExhausted) -> PacketFunction {
        var parts: [PacketFunction] = []
        var boxes: [Box] = []
        var verdict: PacketFunction?
        // Rules that do the same, one after another, are one rule.
        func endRun() throws(SpaceExhausted) {
            guard let verdict else { return }
            parts.append(try store.combine(try store.region(boxes), verdict, .choose))
            boxes = []
        }
        for rule in rules {
            let own = try self.verdict(of: rule)
            if own != verdict { try endRun() }
            verdict = own
            boxes += try self.boxes(rule, path)
        }
        try endRun()
        return try store.first(of: parts, otherwise: PacketFunction(.drop))
    }

    /// What a rule makes of the packets that it is about.
    private func verdict(of rule: IntentRule) throws(SpaceExhausted) -> PacketFunction {
        guard rule.verdict == .accept else { return PacketFunction(.drop) }
        guard rule.limit != nil else { return PacketFunction(.accept) }
        let above: PacketFunction
        if let told = limits.told(rule.limits) {
            above = try store.above(told)
        } else {
            above = try store.node(.oddities, PacketOddities.overLimit.numbers, inside: .all, outside: .none)
        }
        return try store.map(above) { ($0 == 1 ? Outcomes.drop : .accept).rawValue }
    }
}

/// How packets above a limit are told apart.
enum LimitView {
    /// By the limit that they are above.
    case apart
    /// Not at all: a packet is above limits or it is not.
    case together
    /// By how much their sources do: a packet just above one of these is above every limit that is at most as wide,
    /// whichever rule's it is.
    case byWidth([LimitMeasure])

    /// Those of which packets are above these limits; nil for all.
    func told(_ limits: [PacketLimit]) -> [PacketLimit]? {
        switch self {
        case .apart: limits
        case .together: nil
        case .byWidth(let all):
            all.filter { one in limits.contains { $0.measure.isAtMost(one) } }.map { PacketLimit(of: "", $0) }
        }
    }
}
