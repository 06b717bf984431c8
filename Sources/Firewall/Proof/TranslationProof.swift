import Site

/// Holds the addresses that a kernel changes against those that are meant to be changed: both are functions from the
/// first packet of a connection to the change, and they are equal or they are not.
struct TranslationProof {
    /// A packet that is changed otherwise than is meant.
    struct Difference {
        let packet: Packet
        /// Whether the kernel's rules are certain to do so.
        let isCertain: Bool
    }

    private(set) var difference: Difference?
    /// Why what filters do cannot be told from where packets are changed; nil when it can.
    private(set) var doubt: String?

    private let intent: HostIntent
    private let held: HeldRuleset
    private let store: DiagramStore

    init(_ intent: HostIntent, against held: HeldRuleset, in store: DiagramStore) throws(SpaceExhausted) {
        self.intent = intent
        self.held = held
        self.store = store
        let kinds = Self.kinds(intent, held)
        for watched in Outcomes.watching(kinds) where difference == nil { try compare(watched) }
        if difference == nil, doubt == nil, !kinds.isEmpty { try checkFilters() }
    }

    /// Every change that is meant or held, each once.
    private static func kinds(_ intent: HostIntent, _ held: HeldRuleset) -> [HeldTranslation] {
        var seen: Set<HeldTranslation> = []
        var kinds: [HeldTranslation] = []
        let meant = intent.translations.compactMap { HeldTranslation($0.kind) }
        for kind in meant + held.translations where seen.insert(kind).inserted { kinds.append(kind) }
        return kinds
    }

    private mutating func compare(_ watched: [HeldTranslation: Outcomes]) throws(SpaceExhausted) {
        var space = HeldSpace(held, in: store, watching: watched)
        for (hook, paths) in HeldSpace.translating {
            for path in paths {
                let real = try space.translations(at: hook, path)
                let meant = try intent.translated(at: hook, path, watched, in: store)
                let possible = try PossiblePackets.beginning(path, in: store)
                // What a chain of translation drops is for the proof of what is let through.
                let changed = try store.map(real) { number in
                    let other = Outcomes(rawValue: number).subtracting(.drop)
                    return other.isEmpty ? Outcomes.accept.rawValue : other.rawValue
                }
                let unequal = try store.combine(
                    try store.combine(meant, changed, .unequal),
                    possible,
                    .intersection
                )
                guard let packet = Witness(in: store, at: intent).packet(unequal, path)
                else { continue }
                let outcomes = store.value(changed, at: store.coordinates(packet))
                difference = Difference(packet: packet, isCertain: outcomes.nonzeroBitCount == 1)
                return
            }
        }
    }

    // MARK: - Filters before and after

    /// The proof of what is let through takes one packet through all filters. That is right as long as filters before
    /// a change decide alike about the packet as it was and as it will be, and those after it do not look at what was
    /// changed.
    private mutating func checkFilters() throws(SpaceExhausted) {
        var space = HeldSpace(held, in: store)
        let before = try space.filtersBeforeTranslation(.input)
        for translation in intent.translations {
            guard case .destination(let address, let port) = translation.kind else { continue }
            let region = try store.region(Box.boxes(of: translation.changed, on: .input))
            guard try isBlind(before, to: region, becoming: address, port) else {
                doubt = "rules before prerouting decide by the destination that `\(translation.id)` changes"
                return
            }
        }
        guard intent.translations.contains(where: { !$0.decidesDestination }) else { return }
        for path in [PacketPath.forward, .output] {
            let after = try space.filtersAfterTranslation(path)
            if try store.forgetting([.source4, .source6, .sourcePort], after) != after {
                doubt = "rules after postrouting decide by the source, which is changed then"
            }
        }
    }

    /// Whether the filters decide about each packet of the region as they would about what becomes of it.
    private func isBlind(
        _ filters: PacketFunction,
        to region: PacketFunction,
        becoming address: IPAddress,
        _ port: UInt16?
    ) throws(SpaceExhausted) -> Bool {
        let possible = try store.combine(region, try PossiblePackets.region(.input, in: store), .intersection)
        guard let port else {
            return try isBlind(filters, to: possible, becoming: address, Box(), [.destination4, .destination6])
        }
        for number in ProtocolNumber.withPorts {
            var one = Box()
            one.restrict(.traffic, to: TrafficSet(number).kinds.widened)
            var changed = Box()
            changed.restrict(.traffic, to: TrafficSet(number, port: port).kinds.widened)
            let part = try store.combine(possible, try store.region(one), .intersection)
            let dimensions: Set<Dimension> = [.traffic, .destination4, .destination6]
            guard try isBlind(filters, to: part, becoming: address, changed, dimensions) else { return false }
        }
        return true
    }

    private func isBlind(
        _ filters: PacketFunction,
        to region: PacketFunction,
        becoming address: IPAddress,
        _ changed: Box,
        _ dimensions: Set<Dimension>
    ) throws(SpaceExhausted) -> Bool {
        var box = changed
        switch address {
        case .v4(let bits):
            box.restrict(.family, to: 0)
            box.restrict(.destination4, to: UInt128(bits))
        case .v6(let bits):
            box.restrict(.family, to: 1)
            box.restrict(.destination6, to: bits)
        }
        let earlier = try store.forgetting(dimensions, try filters.only(in: region, store))
        let image = try store.combine(try store.forgetting(dimensions, region), try store.region(box), .intersection)
        let unequal = try store.combine(earlier, filters, .unequal)
        return try store.combine(unequal, image, .intersection) == .none
    }
}

extension HostIntent {
    /// Whether packets that begin a connection get the same addresses by both, in whatever lines.
    func changesAddresses(like other: HostIntent, in store: DiagramStore) throws(SpaceExhausted) -> Bool {
        let kinds = Set((translations + other.translations).compactMap { HeldTranslation($0.kind) })
        for watched in Outcomes.watching(Array(kinds)) {
            for (hook, paths) in HeldSpace.translating {
                for path in paths {
                    let one = try translated(at: hook, path, watched, in: store)
                    let two = try other.translated(at: hook, path, watched, in: store)
                    let possible = try PossiblePackets.beginning(path, in: store)
                    let unequal = try store.combine(try store.combine(one, two, .unequal), possible, .intersection)
                    if unequal != .none { return false }
                }
            }
        }
        return true
    }

    /// The changes that are meant at a hook: the first that matches.
    fileprivate func translated(
        at hook: HeldHook,
        _ path: PacketPath,
        _ watched: [HeldTranslation: Outcomes],
        in store: DiagramStore
    ) throws(SpaceExhausted) -> PacketFunction {
        var parts: [PacketFunction] = []
        for translation in translations {
            guard hook == (translation.decidesDestination ? .prerouting : .postrouting) else { continue }
            let region = try store.region(Box.boxes(of: translation.changed, on: path))
            let change = HeldTranslation(translation.kind).flatMap { watched[$0] } ?? .accept
            parts.append(try store.combine(region, PacketFunction(change), .choose))
        }
        return try store.first(of: parts, otherwise: PacketFunction(.accept))
    }
}

extension Outcomes {
    /// Bits for changes of addresses, as many at once as a function has: of its 16 the outcomes take some. At least one part:
    /// even where there is no change a statement that is not understood may make one.
    fileprivate static func watching(_ kinds: [HeldTranslation]) -> [[HeldTranslation: Outcomes]] {
        stride(from: 0, to: max(kinds.count, 1), by: translationCount).map { start in
            let part = kinds[start..<min(start + translationCount, kinds.count)].enumerated().map { index, kind in
                (kind, Outcomes(rawValue: 1 << UInt16(firstTranslation + index)))
            }
            return Dictionary(uniqueKeysWithValues: part)
        }
    }
}

extension PossiblePackets {
    /// Those that begin a connection: of no others are addresses changed.
    fileprivate static func beginning(
        _ path: PacketPath,
        in store: DiagramStore
    ) throws(SpaceExhausted) -> PacketFunction {
        var box = Box()
        box.restrict(.state, to: UInt128(ConnectionState.new.rawValue))
        return try store.combine(try region(path, in: store), try store.region(box), .intersection)
    }
}

extension HeldRuleset {
    /// Every change of addresses that some rule makes.
    var translations: [HeldTranslation] {
        chains.flatMap(\.rules).flatMap(\.statements).compactMap { statement in
            if case .translation(let kind) = statement { kind } else { nil }
        }
    }
}
