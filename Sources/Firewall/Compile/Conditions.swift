/// A match of the intent as lines of conditions: a packet fulfils the match when it fulfils all of one line.
struct Conditions {
    let place: LinePlace
    let label: RuleLabel
    /// With what the names of sets begin.
    let name: String
    /// Whether whoever leads here has asked for the states already, and for what all rules of a stage ask for.
    var isAsked = false

    /// Empty when no packet can fulfil the match.
    func lines(_ match: PacketMatch, _ parts: inout RulesetParts) -> [[Match]] {
        guard let interfaces = interfaces(match), let states = states(match) else { return [] }
        // A packet that did not come in by an interface has no way back by it.
        guard place.knowsInput || !match.oddities.contains(.withoutReturnPath) else { return [] }
        let asked: AddressFamily? = match.oddities.contains(.throughRouter) ? .v6 : nil
        var lines: [[Match]] = []
        for traffic in trafficAlternatives(match)
        where traffic.family == nil || (asked ?? traffic.family) == traffic.family {
            for addresses in addressAlternatives(match, traffic.family ?? asked, &parts) {
                lines.append(interfaces + states + addresses + traffic.matches + oddities(match))
            }
        }
        return lines
    }

    /// nil when no interface is good.
    private func interfaces(_ match: PacketMatch) -> [Match]? {
        var conditions: [Match] = []
        for (isKnown, selector, set) in [
            (place.knowsInput, Selector.inputInterface, match.inputInterfaces),
            (place.knowsOutput, Selector.outputInterface, match.outputInterfaces),
        ] where isKnown && !set.isAny {
            switch set {
            case .among(let names):
                guard !names.isEmpty else { return nil }
                conditions.append(.among(selector, names.sorted().map { .interface($0) }))
            case .except(let names):
                conditions.append(.outside(selector, names.sorted().map { .interface($0) }))
            }
        }
        return conditions
    }

    /// nil when no state is good.
    private func states(_ match: PacketMatch) -> [Match]? {
        guard match.states != .all, !isAsked else { return [] }
        let states = ConnectionState.allCases.filter(match.states.contains)
        return states.isEmpty ? nil : [.among(.state, states.map { .state($0) })]
    }

    private func oddities(_ match: PacketMatch) -> [Match] {
        if isAsked { return [] }
        let asked: [PacketOddities] = [
            .redirected, .smallSegments, .throughRouter, .broadcastSource, .withoutReturnPath, .toOwnAddress,
        ]
        return asked.filter(match.oddities.contains).map { .oddity($0) }
    }

    /// The addresses of the one family or the other, or of both without a word about them.
    private func addressAlternatives(
        _ match: PacketMatch,
        _ implied: AddressFamily?,
        _ parts: inout RulesetParts
    ) -> [[Match]] {
        guard !match.sources.isAll || !match.destinations.isAll else { return [[]] }
        var alternatives: [[Match]] = []
        for family in AddressFamily.allCases where match.canBe(family) && (implied ?? family) == family {
            let sides = [
                (Selector.source(family), match.sources, "from"), (.destination(family), match.destinations, "to"),
            ]
            var conditions: [Match] = []
            for (selector, set, word) in sides {
                guard let keys = set.keys(family) else { continue }
                let others = AddressSet.all.subtracting(set).keys(family) ?? []
                let isNegated = others.effort < keys.effort
                conditions.append(
                    parts.condition(
                        selector,
                        isNegated ? others : keys,
                        isNegated: isNegated,
                        name: "\(name)_\(isNegated ? "not_" : "")\(word)_\(family)",
                        label: label
                    )
                )
            }
            if conditions.isEmpty, implied == nil { conditions = [.family(family)] }
            alternatives.append(conditions)
        }
        return alternatives
    }

    /// What is asked of protocol, ports and flags, with the family that it implies.
    private func trafficAlternatives(_ match: PacketMatch) -> [(matches: [Match], family: AddressFamily?)] {
        if let flags = match.tcpFlags {
            let tcp = match.traffic.intersection(TrafficSet(.tcp))
            return Self.conditions(flags).flatMap { condition -> [(matches: [Match], family: AddressFamily?)] in
                // A condition on flags says TCP, too.
                if tcp == TrafficSet(.tcp), !condition.isEmpty, match.sourcePorts.isAll { return [(condition, nil)] }
                return ports(tcp, match.sourcePorts).map { ($0.matches + condition, nil) }
            }
        }
        let isTCP = match.oddities.contains(.smallSegments)
        return ports(isTCP ? match.traffic.intersection(TrafficSet(.tcp)) : match.traffic, match.sourcePorts)
    }

    /// Of which one holds for each value of the set, and none for any other; an empty one for all values.
    private static func conditions(_ flags: IntervalSet<UInt8>) -> [[Match]] {
        let cover = FlagCubes.cover(flags)
        let others = FlagCubes.cover(flags.complement)
        if cover.count > 1, others.count == 1 {
            return [[.otherFlags(mask: others[0].mask, value: others[0].value)]]
        }
        return cover.map { mask, value in mask == 0 ? [] : [.flags(mask: mask, value: value)] }
    }

    /// - Parameter sources: source ports; a packet without ports has the source port 0.
    private func ports(
        _ traffic: TrafficSet,
        _ sources: IntervalSet<UInt16>
    ) -> [(matches: [Match], family: AddressFamily?)] {
        guard !sources.isAll else { return Self.terms(traffic) }
        guard !sources.isEmpty else { return [] }
        let sourcePort = Match.among(.sourcePort, sources.ranges.map { .ports($0) })
        let withPorts = Self.terms(traffic.intersection(.withPorts)).map { ($0.matches + [sourcePort], $0.family) }
        guard sources.contains(0) else { return withPorts }
        return withPorts + Self.terms(traffic.subtracting(.withPorts))
    }

    /// The traffic without a word about source ports.
    static func terms(_ traffic: TrafficSet) -> [(matches: [Match], family: AddressFamily?)] {
        guard !traffic.isAll else { return [([], nil)] }
        let parts = TrafficParts(traffic)
        var terms: [(matches: [Match], family: AddressFamily?)] = []
        if parts.ports.count == 1 {
            let (number, ports) = parts.ports[0]
            terms.append(([Self.condition(.port(number), ports) { .ports($0) }], nil))
        } else if !parts.ports.isEmpty {
            let keys = parts.ports.flatMap { number, ports in ports.ranges.map { ElementKey.service(number, $0) } }
            terms.append(([.among(.service, keys)], nil))
        }
        for (family, details) in parts.icmp {
            let keys = ICMPKeys(details)
            if !keys.types.isEmpty { terms.append(([.among(.icmpType(family), keys.types)], family)) }
            if !keys.codes.isEmpty { terms.append(([.among(.icmpCode(family), keys.codes)], family)) }
        }
        if !parts.whole.isEmpty {
            terms.append(([Self.condition(.protocolNumber, parts.whole) { .protocols($0) }], nil))
        }
        return terms
    }

    /// By what is in the set or by what is not, whichever is shorter.
    private static func condition<Number>(
        _ selector: Selector,
        _ set: IntervalSet<Number>,
        _ key: (ClosedRange<Number>) -> ElementKey
    ) -> Match {
        let others = set.complement
        guard others.ranges.count < set.ranges.count, !others.isEmpty else {
            return .among(selector, set.ranges.map(key))
        }
        return .outside(selector, others.ranges.map(key))
    }
}

extension AddressSet {
    /// The set's addresses of the family as elements; nil when those are all.
    func keys(_ family: AddressFamily) -> [ElementKey]? {
        switch family {
        case .v4: v4.isAll ? nil : v4.ranges.map { .v4($0) }
        case .v6: v6.isAll ? nil : v6.ranges.map { .v6($0) }
        }
    }
}
