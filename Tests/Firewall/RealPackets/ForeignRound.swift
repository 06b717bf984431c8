import Firewall
import Glibc
import Linux
import Site
import Testing

/// Rules of others, and packets that are really sent through them.
struct ForeignRound {
    /// How the rules come into the kernel of the host of Tests/Tools/packets-between-namespaces.
    enum Rules {
        /// nft's text, of which the kernel may refuse lines.
        case ruleset(String)
        /// A shell script that is run on the host, which must not fail.
        case script(String)
    }

    /// What became of a round's packets.
    struct Result {
        /// Of how many packets only one thing was said, which is what became of them.
        var known = 0
        var passed = 0
    }

    let rules: Rules
    let packets: [(packet: Packet, segment: Int)]

    init(_ rules: Rules, _ packets: [(packet: Packet, segment: Int)]) { (self.rules, self.packets) = (rules, packets) }

    private var text: String {
        switch rules {
        case .ruleset(let text), .script(let text): text
        }
    }

    /// Sends the packets, and holds what becomes of each against what the evaluator and the packet space say of it.
    ///
    /// - Returns: nil after an issue was recorded; nil for a round whose rules the kernel did not take, or nft not list.
    static func results(of rounds: [ForeignRound], seed: UInt64) throws -> [Result?]? {
        let folder = "/tmp/gatehouse-rules-of-others-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        try FileWriting.createFolder(folder)
        defer { FileWriting.removeFolder(folder, first: "plan.json") }
        var plan: [JSONValue] = []
        for (number, round) in rounds.enumerated() {
            let text = Array(round.text.utf8)
            try FileWriting.replace("\(folder)/\(number).rules", with: text.span, mode: 0o600)
            let file = JSONValue.string("\(number).rules")
            var order: [JSONValue.Member] =
                switch round.rules {
                case .ruleset: [.init("ruleset", file), .init("mayFail", .boolean(true))]
                case .script: [.init("script", file)]
                }
            order.append(.init("packets", .array(round.packets.map { $0.packet.order(segment: $0.segment) })))
            plan.append(.object(order))
        }
        let written = Array(JSONValue.array(plan).line.utf8)
        try FileWriting.replace("\(folder)/plan.json", with: written.span, mode: 0o600)
        #expect(try WiredHost.end(of: [WiredHost.tool, folder], seconds: 600) == .exited(0), "seed \(seed)")
        let answers = JSONValue(parsing: String(decoding: try read("\(folder)/results.json"), as: UTF8.self))
        var results: [Result?] = []
        for (number, round) in rounds.enumerated() {
            guard case .array(let fates)? = answers?.items[number],
                // What nft 1.0.6 writes of a table's flags may be no text at all.
                let held = try? HeldRuleset(json: try read("\(folder)/held-\(number).json"))
            else {
                results.append(nil)
                continue
            }
            try #require(fates.count == round.packets.count)
            guard let result = try round.result(fates, held, "seed \(seed), ruleset \(number)") else { return nil }
            results.append(result)
        }
        return results
    }

    private func result(_ fates: [JSONValue], _ held: HeldRuleset, _ place: String) throws -> Result? {
        let store = DiagramStore()
        var space = HeldSpace(held, in: store)
        var functions: [PacketPath: PacketFunction] = [:]
        for path in PacketPath.allCases { functions[path] = try space.outcomes(path) }
        var result = Result()
        for (fate, sent) in zip(fates, packets) {
            // What a rule changes is another packet from there on, of which `Journey` tells.
            let trace = HeldEvaluator(held).trace(sent.packet)
            if trace.steps.contains(where: { $0.translation(in: held) != nil }) { continue }
            let outcomes = HeldEvaluator(held).outcomes(sent.packet)
            let value = store.value(try #require(functions[sent.packet.path]), at: Coordinates(sent.packet))
            let wanted: Outcomes = fate.text == "passed" ? .accept : .drop
            if outcomes.rawValue.nonzeroBitCount == 1 { result.known += 1 }
            if wanted == .accept { result.passed += 1 }
            guard !outcomes.isSuperset(of: wanted) || value != outcomes.rawValue else { continue }
            let steps = trace.described(in: held).joined(separator: "\n")
            let said = "the walk says \(outcomes), the packet space \(value)"
            Issue.record("\(place): \(sent.packet) is \(fate.text ?? "dropped"), \(said): \(steps)\n\(text)")
            return nil
        }
        return result
    }

    private static func read(_ path: String) throws -> [UInt8] { try FileReading.read(path, limit: 64 << 20) }
}
