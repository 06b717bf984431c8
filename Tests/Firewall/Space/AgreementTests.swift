import Firewall
import Testing

/// The algebra against evaluators that know nothing of it. `GATEHOUSE_SOAK_POLICIES` and `GATEHOUSE_SOAK_PACKETS` make
/// it as long as one likes, `GATEHOUSE_SOAK_SEED` repeats a run.
@Suite("Packet space against evaluators")
struct AgreementTests {
    private let policies = Soak.setting("GATEHOUSE_SOAK_POLICIES", usual: 40)
    private let packets = Soak.setting("GATEHOUSE_SOAK_PACKETS", usual: 500)

    @Test("what a kernel holds: the same outcome for every packet, unknowns included")
    func held() throws {
        let seed = Soak.seed
        var random = RandomRulesets(seed: seed)
        var counts: [UInt16: Int] = [:]
        for policy in 0..<policies {
            let ruleset = random.ruleset(rules: 6)
            let evaluator = HeldEvaluator(ruleset)
            let store = DiagramStore()
            var space = HeldSpace(ruleset, in: store)
            var functions: [PacketPath: PacketFunction] = [:]
            for path in PacketPath.allCases { functions[path] = try space.outcomes(path) }
            for _ in 0..<packets {
                let packet = random.packet()
                let function = try #require(functions[packet.path])
                let walked = evaluator.outcomes(packet)
                counts[walked.rawValue, default: 0] += 1
                let found = store.value(function, at: Coordinates(packet))
                guard found != walked.rawValue else { continue }
                Issue.record("seed \(seed), policy \(policy): \(packet)\n\(try Self.smallest(ruleset, packet))")
                return
            }
        }
        // Accepted, dropped, unknown: each must have been met, or the test says nothing.
        #expect(Set(counts.keys) == [1, 2, 3], "seed \(seed): \(counts)")
    }

    /// The rules without which the two would agree, for whoever has to find out why.
    private static func smallest(_ ruleset: HeldRuleset, _ packet: Packet) throws -> String {
        func disagree(_ ruleset: HeldRuleset) throws -> Bool {
            let store = DiagramStore()
            var space = HeldSpace(ruleset, in: store)
            let found = store.value(try space.outcomes(packet.path), at: Coordinates(packet))
            return found != HeldEvaluator(ruleset).outcomes(packet).rawValue
        }
        var smallest = ruleset
        for chain in ruleset.chains.indices {
            for rule in ruleset.chains[chain].rules.indices.reversed() {
                var smaller = smallest
                smaller.chains[chain].rules.remove(at: rule)
                if try disagree(smaller) { smallest = smaller }
            }
        }
        return smallest.chains.map { "\($0.title) \($0.base.debugDescription)\n\($0.rules)" }.joined(separator: "\n")
    }

    @Test("what is meant: the first rule that matches decides")
    func intent() throws {
        let seed = Soak.seed
        var random = RandomRulesets(seed: seed)
        for policy in 0..<policies {
            let intent = random.intent(rules: 12)
            let store = DiagramStore()
            let space = IntentSpace(in: store)
            var functions: [PacketPath: PacketFunction] = [:]
            for path in PacketPath.allCases { functions[path] = try space.outcomes(intent.rules(path), path) }
            for _ in 0..<packets {
                let packet = random.packet()
                let function = try #require(functions[packet.path])
                let rule = intent.rule(for: packet)
                let accepts =
                    rule?.verdict == .accept && (rule?.limit == nil || !packet.oddities.contains(.overLimit))
                let found = store.value(function, at: Coordinates(packet))
                guard found != (accepts ? 1 : 2) else { continue }
                Issue.record("seed \(seed), policy \(policy): \(found), not \(accepts): \(packet)")
                return
            }
        }
    }
}
