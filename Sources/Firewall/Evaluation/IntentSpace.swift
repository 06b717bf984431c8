/// What is meant, as functions over all packets at once.
package struct IntentSpace {
    private let store: DiagramStore

    package init(in store: DiagramStore) { self.store = store }

    /// The packets that a rule is about on a way through a host.
    package func region(_ rule: IntentRule, _ path: PacketPath) throws(SpaceExhausted) -> PacketFunction {
        try store.region(rule.matches.flatMap { Box.boxes(of: $0, on: path) })
    }

    /// `accept` or `drop` for each packet: the first rule that matches decides; what none matches is dropped.
    package func outcomes(_ rules: [IntentRule], _ path: PacketPath) throws(SpaceExhausted) -> PacketFunction {
        var parts: [PacketFunction] = []
        var rest = rules[...]
        while let first = rest.first {
            // Rules that do the same, one after another, are one rule.
            let verdict = try verdict(of: first)
            var boxes: [Box] = []
            while let rule = rest.first, try self.verdict(of: rule) == verdict {
                boxes += rule.matches.flatMap { Box.boxes(of: $0, on: path) }
                rest.removeFirst()
            }
            parts.append(try store.combine(try store.region(boxes), verdict, .choose))
        }
        parts.append(PacketFunction(.drop))
        return try store.joined(parts, .first) ?? PacketFunction(.drop)
    }

    /// What a rule makes of the packets that it is about.
    func verdict(of rule: IntentRule) throws(SpaceExhausted) -> PacketFunction {
        guard rule.verdict == .accept else { return PacketFunction(.drop) }
        guard rule.limit != nil else { return PacketFunction(.accept) }
        return try store.node(
            .oddities,
            PacketOddities.overLimit.numbers,
            inside: PacketFunction(.drop),
            outside: PacketFunction(.accept)
        )
    }
}
