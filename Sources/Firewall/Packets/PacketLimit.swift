/// A limit by which packets are counted: each source may be above one and not above another, so that proofs take none
/// of them for another.
package struct PacketLimit: Sendable, Hashable {
    /// Whose count it is: the id of the policy's rule, or the set in which a kernel keeps it. Empty for whoever's.
    package let counter: String
    package let measure: LimitMeasure

    package init(of counter: String, _ measure: LimitMeasure) {
        self.counter = counter
        self.measure = measure
    }

    /// `ssh: 6 in 60 s, 5 at once`.
    package var text: String { counter.isEmpty ? measure.text : "\(counter): \(measure.text)" }
}

/// What a limit counts.
package enum LimitMeasure: Sendable, Hashable {
    case rate(RuleLimit.Rate)
    case connections(Int)

    /// `6 in 60 s, 5 at once`, or `3 connections`.
    package var text: String {
        switch self {
        case .rate(let rate): "\(rate.count) in \(rate.perSeconds) s, \(rate.burst) at once"
        case .connections(let count): count == 1 ? "1 connection" : "\(count) connections"
        }
    }

    /// Whether what is above the other is above this one, too, whatever it is.
    func isAtMost(_ other: LimitMeasure) -> Bool {
        switch (self, other) {
        case (.rate(let one), .rate(let two)): one.isAtMost(two)
        case (.connections(let one), .connections(let two)): one <= two
        case (.rate, .connections), (.connections, .rate): false
        }
    }
}

extension RuleLimit.Rate {
    fileprivate func isAtMost(_ other: RuleLimit.Rate) -> Bool {
        let one = count.multipliedFullWidth(by: other.perSeconds)
        let two = other.count.multipliedFullWidth(by: perSeconds)
        return burst <= other.burst && (one.high, one.low) <= (two.high, two.low)
    }
}

extension RuleLimit {
    /// In the order in which they are tried: the rate first, because a connection is counted once it is let in.
    var measures: [LimitMeasure] { (rate.map { [.rate($0)] } ?? []) + (connections.map { [.connections($0)] } ?? []) }
}

extension IntentRule {
    /// What it counts each source by.
    var limits: [PacketLimit] { (limit?.measures ?? []).map { PacketLimit(of: id, $0) } }

    /// Whether its limit counts connections, and not packets whatever their state: of those that tracking leaves alone no
    /// first one is known.
    var countsConnections: Bool { matches.allSatisfy { $0.states == .new } }

    /// Whether the packet is above a limit of the rule.
    package func isLimiting(_ packet: Packet) -> Bool {
        guard limit != nil, packet.oddities.contains(.overLimit) else { return false }
        return packet.limit.map(limits.contains) ?? true
    }
}
