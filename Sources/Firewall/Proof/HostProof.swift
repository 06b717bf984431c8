import Site

/// What became of a question.
package enum ProofAnswer: String, Sendable, Hashable {
    case proved, refuted, unknown
}

/// Whether a kernel holds what is meant for a host: nothing more and nothing less, for every packet that can be.
package struct HostProof: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        /// The kernel accepts what is not meant to be.
        case more
        /// The kernel drops what is meant to be accepted.
        case less
        /// As these two, but what the kernel does hangs on a statement that is not understood.
        case perhapsMore = "perhaps-more"
        case perhapsLess = "perhaps-less"
        /// The kernel changes addresses of packets otherwise than is meant, or may.
        case changed
        case perhapsChanged = "perhaps-changed"
    }

    /// One packet on which the two differ, or may.
    package struct Difference: Sendable {
        package let kind: Kind
        package let packet: Packet
        /// What the kernel's rules made of it.
        package let trace: HeldTrace
        /// The rule of the intent that decides; nil when none does, and it is dropped.
        package let rule: IntentRule?
        /// The moment from which on it is so, in seconds since 1970; nil when it is so before any rule ends by itself.
        package let since: Int64?
    }

    package let host: String
    /// At most one of each kind for each way through the host, the packet of it that is most ordinary.
    package private(set) var differences: [Difference] = []
    /// Why the two could not be held against each other in full; nil when they were.
    package private(set) var doubt: String?

    package var answer: ProofAnswer {
        if differences.contains(where: { [.more, .less, .changed].contains($0.kind) }) { return .refuted }
        return differences.isEmpty && doubt == nil ? .proved : .unknown
    }

    /// - Parameters:
    ///   - limit: see `DiagramStore`; for each way through the host.
    ///   - steps: see `DiagramStore`; for the whole host.
    package init(
        _ intent: HostIntent,
        against held: HeldRuleset,
        limit: Int = DiagramStore.usualLimit,
        steps: Int = DiagramStore.usualSteps
    ) {
        host = intent.host
        var left = steps
        let match = LimitMatch(of: held, with: intent)
        let held = match.ruleset
        doubt = held.misplaced.first ?? held.expecting ?? held.zoning ?? match.doubt
        let ends = held.ends.union(intent.ends).sorted()
        if ends.count > Self.mostEnds {
            doubt = "rules end at \(ends.count) different moments, more than \(Self.mostEnds)"
        }
        // Between two moments at which a rule ends nothing changes by itself.
        for since in [nil] + ends.prefix(Self.mostEnds).map(Int64?.some) {
            let moment = since ?? .min
            let (meant, real) = ends.isEmpty ? (intent, held) : (intent.at(moment), held.at(moment))
            for path in PacketPath.allCases {
                let store = DiagramStore(limit: limit, steps: left)
                do throws(SpaceExhausted) {
                    try compare(meant, real, path, since, store)
                } catch {
                    doubt = error.reason("the rules for \(path.rawValue)")
                }
                left -= store.steps
            }
            let store = DiagramStore(limit: limit, steps: left)
            do throws(SpaceExhausted) {
                try compareTranslations(meant, real, since, store)
            } catch {
                doubt = error.reason("the changes of addresses")
            }
            left -= store.steps
        }
    }

    /// How many moments are looked at: each is a proof of its own.
    private static let mostEnds = 64

    private mutating func compare(
        _ intent: HostIntent,
        _ held: HeldRuleset,
        _ path: PacketPath,
        _ since: Int64?,
        _ store: DiagramStore
    ) throws(SpaceExhausted) {
        var space = HeldSpace(held, in: store)
        let meant = try IntentSpace(in: store).outcomes(intent.rules(path), path)
        let real = try space.outcomes(path)
        let possible = try PossiblePackets.region(path, in: store)
        let unequal = try store.combine(try store.combine(meant, real, .unequal), possible, .intersection)
        if unequal == .none { return }
        let both = try store.combine(meant, real, .pair)
        let witness = Witness(in: store, at: intent)
        for (kind, wanted) in Kind.pairs {
            guard !differences.contains(where: { $0.kind == kind && $0.packet.path == path }) else { continue }
            let differing = try store.map(both) { $0 == wanted ? 1 : 0 }
            let region = try store.combine(differing, unequal, .intersection)
            guard let packet = witness.packet(region, path) else { continue }
            differences.append(
                Difference(
                    kind: kind,
                    packet: packet,
                    trace: HeldEvaluator(held).trace(packet),
                    rule: intent.rule(for: packet),
                    since: since
                )
            )
        }
    }

    private mutating func compareTranslations(
        _ intent: HostIntent,
        _ held: HeldRuleset,
        _ since: Int64?,
        _ store: DiagramStore
    ) throws(SpaceExhausted) {
        let proof = try TranslationProof(intent, against: held, in: store)
        doubt = doubt ?? proof.doubt
        guard let found = proof.difference else { return }
        let kind = found.isCertain ? Kind.changed : .perhapsChanged
        guard !differences.contains(where: { $0.kind == kind }) else { return }
        differences.append(
            Difference(
                kind: kind,
                packet: found.packet,
                trace: HeldEvaluator(held).trace(found.packet),
                rule: intent.rule(for: found.packet),
                since: since
            )
        )
    }
}

extension HostProof.Kind {
    /// What is meant, 256 times, and what is held, for each kind of difference between the two.
    fileprivate static let pairs: [(HostProof.Kind, UInt16)] = {
        let (accept, drop) = (Outcomes.accept.rawValue, Outcomes.drop.rawValue)
        return [
            (.more, drop << 8 | accept), (.less, accept << 8 | drop),
            (.perhapsMore, drop << 8 | accept | drop), (.perhapsLess, accept << 8 | accept | drop),
        ]
    }()
}
