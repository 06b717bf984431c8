import Firewall
import Glibc
import Linux
import Site
import Testing

/// Real packets through rules that nobody here wrote: what becomes of a packet is among what is said of it, and where only
/// one thing is said, it is that. So nothing is called proved that a kernel does otherwise.
///
/// `GATEHOUSE_SOAK_RULESETS` and `GATEHOUSE_SOAK_SENT` make it longer, `GATEHOUSE_SOAK_SEED` repeats a run.
@Suite("Real packets through rules of others", .enabled(if: WiredHost.isPossible))
struct ForeignRulesTests {
    @Test("what becomes of a packet is what is said of it, or it is said that it is not known")
    func fates() throws {
        let seed = Soak.seed
        print("rules of others: seed \(seed)")
        var (rules, packets) = (ForeignRules(seed: seed), RealPackets(seed: seed))
        let count = Soak.setting("GATEHOUSE_SOAK_SENT", usual: 60)
        let rounds = (0..<Soak.setting("GATEHOUSE_SOAK_RULESETS", usual: 24)).map { _ in
            (text: "flush ruleset\n" + rules.text(), packets: (0..<count).map { _ in packets.packet() })
        }
        let folder = "/tmp/gatehouse-rules-of-others-\(getpid())-\(seed)"
        try FileWriting.createFolder(folder)
        defer { FileWriting.removeFolder(folder, first: "plan.json") }
        var plan: [JSONValue] = []
        for (number, round) in rounds.enumerated() {
            let text = Array(round.text.utf8)
            try FileWriting.replace("\(folder)/\(number).nft", with: text.span, mode: 0o600)
            let orders = round.packets.map { $0.packet.order(segment: $0.segment) }
            let file = JSONValue.string("\(number).nft")
            plan.append(
                .object([.init("ruleset", file), .init("mayFail", .boolean(true)), .init("packets", .array(orders))])
            )
        }
        let written = Array(JSONValue.array(plan).line.utf8)
        try FileWriting.replace("\(folder)/plan.json", with: written.span, mode: 0o600)
        #expect(try WiredHost.end(of: [WiredHost.tool, folder], seconds: 600) == .exited(0), "seed \(seed)")
        let answers = JSONValue(parsing: String(decoding: try Self.read("\(folder)/results.json"), as: UTF8.self))
        var (sum, known, taken) = (0, 0, 0)
        for (number, round) in rounds.enumerated() {
            guard case .array(let fates)? = answers?.items[number] else { continue }
            try #require(fates.count == round.packets.count)
            // What nft 1.0.6 writes of a table's flags may be no text at all.
            guard let held = try? HeldRuleset(json: try Self.read("\(folder)/held-\(number).json")) else { continue }
            taken += 1
            let store = DiagramStore()
            var space = HeldSpace(held, in: store)
            var functions: [PacketPath: PacketFunction] = [:]
            for path in PacketPath.allCases { functions[path] = try space.outcomes(path) }
            for (fate, sent) in zip(fates, round.packets) {
                let outcomes = HeldEvaluator(held).outcomes(sent.packet)
                let value = store.value(try #require(functions[sent.packet.path]), at: Coordinates(sent.packet))
                let wanted: Outcomes = fate.text == "passed" ? .accept : .drop
                sum += 1
                if outcomes.rawValue.nonzeroBitCount == 1 { known += 1 }
                guard !outcomes.isSuperset(of: wanted) || value != outcomes.rawValue else { continue }
                let steps = HeldEvaluator(held).trace(sent.packet).described(in: held).joined(separator: "\n")
                let text = String(decoding: try Self.read("\(folder)/\(number).nft"), as: UTF8.self)
                let said = "the walk says \(outcomes), the packet space \(value)"
                let place = "seed \(seed), ruleset \(number): \(sent.packet)"
                Issue.record("\(place) is \(fate.text ?? "dropped"), \(said): \(steps)\n\(text)")
                return
            }
        }
        print("rules of others: \(taken) of \(rounds.count) rulesets taken, \(known) of \(sum) packets known")
        #expect(taken > rounds.count / 4 && known > sum / 4, "seed \(seed)")
    }

    private static func read(_ path: String) throws -> [UInt8] { try FileReading.read(path, limit: 64 << 20) }
}
