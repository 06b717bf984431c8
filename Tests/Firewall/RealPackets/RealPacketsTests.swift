import Firewall
import Glibc
import Linux
import Site
import Testing

/// Real packets through the rules of a real kernel, against all that says what becomes of a packet: the intent, the
/// evaluator of what the kernel holds, and the packet space.
///
/// `GATEHOUSE_SOAK_RULESETS` and `GATEHOUSE_SOAK_SENT` make it longer, `GATEHOUSE_SOAK_SEED` repeats a run.
@Suite("Real packets", .enabled(if: WiredHost.isPossible))
struct RealPacketsTests {
    /// A random ruleset, and packets with what should become of them.
    private struct Round {
        let intent: HostIntent
        let packets: [(packet: Packet, segment: Int)]
    }

    @Test("what becomes of a packet is what the intent, the evaluator and the packet space say")
    func fates() throws {
        let seed = Soak.seed
        print("real packets: seed \(seed)")
        var intents = RandomIntent(seed: seed)
        var packets = RealPackets(seed: seed)
        let count = Soak.setting("GATEHOUSE_SOAK_SENT", usual: 150)
        let rounds = (0..<Soak.setting("GATEHOUSE_SOAK_RULESETS", usual: 16)).map { number in
            Round(
                intent: Self.decided(intents.intent(rules: 4 + number % 12)),
                packets: (0..<count).map { _ in packets.packet() }
            )
        }
        let folder = "/tmp/gatehouse-real-packets-\(getpid())-\(seed)"
        try FileWriting.createFolder(folder)
        defer { FileWriting.removeFolder(folder, first: "plan.json") }
        var plan: [JSONValue] = []
        for (number, round) in rounds.enumerated() {
            let text = Array(Compiler.compile(round.intent).text().text.utf8)
            try FileWriting.replace("\(folder)/\(number).nft", with: text.span, mode: 0o600)
            let orders = round.packets.map { $0.packet.order(segment: $0.segment) }
            plan.append(.object([.init("ruleset", .string("\(number).nft")), .init("packets", .array(orders))]))
        }
        let written = Array(JSONValue.array(plan).line.utf8)
        try FileWriting.replace("\(folder)/plan.json", with: written.span, mode: 0o600)
        #expect(try WiredHost.end(of: [WiredHost.tool, folder], seconds: 600) == .exited(0), "seed \(seed)")

        let answers = JSONValue(parsing: String(decoding: try Self.read("\(folder)/results.json"), as: UTF8.self))
        var counts: [String: Int] = [:]
        var (sum, unknown) = (0, 0)
        for (number, round) in rounds.enumerated() {
            let held = try HeldRuleset(json: try Self.read("\(folder)/held-\(number).json"))
            let fates = try #require(answers?.items[number]).items.map(\.text)
            try #require(fates.count == round.packets.count)
            let store = DiagramStore()
            var space = HeldSpace(held, in: store)
            var functions: [PacketPath: PacketFunction] = [:]
            for path in PacketPath.allCases { functions[path] = try space.outcomes(path) }
            for (fate, sent) in zip(fates, round.packets) {
                counts[fate ?? "dropped", default: 0] += 1
                sum += 1
                if HeldEvaluator(held).outcomes(sent.packet).isSuperset(of: [.accept, .drop]) { unknown += 1 }
                let value = store.value(try #require(functions[sent.packet.path]), at: Coordinates(sent.packet))
                guard let problem = Self.problem(sent.packet, fate, round.intent, held, value) else { continue }
                Issue.record("seed \(seed), ruleset \(number): \(sent.packet): \(problem)")
                print(Compiler.compile(round.intent).text().text)
                return
            }
        }
        print("real packets: \(counts), of which the evaluator did not know \(unknown)")
        #expect(unknown < sum / 4, "seed \(seed)")
        #expect(counts.values.allSatisfy { $0 > 0 } && counts.count == 3, "seed \(seed): \(counts)")
    }

    /// Without what depends on more than one packet: rates, and the time of day.
    private static func decided(_ intent: HostIntent) -> HostIntent {
        var intent = intent
        for path in [\HostIntent.input, \.forward, \.output] {
            for index in intent[keyPath: path].indices {
                intent[keyPath: path][index].limit = nil
                intent[keyPath: path][index].expires = nil
            }
        }
        return intent
    }

    /// How what became of the packet differs from what is said of it.
    private static func problem(
        _ packet: Packet,
        _ fate: String?,
        _ intent: HostIntent,
        _ held: HeldRuleset,
        _ value: UInt16
    ) -> String? {
        let verdict = intent.rule(for: packet)?.verdict ?? .drop
        let hasPassed = fate == "passed"
        if hasPassed != (verdict == .accept) { return "\(fate ?? "dropped"), and the intent says \(verdict)" }
        // That a refusal is not heard may have other reasons: the host's own rules for what it sends.
        if fate == "refused", verdict != .reject { return "it was refused, and the intent says \(verdict)" }
        let outcomes = HeldEvaluator(held).outcomes(packet)
        let wanted: Outcomes = hasPassed ? .accept : .drop
        // Unknown is honest, where the rules ask for more than the evaluator follows.
        if !outcomes.isSuperset(of: wanted) {
            let steps = HeldEvaluator(held).trace(packet).described(in: held)
            return "\(fate ?? "dropped"), and the evaluator says \(outcomes): \(steps)"
        }
        return value == outcomes.rawValue ? nil : "the packet space says \(value), and the evaluator \(outcomes)"
    }

    private static func read(_ path: String) throws -> [UInt8] { try FileReading.read(path, limit: 64 << 20) }
}
