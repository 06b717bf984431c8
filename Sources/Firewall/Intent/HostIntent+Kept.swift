import Site

/// What lines of `deny` keep from being forwarded. Where packets go is changed before any line is asked about them, so what a
/// line refuses at the router is left as it was sent: there the line decides about it.
extension HostIntent {
    /// The translations by which packets stay where they were sent.
    var kept: [Translation] { translations.filter { $0.kind == .unchanged } }

    /// Makes these, as a host's first translations.
    ///
    /// Lines that differ in nothing but their sources are one: a packet is asked once, however many there are. Nothing is
    /// kept of which the same line refuses as well what it becomes.
    /// - Parameter changes: all others of the host, whose rules are complete.
    func translationsKept(from changes: [Translation]) -> [Translation] {
        let forwards = changes.filter(\.isForward)
        if forwards.isEmpty { return [] }
        let refusing = [PacketPath.input, .forward].map { path in
            Dictionary(grouping: rules(path).filter(\.isDeny), by: \.id).mapValues { $0.flatMap(\.matches) }
        }
        var order: [Kept] = []
        var found: [Kept: (labels: [RuleLabel], sources: [AddressSet])] = [:]
        for rule in input where rule.isDeny {
            for forward in forwards {
                guard case .destination(let target, let port) = forward.kind else { continue }
                let later = refusing[knownAddresses.contains(target) ? 0 : 1][rule.id] ?? []
                let common = rule.matches.compactMap { $0.intersection(forward.changed) }
                for (index, match) in common.enumerated() {
                    // A line about a host with an interface by DHCP is about its known addresses and about all there.
                    if common[(index + 1)...].contains(where: { match.isPart(of: $0) }) { continue }
                    if later.contains(where: { $0.isAll(of: match, sentTo: target, port) }) { continue }
                    let kept = Kept(match, until: rule.expires)
                    if found[kept] == nil { order.append(kept) }
                    found[kept, default: ([], [])].sources.append(match.sources)
                    found[kept]?.labels.append(rule.label)
                }
            }
        }
        return order.compactMap { kept in found[kept].flatMap { kept.translation($0.labels, from: $0.sources) } }
    }
}

extension IntentRule {
    /// Whether it is of a line of `deny`.
    fileprivate var isDeny: Bool { origin == .written && verdict != .accept }
}

/// What is alike of connections that are kept from being forwarded.
private struct Kept: Hashable {
    /// Of any sources.
    private let match: PacketMatch
    private let expires: Int64?

    init(_ match: PacketMatch, until expires: Int64?) {
        var match = match
        match.sources = .all
        (self.match, self.expires) = (match, expires)
    }

    /// - Parameter labels: never empty.
    func translation(_ labels: [RuleLabel], from sources: [AddressSet]) -> Translation? {
        guard let first = labels.first else { return nil }
        var match = match
        match.sources = AddressSet(
            v4: IntervalSet(sources.flatMap(\.v4.ranges)),
            v6: IntervalSet(sources.flatMap(\.v6.ranges))
        )
        var translation = Translation(id: first.id, match: match, .unchanged)
        translation.position = first.position
        translation.others = labels.dropFirst().filter { $0.id != first.id }
        translation.expires = expires
        return translation
    }
}

extension PacketMatch {
    /// Whether all of its packets are in the other. For matches that say nothing of what follows a first packet.
    func isPart(of other: PacketMatch) -> Bool {
        sources.isSubset(of: other.sources) && destinations.isSubset(of: other.destinations)
            && traffic.isSubset(of: other.traffic) && inputInterfaces.subtracting(other.inputInterfaces).isEmpty
            && other.oddities.isSubset(of: oddities)
    }

    /// Whether all packets of the other are in this one when they are sent there.
    fileprivate func isAll(of other: PacketMatch, sentTo target: IPAddress, _ port: UInt16?) -> Bool {
        let sent = port.map { other.traffic.redirected(to: $0) } ?? other.traffic
        return destinations.contains(target) && sent.isSubset(of: traffic) && other.sources.isSubset(of: sources)
            && outputInterfaces.isAny && other.inputInterfaces.subtracting(inputInterfaces).isEmpty
    }

    /// The packets of both; nil when there are none. For the same matches.
    fileprivate func intersection(_ other: PacketMatch) -> PacketMatch? {
        var common = self
        common.inputInterfaces = inputInterfaces.intersection(other.inputInterfaces)
        common.sources = sources.intersection(other.sources)
        common.destinations = destinations.intersection(other.destinations)
        common.traffic = traffic.intersection(other.traffic)
        common.oddities = oddities.union(other.oddities)
        let isPossible = AddressFamily.allCases.contains(where: common.canBe)
        return isPossible && !common.traffic.isEmpty && !common.inputInterfaces.isEmpty ? common : nil
    }
}
