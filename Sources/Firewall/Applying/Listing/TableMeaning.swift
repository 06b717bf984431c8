/// How two listings of one table differ in what they make of packets.
enum TableMeaning: Equatable {
    /// Every packet has the same fate.
    case same
    /// Packets that have another fate, a sentence each.
    case other([String])
    /// It hangs on statements that are not understood, or would take too long to tell.
    case unknown

    var sentences: [String] {
        switch self {
        case .same: ["it means the same as before for what is accepted and dropped"]
        case .other(let sentences): sentences
        case .unknown: ["whether packets have another fate is not known"]
        }
    }

    /// - Parameter host: whose addresses and interfaces examples have.
    static func compare(_ old: HeldListing, _ new: HeldListing, at host: HostIntent?) -> TableMeaning {
        guard let pair = TablePair(old, new) else { return .unknown }
        var sentences: [String] = []
        var isKnown = pair.isOfFatesAlone
        for moment in pair.moments {
            for path in PacketPath.allCases {
                do throws(SpaceExhausted) {
                    let found = try compare(pair, at: moment, path, host)
                    for sentence in found.sentences where !sentences.contains(sentence) { sentences.append(sentence) }
                    isKnown = isKnown && found.isKnown
                } catch {
                    return .unknown
                }
            }
        }
        if !sentences.isEmpty { return .other(sentences) }
        return isKnown ? .same : .unknown
    }

    /// Whether the second listing drops what the first one does and perhaps more, for certain: no packet is let through by
    /// it that the first one drops.
    static func onlyCloses(_ old: HeldListing, _ new: HeldListing) -> Bool {
        guard let pair = TablePair(old, new), pair.isOfFatesAlone else { return false }
        do throws(SpaceExhausted) {
            for moment in pair.moments {
                for path in PacketPath.allCases {
                    guard try onlyCloses(pair, at: moment, path) else { return false }
                }
            }
            return true
        } catch {
            return false
        }
    }

    private static func onlyCloses(
        _ pair: TablePair,
        at moment: Int64,
        _ path: PacketPath
    ) throws(SpaceExhausted) -> Bool {
        let store = DiagramStore()
        let both = try pair.outcomes(at: moment, path, in: store)
        let (accept, drop) = (Outcomes.accept.rawValue, Outcomes.drop.rawValue)
        let fine: Set<UInt16> = [accept << 8 | accept, accept << 8 | drop, drop << 8 | drop]
        let others = try store.map(both) { fine.contains($0) ? 0 : 1 }
        return try store.combine(others, try PossiblePackets.region(path, in: store), .intersection) == .none
    }

    private static func compare(
        _ pair: TablePair,
        at moment: Int64,
        _ path: PacketPath,
        _ host: HostIntent?
    ) throws(SpaceExhausted) -> (sentences: [String], isKnown: Bool) {
        let store = DiagramStore()
        let both = try pair.outcomes(at: moment, path, in: store)
        let possible = try PossiblePackets.region(path, in: store)
        let witness = Witness(in: store, at: host)
        func packet(_ isMeant: (UInt16) -> Bool) throws(SpaceExhausted) -> Packet? {
            let region = try store.map(both) { isMeant($0) ? 1 : 0 }
            return witness.packet(try store.combine(region, possible, .intersection), path)
        }
        let (accept, drop) = (Outcomes.accept.rawValue, Outcomes.drop.rawValue)
        var sentences: [String] = []
        if let opened = try packet({ $0 == drop << 8 | accept }) {
            sentences.append("\(path.rawValue): \(opened.text) is let through now, and was not")
        }
        if let closed = try packet({ $0 == accept << 8 | drop }) {
            sentences.append("\(path.rawValue): \(closed.text) is dropped now, and was not")
        }
        let known: Set<UInt16> = [accept, drop]
        let doubtful = try packet { !known.contains($0 >> 8) || !known.contains($0 & 0xFF) }
        return (sentences, doubtful == nil)
    }
}

/// Two listings of one table, to be held against each other at each moment from which on they may mean something else.
private struct TablePair {
    private let before: HeldRuleset
    private let after: HeldRuleset
    /// The first is before all others: seconds since 1970.
    let moments: [Int64]

    /// How many moments at which rules end by the clock are looked at.
    private static let mostEnds = 8

    /// nil where one of the two cannot be read, and where rules end at too many moments.
    init?(_ old: HeldListing, _ new: HeldListing) {
        guard let before = try? old.ruleset(), let after = try? new.ruleset() else { return nil }
        let ends = before.ends.union(after.ends).sorted()
        guard ends.count <= Self.mostEnds else { return nil }
        (self.before, self.after) = (before, after)
        moments = [Int64.min] + ends
    }

    /// Whether what is accepted and dropped is all that can differ. Where packets go is not compared here, and what is changed
    /// in front of a rule changes the rule, too.
    var isOfFatesAlone: Bool {
        [before, after].allSatisfy { $0.translations.isEmpty && $0.expecting == nil && $0.zoning == nil }
    }

    /// What becomes of each packet on a way through the host: by the first listing in the upper byte, by the second in the
    /// lower one.
    func outcomes(
        at moment: Int64,
        _ path: PacketPath,
        in store: DiagramStore
    ) throws(SpaceExhausted) -> PacketFunction {
        var (old, new) = (HeldSpace(before.at(moment), in: store), HeldSpace(after.at(moment), in: store))
        return try store.combine(try old.outcomes(path), try new.outcomes(path), .pair)
    }
}
