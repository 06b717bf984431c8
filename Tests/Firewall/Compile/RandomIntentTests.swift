import Firewall
import Site
import Testing

@Suite("Compiling random intents")
struct RandomIntentTests {
    @Test("the ruleset decides as the intent does, by the same rule", arguments: [3, 12, 40])
    func sameVerdicts(rules: Int) {
        let seed = Soak.drawnSeed(of: "random intents of up to \(rules) rules")
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
        let seed = Soak.drawnSeed(of: "random intents for the kernel")
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

    @Test("rules that cross each other in several fields are few lookups and short lists, and decide as before")
    func cuts() {
        let seed = Soak.drawnSeed(of: "rules that cross each other")
        var random = RandomIntent(seed: seed)
        let rules = (0..<400).map { (number: Int) -> IntentRule in
            var match = PacketMatch()
            match.states = .new
            let first = UInt32(random.number(0...1023)), port = UInt16(random.number(1...60_000))
            match.sources = AddressSet(v4: IntervalSet(0x0A00_0000 | first...0x0A00_0000 | first + 15))
            match.traffic = TrafficSet(.tcp, details: port...port + UInt16(random.number(0...5000)))
            return IntentRule(id: "r\(number)", .written, number < 200 ? .drop : .accept, matches: [match])
        }
        var intent = HostIntent(host: "cuts")
        intent.input = rules
        let ruleset = Compiler.compile(intent, lookups: 50)
        #expect(ruleset.sets.count < 20 && ruleset.chains.reduce(0) { $0 + $1.rules.count } < 2 * rules.count)
        #expect(ruleset.chains.filter { $0.hook == nil }.allSatisfy { $0.rules.count < 60 })
        let evaluator = RulesetEvaluator(ruleset)
        var decided: Set<String> = []
        for number in 0..<2000 {
            var packet = random.packet()
            if number % 4 > 0 {
                let source = IPAddress.v4(0x0A00_0000 | UInt32(random.number(0...1023)))
                packet = Packet(.input(by: "eth0"), from: source, to: .v4(1), .tcp)
                packet.detail = UInt16(random.number(0...65_535))
            }
            guard packet.path == .input else { continue }
            let expected = Self.expectation(intent, packet, 0)
            if let rule = expected.rule { decided.insert(rule) }
            #expect(evaluator.outcome(of: packet) == expected, "seed \(seed): \(packet)")
        }
        #expect(decided.count > 20, "seed \(seed)")
    }

    @Test("rules that would be many diagrams in a row are lists, where a packet passes fewer lines")
    func manyStages() {
        var random = RandomIntent(seed: 7)
        let rules = (0..<1000).map { (number: Int) -> IntentRule in
            var match = PacketMatch()
            match.states = .new
            let others = UInt32(1) << UInt32(32 - random.number(8...28)) - 1
            let first = UInt32(random.number(0...0x0FFF_FFFF)) & ~others
            let port = UInt16(random.number(1...53_000))
            match.sources = AddressSet(v4: IntervalSet(first...(first | others)))
            match.traffic = TrafficSet(.tcp, details: port...port + UInt16(random.number(1...12_000)))
            return IntentRule(id: "r\(number)", .written, .accept, matches: [match])
        }
        var intent = HostIntent(host: "stages")
        intent.input = rules
        let ruleset = Compiler.compile(intent)
        #expect(ruleset.chains.first { $0.name == "input" }?.rules.count ?? 0 < 6)
        #expect(ruleset.sets.count < 400 && ruleset.chains.allSatisfy { $0.rules.count < 300 })
        let evaluator = RulesetEvaluator(ruleset)
        for _ in 0..<500 {
            let source = IPAddress.v4(UInt32(random.number(0...0x0FFF_FFFF)))
            var packet = Packet(.input(by: "eth0"), from: source, to: .v4(1), .tcp)
            packet.detail = UInt16(random.number(0...65_535))
            #expect(evaluator.outcome(of: packet) == Self.expectation(intent, packet, 0), "\(packet)")
        }
    }

    @Test("lists decide as the intent does, by the same rule")
    func lists() {
        let seed = Soak.drawnSeed(of: "lists of random intents")
        var random = RandomIntent(seed: seed)
        for _ in 0..<6 {
            var intent = random.intent(rules: 120)
            // Long stages, so that there is something to cut.
            intent.input.sort { $0.verdict == .accept && $1.verdict != .accept }
            intent.output.sort { $0.verdict == .accept && $1.verdict != .accept }
            var evaluator = RulesetEvaluator(Compiler.compile(intent, lookups: 0))
            evaluator.now = 200
            for _ in 0..<300 {
                let packet = random.packet()
                if packet.path == .forward { continue }
                let expected = Self.expectation(intent, packet, 200)
                #expect(evaluator.outcome(of: packet) == expected, "seed \(seed): \(packet)")
            }
        }
    }

    /// What the intent says of the packet at that time.
    private static func expectation(_ intent: HostIntent, _ packet: Packet, _ now: Int64) -> RulesetEvaluator.Outcome {
        let rule = intent.rules(packet.path).first { $0.matches(packet) && $0.expires.map { now < $0 } ?? true }
        guard let rule else { return .init(isAccepted: false, rule: nil) }
        let isOver = rule.limit != nil && packet.oddities.contains(.overLimit)
        return .init(isAccepted: rule.verdict == .accept && !isOver, rule: rule.id)
    }
}
