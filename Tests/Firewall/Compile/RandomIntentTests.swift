import Firewall
import Testing

@Suite("Compiling random intents")
struct RandomIntentTests {
    @Test("the ruleset decides as the intent does, by the same rule", arguments: [3, 12, 40])
    func sameVerdicts(rules: Int) {
        var system = SystemRandomNumberGenerator()
        let seed = system.next()
        print("random intents of up to \(rules) rules: seed \(seed)")
        var random = RandomIntent(seed: seed)
        for _ in 0..<(400 / rules) {
            let intent = random.intent(rules: rules)
            var evaluator = RulesetEvaluator(Compiler.compile(intent))
            for _ in 0..<300 {
                let packet = random.packet()
                for now: Int64 in [0, 200, 400] {
                    evaluator.now = now
                    let expected = Self.expectation(intent, packet, now)
                    var outcome = evaluator.outcome(of: packet)
                    // A host that lets nothing through may drop it as early as what comes to itself.
                    if packet.path == .forward, !intent.forward.contains(where: { $0.verdict == .accept }) {
                        outcome.rule = expected.rule
                    }
                    guard outcome != expected else { continue }
                    Issue.record("seed \(seed): at \(now) \(packet) is \(outcome), should be \(expected)")
                    print(Compiler.compile(intent).text().text)
                    return
                }
            }
        }
    }

    @Test("the kernel takes them", .enabled(if: ScratchNetwork.isAvailable, "no network namespace"))
    func loads() throws {
        var system = SystemRandomNumberGenerator()
        let seed = system.next()
        print("random intents for the kernel: seed \(seed)")
        var random = RandomIntent(seed: seed)
        let texts = (0..<40).map { number in
            ("seed \(seed), intent \(number)", Compiler.compile(random.intent(rules: 4 + number)).text().text)
        }
        for problem in try ScratchNetwork.problems(loading: texts) { Issue.record("\(problem)") }
    }

    @Test("rules that cross each other everywhere are split, not multiplied")
    func crossing() {
        let rules = (0..<400).map { (number: Int) -> IntentRule in
            var match = PacketMatch()
            match.states = .new
            let bit = UInt32(number / 2)
            if number % 2 == 0 {
                match.sources = AddressSet(v4: IntervalSet([bit * 100...bit * 100 + 50]))
            } else {
                match.traffic = TrafficSet(.tcp, details: UInt16(bit) * 10...UInt16(bit) * 10 + 5)
            }
            return IntentRule(id: "r\(number)", .written, .accept, matches: [match])
        }
        var intent = HostIntent(host: "crossing")
        intent.input = rules
        let ruleset = Compiler.compile(intent)
        #expect(ruleset.sets.reduce(0) { $0 + $1.elements.count } < 20 * rules.count)
        #expect(ruleset.chains.first { $0.name == "input" }?.rules.count ?? 0 < 40)
    }

    /// What the intent says of the packet at that time.
    private static func expectation(_ intent: HostIntent, _ packet: Packet, _ now: Int64) -> RulesetEvaluator.Outcome {
        let rule = intent.rules(packet.path).first { $0.matches(packet) && $0.expires.map { now < $0 } ?? true }
        guard let rule else { return .init(isAccepted: false, rule: nil) }
        let isOver = rule.limit != nil && packet.oddities.contains(.overLimit)
        return .init(isAccepted: rule.verdict == .accept && !isOver, rule: rule.id)
    }
}
