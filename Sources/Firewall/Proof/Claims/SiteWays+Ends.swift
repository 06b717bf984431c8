/// What one side makes of connections, as a whole.
extension SiteWays.Ends {
    /// - Parameter parts: in the order of the properties.
    init(_ parts: [PacketFunction]) {
        self.init(outcomes: parts[0], placed: parts[1], refused: parts[2], defended: parts[3], upkeep: parts[4])
    }

    /// In the order in which `init(_:)` takes them.
    var parts: [PacketFunction] { [outcomes, placed, refused, defended, upkeep] }

    /// The same for packets of a set; of others nothing is decided.
    func inside(_ region: PacketFunction, _ store: DiagramStore) throws(SpaceExhausted) -> Self {
        Self(
            outcomes: try store.combine(region, outcomes, .within),
            placed: try store.combine(region, placed, .within),
            refused: try store.combine(region, refused, .intersection),
            defended: try store.combine(region, defended, .intersection),
            upkeep: try store.combine(region, upkeep, .intersection)
        )
    }
}

extension SiteWays {
    /// - Parameter how: one after another, or one of them.
    func joined(_ parts: [Ends], _ how: Combination = .then) throws(SpaceExhausted) -> Ends {
        Ends(
            outcomes: try store.joined(parts.map(\.outcomes), how) ?? PacketFunction(.accept),
            placed: try store.joined(parts.map(\.placed), how) ?? PacketFunction(.accept),
            refused: try store.joined(parts.map(\.refused), .union) ?? .none,
            defended: try store.joined(parts.map(\.defended), .union) ?? .none,
            upkeep: try store.joined(parts.map(\.upkeep), .union) ?? .none
        )
    }
}
