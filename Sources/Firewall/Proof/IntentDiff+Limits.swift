import Site

/// How much of something is let through, whatever the rules are called. A packet is just above one of the measures that
/// either side has; it is above every limit that is at most as wide, and a limit that is removed, raised or passed by
/// lets it through.
extension IntentDiff {
    /// How many rules with another limit are named for each way through a host.
    private static let mostLimits = 64

    /// Each measure that rules of either side have on a way.
    static func measures(_ before: HostIntent, _ after: HostIntent, _ path: PacketPath) -> [LimitMeasure] {
        var seen: Set<LimitMeasure> = []
        return (before.rules(path) + after.rules(path)).flatMap { $0.limit?.measures ?? [] }.filter {
            seen.insert($0).inserted
        }
    }

    /// Names the limits that let packets through on one side only, of packets that both sides let through below a limit.
    ///
    /// - Parameters:
    ///   - region: the packets above a limit that one side alone lets through.
    ///   - one: all that the first side lets through; `two` is the second's.
    ///   - opens: whether it is the second side that does.
    mutating func compareLimits(
        _ before: HostIntent,
        _ after: HostIntent,
        _ path: PacketPath,
        _ region: PacketFunction,
        of one: PacketFunction,
        _ two: PacketFunction,
        opens: Bool,
        _ store: DiagramStore
    ) throws(SpaceExhausted) {
        var ordinary = Box()
        ordinary.restrict(.oddities, to: 0)
        let accepted = try store.combine(one, two, .intersection)
        let both = try store.combine(accepted, try store.region(ordinary), .intersection)
        let common = try store.forgetting([.oddities, .limit], both)
        var rest = try store.combine(region, common, .intersection)
        let witness = Witness(in: store, at: after)
        let (stopping, passing) = opens ? (before, after) : (after, before)
        for _ in 0..<Self.mostLimits {
            guard let packet = witness.packet(rest, path), let stop = stopping.rule(stopping: packet) else { return }
            let decisive = passing.rule(for: packet.withinLimits)
            // A defence lets nothing through by itself: what it was stands beside what it is.
            let pass = stop.verdict == .accept ? decisive : passing.rules(path).first { $0.id == stop.id }
            // What is stopped whatever it is above is told in packets.
            if stop.limit != nil || pass?.limit != nil {
                add(host: after.host, opens ? (stop, pass) : (pass, stop), opens: opens)
            }
            let told = try store.combine(
                try store.region(stop.boxesWithinLimits(path)),
                try store.region(stop.verdict == .accept ? pass?.boxesWithinLimits(path) ?? [] : [Box()]),
                .intersection
            )
            rest = try store.combine(rest, told, .difference)
        }
    }

    private mutating func add(host: String, _ rules: (old: IntentRule?, new: IntentRule?), opens: Bool) {
        guard let from = (rules.old ?? rules.new)?.id, let to = (rules.new ?? rules.old)?.id else { return }
        let name = from == to ? "" : "`\(to)`: "
        let sentence = "`\(from)`: \(Self.text(rules.old)) -> \(name)\(Self.text(rules.new))"
        if let known = adjustments.firstIndex(where: { $0.host == host && $0.sentence == sentence }) {
            // One that is faster and has a smaller burst does both.
            if opens { adjustments[known] = Adjustment(host: host, sentence: sentence, opens: true) }
        } else {
            adjustments.append(Adjustment(host: host, sentence: sentence, opens: opens))
        }
    }

    private static func text(_ rule: IntentRule?) -> String {
        rule?.limit.map { $0.measures.map(\.text).joined(separator: ", ") } ?? "no limit"
    }
}

extension HostIntent {
    /// The rule that stops a packet above a limit: by its own, or else whichever decides.
    fileprivate func rule(stopping packet: Packet) -> IntentRule? {
        var above = packet
        above.limit = nil
        return rules(packet.path).first { rule in
            if rule.matches(packet.withinLimits) { return true }
            guard rule.matches(above) else { return false }
            guard let measure = packet.limit?.measure else { return true }
            return rule.limit?.measures.contains { $0.isAtMost(measure) } ?? false
        }
    }
}

extension Packet {
    fileprivate var withinLimits: Packet {
        var packet = self
        packet.oddities.remove(.overLimit)
        packet.limit = nil
        return packet
    }
}

extension IntentRule {
    /// The packets that it is about, above a limit or not.
    fileprivate func boxesWithinLimits(_ path: PacketPath) -> [Box] {
        matches.flatMap { match in
            var match = match
            match.oddities.remove(.overLimit)
            return Box.boxes(of: match, on: path)
        }
    }
}
