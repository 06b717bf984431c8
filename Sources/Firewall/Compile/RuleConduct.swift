/// What a rule does with the packets that it decides about, without which packets those are.
struct RuleConduct: Equatable {
    let label: RuleLabel
    let verdict: RuleVerdict
    let limit: RuleLimit?
    let isLogged: Bool
    /// The families of which packets can come.
    let families: [AddressFamily]
    /// Whether a limit counts connections, each once, and not each packet that connection tracking calls new: of UDP these
    /// are all until an answer comes.
    private let countsConnections: Bool

    init(_ rule: IntentRule) {
        label = rule.label
        verdict = rule.verdict
        limit = rule.limit
        isLogged = rule.isLogged
        countsConnections = rule.countsConnections
        families = AddressFamily.allCases.filter { family in rule.matches.contains { $0.canBe(family) } }
    }

    /// Whether a counter and a verdict are all of it, so that it can stand at the end of a single line.
    var isPlain: Bool { limit == nil && !isLogged && verdict != .reject }

    /// The lines of the rule's own chain. The last one decides about every packet.
    func lines(name: String, _ parts: inout RulesetParts) -> [Rule] {
        var lines = isLogged ? logLines([], &parts) : []
        for measure in limit?.measures ?? [] {
            for family in families {
                let set = parts.limitSet("\(name)_\(measure.word)", measure, family, label)
                var line = Rule(above(measure, family, set: set), .verdict(.drop), label: label)
                line.hasCounter = true
                line.note = measure.note
                lines.append(line)
            }
        }
        return lines + verdictLines([])
    }

    /// That the packet's source takes more than its share. A connection that is confirmed was let in by its first packet, and
    /// is not counted again (IPS_CONFIRMED).
    func above(_ measure: LimitMeasure, _ family: AddressFamily, set: String) -> [Match] {
        (countsConnections ? [.unconfirmed] : []) + [.above(measure, family, set: set)]
    }

    /// Lines that count and decide, each behind `matches`.
    func verdictLines(_ matches: [Match]) -> [Rule] {
        var lines: [Rule] =
            switch verdict {
            case .accept: [Rule(matches, .verdict(.accept), label: label)]
            case .drop: [Rule(matches, .verdict(.drop), label: label)]
            case .reject:
                [
                    Rule(matches + [.among(.protocolNumber, [.protocols(6...6)])], .rejectByReset, label: label),
                    Rule(matches, .rejectByMessage, label: label),
                ]
            }
        for index in lines.indices { lines[index].hasCounter = true }
        return lines
    }

    /// Lines that log, at most so often for each source, and let the packet go on.
    func logLines(_ matches: [Match], _ parts: inout RulesetParts) -> [Rule] {
        parts.logLines(matches, families, label)
    }
}

extension RuleLimit {
    /// What each source may write into the log.
    static let logged = Rate(count: 10, perSeconds: 60, burst: 10)

    /// How many sources a limit remembers. Above, the kernel forgets none, and new sources go unlimited.
    static let sources = 65_536
}

extension LimitMeasure {
    var word: String {
        switch self {
        case .rate: "rate"
        case .connections: "connections"
        }
    }

    var note: String {
        switch self {
        case .rate: Self.notes[0]
        case .connections: Self.notes[1]
        }
    }

    /// What comments say of packets that are above a limit.
    static let notes = ["above its rate", "too many connections"]

    /// How long a source is remembered, in seconds; nil for as long as it has connections.
    var timeout: Int? {
        switch self {
        case .rate(let rate): rate.secondsToRefill
        case .connections: nil
        }
    }
}

extension RuleLimit.Rate {
    /// After so long without a packet a source has its whole burst again, and may be forgotten; a minute at least.
    var secondsToRefill: Int {
        let (product, overflows) = burst.multipliedReportingOverflow(by: perSeconds)
        let day = 86_400
        return overflows ? day : min(max(60, product / max(1, count) + 1), day)
    }
}

extension RulesetParts {
    /// The dynamic set of a limit, for one family.
    mutating func limitSet(
        _ wish: String,
        _ measure: LimitMeasure,
        _ family: AddressFamily,
        _ label: RuleLabel?
    ) -> String {
        let kind = NamedSet.Kind.dynamic(size: RuleLimit.sources, timeout: measure.timeout)
        return set("\(wish)_\(family)", .source(family), kind, [], label: label)
    }

    /// Lines that log packets of these families under the rule's name, and let them go on.
    mutating func logLines(_ matches: [Match], _ families: [AddressFamily], _ label: RuleLabel) -> [Rule] {
        families.map { family in
            let set = logSet(family)
            var line = Rule(matches + [.within(RuleLimit.logged, family, set: set)], .proceed, label: label)
            line.logPrefix = label.id
            return line
        }
    }

    /// The one dynamic set of each family by which all logging is limited.
    private mutating func logSet(_ family: AddressFamily) -> String {
        if let known = logSets[family] { return known }
        let name = limitSet("logged", .rate(RuleLimit.logged), family, nil)
        logSets[family] = name
        return name
    }
}

extension PacketMatch {
    /// Whether a packet of the family can fulfil the match. Types of ICMP are meant of IPv4 packets, those of ICMPv6 of
    /// IPv6 packets, as nftables reads them.
    func canBe(_ family: AddressFamily) -> Bool {
        switch family {
        case .v4:
            !sources.v4.isEmpty && !destinations.v4.isEmpty && !oddities.contains(.throughRouter)
                && !traffic.isOfTypes(.icmpv6)
        case .v6: !sources.v6.isEmpty && !destinations.v6.isEmpty && !traffic.isOfTypes(.icmp)
        }
    }
}

extension TrafficSet {
    /// Whether there is nothing in the set but some types of this protocol.
    fileprivate func isOfTypes(_ number: ProtocolNumber) -> Bool {
        let all = TrafficSet(number)
        return self != all && !isEmpty && isSubset(of: all)
    }
}
