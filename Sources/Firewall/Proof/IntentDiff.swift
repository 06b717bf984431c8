import Site

/// What a change of the policy opens and closes, in packets.
package struct IntentDiff: Sendable {
    package struct Change: Sendable {
        package let host: String
        package let path: PacketPath
        package let opens: Bool
        /// Packets of the change in a few words, for each kind of them; not all where there are too many.
        package let summary: [String]
        /// How many kinds of packets the summary leaves out, at least.
        package let omitted: Int
        /// The most ordinary packet of them.
        package let packet: Packet
        /// The rule that decides about the packet before and after; nil when none does.
        package let before: IntentRule?
        package let after: IntentRule?
        /// The moment from which on it is so, in seconds since 1970; nil when it is so from now on.
        package let since: Int64?
    }

    package private(set) var changes: [Change] = []
    /// What no packet shows.
    package internal(set) var adjustments: [Adjustment] = []
    /// A sentence for each host that one side lacks by its name.
    package let notes: [String]
    /// Hosts of which nothing can be said: their rules cut the packets into too many pieces.
    package private(set) var unknown: [String] = []

    /// Whether anything is let through that was not, or goes where it did not.
    package var opensAnything: Bool { changes.contains(where: \.opens) || adjustments.contains(where: \.opens) }

    /// How many moments at which rules end are looked at.
    static let mostEnds = 64
    /// How many kinds of packets are told of each change, of the usual ones and of the others.
    private static let mostKinds = 8

    /// What opens or closes from earlier moments on, and the nodes that it is made of.
    private struct Told {
        var nodes = DiagramNodes()
        var opening = PacketFunction.none
        var closing = PacketFunction.none
    }

    /// - Parameters:
    ///   - now: what ended before counts on neither side, in seconds since 1970.
    ///   - limit: see `DiagramStore`.
    package init(
        from old: [HostIntent],
        to new: [HostIntent],
        at now: Int64 = .min,
        limit: Int = DiagramStore.usualLimit
    ) {
        let hosts = Hosts(from: old, to: new)
        notes = hosts.notes
        for (before, after) in hosts.pairs {
            adjustments += Adjustment.translations(from: before, to: after, at: now, limit: limit)
            let ends = before.ends.union(after.ends).filter { $0 > now }.sorted()
            var isKnown = ends.count <= Self.mostEnds
            for path in PacketPath.allCases where before.rules(path) != after.rules(path) {
                var told = Told()
                for since in [nil] + ends.prefix(Self.mostEnds).map(Int64?.some) {
                    let moment = since ?? now
                    do throws(SpaceExhausted) {
                        let store = DiagramStore(limit: limit)
                        try compare(before.at(moment), after.at(moment), path, since, store, &told)
                    } catch {
                        isKnown = false
                    }
                }
            }
            if !isKnown { unknown.append(after.host) }
        }
    }

    private mutating func compare(
        _ before: HostIntent,
        _ after: HostIntent,
        _ path: PacketPath,
        _ since: Int64?,
        _ store: DiagramStore,
        _ told: inout Told
    ) throws(SpaceExhausted) {
        let space = IntentSpace(in: store, limits: .byWidth(Self.measures(before, after, path)))
        let possible = try PossiblePackets.region(path, in: store)
        func accepted(_ intent: HostIntent) throws(SpaceExhausted) -> PacketFunction {
            let outcomes = try space.outcomes(intent.rules(path), path)
            let set = try store.map(outcomes) { $0 == Outcomes.accept.rawValue ? 1 : 0 }
            return try store.combine(set, possible, .intersection)
        }
        let (one, two) = (try accepted(before), try accepted(after))
        var free = Box()
        free.restrict(.oddities, to: PacketOddities.overLimit.numbers.complement)
        let unlimited = try store.region(free)
        let earlier = try store.copy([told.opening, told.closing], from: told.nodes)
        var (opening, closing) = (earlier[0], earlier[1])
        for opens in [true, false] {
            let region = try store.combine(opens ? two : one, opens ? one : two, .difference)
            let above = try store.combine(region, unlimited, .difference)
            if above != .none { try compareLimits(before, after, path, above, of: one, two, opens: opens, store) }
            let within = try store.combine(region, unlimited, .intersection)
            let known = opens ? opening : closing
            let new = try store.combine(within, known, .difference)
            guard let packet = Witness(in: store, at: after).packet(new, path) else { continue }
            let all = try store.combine(known, new, .union)
            if opens { opening = all } else { closing = all }
            let (summary, omitted) = try Self.summary(of: new, in: store)
            changes.append(
                Change(
                    host: after.host,
                    path: path,
                    opens: opens,
                    summary: summary,
                    omitted: omitted,
                    packet: packet,
                    before: before.rule(for: packet),
                    after: after.rule(for: packet),
                    since: since
                )
            )
        }
        told = Told(nodes: store.nodes, opening: opening, closing: closing)
    }

    /// What is new and ordinary says most; of the rest what differs from that in more than what is odd about it.
    private static func summary(
        of region: PacketFunction,
        in store: DiagramStore
    ) throws(SpaceExhausted) -> (kinds: [String], omitted: Int) {
        var ordinary = Box()
        ordinary.restrict(.state, to: 0)
        ordinary.restrict(.oddities, to: 0)
        ordinary.restrict(.tcpFlags, to: 0x02)
        let usual = try store.combine(region, try store.region(ordinary), .intersection)
        let alike = try store.forgetting([.state, .oddities, .tcpFlags], usual)
        let others = try store.combine(region, alike, .difference)
        let (first, rest) = (store.boxes(of: usual, atMost: mostKinds), store.boxes(of: others, atMost: mostKinds))
        return ((first.boxes + rest.boxes).map(\.text), first.omitted + rest.omitted)
    }
}
