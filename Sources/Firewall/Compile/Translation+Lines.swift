import Site

extension Translation {
    /// The lines of the chain that changes what this translation changes.
    func lines(_ parts: inout RulesetParts) -> [Rule] {
        let label = RuleLabel(id: id, position: position)
        let place: LinePlace = decidesDestination ? .translateDestination : .translateSource
        let conditions = Conditions(place: place, label: label, name: "\(place.word)_\(Word.name(id))")
        return alternatives.flatMap { conditions.lines($0, &parts) }.map { line in
            var rule = Rule(line + (expires.map { [.before($0)] } ?? []), action, label: others.isEmpty ? label : nil)
            if !others.isEmpty { rule.note = RuleNote([label] + others).text }
            // What is left as it is the line of `deny` counts, where it decides.
            rule.hasCounter = kind != .unchanged
            return rule
        }
    }

    private var action: Action {
        switch kind {
        case .masquerade: .masquerade
        case .unchanged: .verdict(.accept)
        case .source(let address): .translateSource(address)
        case .destination(let address, let port): .translateDestination(address, port: port)
        }
    }

    /// What is meant and, where a port is set, of one protocol with ports at a time:
    /// nftables takes a port after the protocol was asked for, and not otherwise.
    private var alternatives: [PacketMatch] {
        guard case .destination(_, .some) = kind else { return [changed] }
        return ProtocolNumber.withPorts.compactMap { number in
            var one = changed
            one.traffic = changed.traffic.intersection(TrafficSet(number))
            return one.traffic.isEmpty ? nil : one
        }
    }
}
