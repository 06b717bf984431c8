import Firewall
import Site
import Testing

/// Limits are told apart: what one drops no other drops in its place.
@Suite("Limits in proofs")
struct LimitTests {
    private static let slow = RuleLimit(rate: .init(count: 6, perSeconds: 60, burst: 5))
    private static let fast = RuleLimit(rate: .init(count: 1000, perSeconds: 1, burst: 2000))

    private static func rule(_ id: String, _ port: UInt16, _ limit: RuleLimit?) -> IntentRule {
        var match = PacketMatch()
        match.traffic = TrafficSet(.tcp, details: port...port)
        match.sources = AddressSet(v4: .all)
        var rule = IntentRule(id: id, .written, .accept, matches: [match])
        rule.limit = limit
        return rule
    }

    /// New connections of one source above 1,000 in a second are dropped first.
    private static let flood: IntentRule = {
        var match = PacketMatch()
        match.traffic = TrafficSet(.tcp)
        match.oddities = .overLimit
        var rule = IntentRule(id: "flood", .defence("connection-flood"), .drop, matches: [match])
        rule.limit = fast
        return rule
    }()

    private static let intent: HostIntent = {
        var intent = HostIntent(host: "db-01")
        intent.input = [flood, rule("adm", 22, slow), rule("web", 443, nil)]
        return intent
    }()

    // MARK: - What a kernel holds

    private static let tcp = #"{"match":{"op":"==","left":{"meta":{"key":"l4proto"}},"right":"tcp"}}"#
    private static let admRule = limit(set: "adm_v4", 6, "minute", 5)
    private static let floodRules = [
        rule("flood", [tcp, limit(set: "flood_v4", 1000, "second", 2000), drop]),
        rule("flood", [tcp, limit(set: "flood_v6", 1000, "second", 2000, isSix: true), drop]),
    ]
    private static let drop = #"{"drop":null}"#
    private static let accept = #"{"accept":null}"#

    private static func port(_ number: Int) -> String { Listing.match(Listing.port, "==", "\(number)") }

    private static func limit(
        set: String,
        _ count: Int,
        _ per: String,
        _ burst: Int,
        isSix: Bool = false,
        operation: String = "update",
        isAbove: Bool = true
    ) -> String {
        let six = #"{"payload":{"protocol":"ip6","field":"saddr"}}"#
        let key = isSix ? #"{"&":[\#(six),"ffff:ffff:ffff:ffff::"]}"# : Listing.source
        let inverse = isAbove ? #","inv":true"# : ""
        return """
            {"set":{"op":"\(operation)","elem":\(key),"set":"@\(set)","stmt":[{"limit":\
            {"rate":\(count),"burst":\(burst),"per":"\(per)"\(inverse)}}]}}
            """
    }

    private static func rule(_ id: String, _ statements: [String]) -> String {
        """
        {"rule":{"family":"inet","table":"gatehouse","chain":"input","handle":9,"comment":"\(id) line 3",\
        "expr":[\(statements.joined(separator: ","))]}}
        """
    }

    private static func set(_ name: String, size: Int = 65_536, timeout: Int = 60, elements: String = "[]") -> String {
        """
        {"set":{"family":"inet","table":"gatehouse","name":"\(name)","type":"ipv4_addr","size":\(size),\
        "timeout":\(timeout),"elem":\(elements)}}
        """
    }

    /// A host that drops what no rule accepts.
    private static func held(_ rules: [String], adm: String = set("adm_v4")) throws -> HeldRuleset {
        let chains = ["input", "forward", "output"].map { hook in
            """
            {"chain":{"family":"inet","table":"gatehouse","name":"\(hook)","type":"filter","hook":"\(hook)",\
            "prio":0,"policy":"drop"}}
            """
        }
        let sets = [adm, set("adm_2_v4"), set("flood_v4"), set("flood_v6"), set("logged_v4", timeout: 61)]
        let objects = (chains + sets + rules).joined(separator: ",")
        return try HeldRuleset(json: Array(#"{"nftables":[\#(objects)]}"#.utf8))
    }

    private static func proof(_ rules: [String], adm: String = set("adm_v4")) throws -> HostProof {
        HostProof(intent, against: try held(rules, adm: adm))
    }

    private static let web = rule("web", [Listing.match(Listing.source, "==", allFour), port(443), accept])
    private static let allFour = #"{"prefix":{"addr":"0.0.0.0","len":0}}"#
    private static let compiled =
        floodRules + [
            rule("adm", [port(22), admRule, drop]),
            rule("adm", [Listing.match(Listing.source, "==", allFour), port(22), accept]), web,
        ]

    // MARK: - Against what is meant

    @Test("limits as they are meant are proved, whatever the log counts")
    func same() throws {
        let logged = Self.limit(set: "logged_v4", 10, "minute", 10, isAbove: false)
        let log = Self.rule("adm", [Self.port(22), logged, #"{"log":{"prefix":"adm"}}"#])
        for rules in [Self.compiled, [log] + Self.compiled] {
            let proof = try Self.proof(rules)
            #expect(proof.answer == .proved, "\(proof)")
        }
    }

    @Test("a limit that is missing is shown by a packet above it, though another limit is there")
    func missing() throws {
        var rules = Self.compiled
        rules.remove(at: 2)
        let proof = try Self.proof(rules)
        #expect(proof.answer == .refuted)
        #expect(proof.differences.map(\.kind) == [.more])
        let packet = try #require(proof.differences.first?.packet)
        #expect(packet.detail == 22 && packet.limit == PacketLimit(of: "adm", .rate(Self.slow.rate!)))
        #expect(packet.text.contains("above the limit of adm: 6 in 60 s, 5 at once"), "\(packet.text)")
        let unflooded = try Self.proof(Array(Self.compiled.dropFirst()))
        #expect(unflooded.answer == .refuted)
        #expect(unflooded.differences.first?.packet.limit?.counter == "flood")
    }

    @Test("what is above one limit does not count as dropped by another")
    func others() throws {
        let logged = Self.limit(set: "logged_v4", 10, "minute", 10, isAbove: false)
        let opened = Self.rule("web", [Self.port(3306), Self.accept])
        let flooded = Self.limit(set: "flood_v4", 1000, "second", 2000)
        let below = Self.limit(set: "adm_v4", 6, "minute", 5, isAbove: false)
        for (name, id, limit) in [
            ("below the log's", "flood", logged), ("above the flood's", "flood", flooded),
            ("above SSH's", "adm", Self.admRule), ("below SSH's", "adm", below),
        ] {
            let limited = Self.rule(id, [Self.port(3306), limit, Self.drop])
            let proof = try Self.proof([limited, opened] + Self.compiled)
            #expect(proof.answer != .proved, "\(name): \(proof)")
            #expect(!proof.differences.isEmpty, "\(name): \(proof)")
        }
        // The limit of one rule in another's place.
        let elsewhere = Self.rule("adm", [Self.port(443), Self.admRule, Self.drop])
        let swapped = try Self.proof(Self.floodRules + [Self.compiled[3], elsewhere, Self.web])
        #expect(Set(swapped.differences.map(\.kind)) == [.more, .less], "\(swapped)")
    }

    @Test("a limit of new connections counts each once, and one that counts packets is another")
    func connections() throws {
        var intent = Self.intent
        intent.input[1].matches[0].states = .new
        let new = Listing.match(Listing.state, "in", #""new""#)
        func answer(_ counted: [String]) throws -> ProofAnswer {
            let rules = [
                Self.rule("adm", [new, Self.port(22)] + counted + [Self.drop]),
                Self.rule("adm", [new, Listing.match(Listing.source, "==", Self.allFour), Self.port(22), Self.accept]),
            ]
            return HostProof(intent, against: try Self.held(Self.floodRules + rules + [Self.web])).answer
        }
        func status(_ operation: String, _ word: String) -> String {
            Listing.match(#"{"ct":{"key":"status"}}"#, operation, word)
        }
        #expect(try answer([status("!", #""confirmed""#), Self.admRule]) == .proved)
        // As a list with numbers for words has it.
        #expect(try answer([status("!", "8"), Self.admRule]) == .proved)
        for other in [[], [status("in", #""confirmed""#)], [status("!", #""assured""#)]] {
            #expect(try answer(other + [Self.admRule]) == .unknown, "\(other)")
        }
        #expect(try answer([Self.admRule, status("!", #""confirmed""#)]) == .unknown)
        // Of state `all`, as of echo requests, no first packet is known.
        #expect(try Self.proof(Self.compiled).answer == .proved)
        var counting = Self.compiled
        counting[2] = Self.rule("adm", [Self.port(22), status("!", "8"), Self.admRule, Self.drop])
        #expect(try Self.proof(counting).answer != .proved)
    }

    @Test("a limit that counts otherwise than is meant is named, and nothing is proved")
    func otherwise() throws {
        func changed(_ limit: String) -> [String] {
            var rules = Self.compiled
            rules[2] = Self.rule("adm", [Self.port(22), limit, Self.drop])
            return rules
        }
        let own = Self.admRule.replacing(
            Listing.source,
            with: #"{"elem":{"val":\#(Listing.source),"timeout":1}}"#
        )
        let again = Self.rule("adm", [Self.port(80), Self.limit(set: "adm_2_v4", 6, "minute", 5), Self.drop])
        let element = #"[{"elem":{"val":"192.0.2.1","limit":{"rate":9,"burst":5,"per":"minute","inv":true}}}]"#
        for (name, rules, set) in [
            ("timeout", Self.compiled, Self.set("adm_v4", timeout: 1)),
            ("size", Self.compiled, Self.set("adm_v4", size: 1)),
            ("element", Self.compiled, Self.set("adm_v4", elements: element)),
            ("element without a limit", Self.compiled, Self.set("adm_v4", elements: #"["192.0.2.1"]"#)),
            ("element's own timeout", changed(own), Self.set("adm_v4")),
            ("add", changed(Self.limit(set: "adm_v4", 6, "minute", 5, operation: "add")), Self.set("adm_v4")),
            ("rate", changed(Self.limit(set: "adm_v4", 7, "minute", 5)), Self.set("adm_v4")),
            ("one set for two limits", changed(Self.limit(set: "flood_v4", 6, "minute", 5)), Self.set("adm_v4")),
            ("two sets for one limit", Self.compiled + [again], Self.set("adm_v4")),
        ] {
            let proof = try Self.proof(rules, adm: set)
            #expect(proof.answer == .unknown, "\(name): \(proof)")
            #expect(proof.doubt?.contains("inet gatehouse input: ") == true, "\(name): \(proof.doubt ?? "none")")
        }
    }

    @Test("many limits cost what they are, and too many are unknown")
    func many() throws {
        var intent = HostIntent(host: "many")
        intent.input = (0..<300).map { Self.rule("r\($0)", UInt16(1000 + $0), Self.slow) }
        let store = DiagramStore()
        _ = try IntentSpace(in: store).outcomes(intent.input, .input)
        #expect(store.size < 1_000_000, "\(store.size)")
        let addresses = DiagramStore()
        _ = try IntentSpace(in: addresses).outcomes(Self.limited(1000) { _ in Self.slow }, .input)
        #expect(addresses.size < 200_000, "\(addresses.size)")
    }

    /// So many limited rules for one port, each with its own /24.
    private static func limited(_ count: Int, _ limit: (Int) -> RuleLimit) -> [IntentRule] {
        (0..<count).map { number in
            var limited = rule("r\(number)", 22, limit(number))
            let first = 0x0A00_0000 + UInt32(number) << 8
            limited.matches[0].sources = AddressSet(v4: IntervalSet(first...first + 255))
            return limited
        }
    }

    @Test("a kernel with hundreds of limits is proved, and a change of hundreds of them is told")
    func manyHeld() throws {
        var intent = HostIntent(host: "many")
        intent.input = Self.limited(300) { _ in Self.slow }
        let rules = (0..<300).flatMap { number in
            let address = #""10.\#(number / 256).\#(number % 256).0""#
            let prefix = Listing.match(Listing.source, "==", #"{"prefix":{"addr":\#(address),"len":24}}"#)
            let limit = Self.limit(set: "r\(number)_v4", 6, "minute", 5)
            return [
                Self.rule("r\(number)", [prefix, Self.port(22), limit, Self.drop]),
                Self.rule("r\(number)", [prefix, Self.port(22), Self.accept]),
            ]
        }
        let sets = (0..<300).map { Self.set("r\($0)_v4") }
        let proof = HostProof(intent, against: try Self.held(sets + rules), limit: 200_000)
        #expect(proof.answer == .proved, "\(proof.doubt ?? "") \(proof.differences)")

        func host(_ limits: (Int) -> RuleLimit) -> HostIntent {
            var host = HostIntent(host: "a")
            host.input = Self.limited(200, limits)
            return host
        }
        let before = host { RuleLimit(rate: .init(count: $0 + 1, perSeconds: 60, burst: 1000 - $0)) }
        let after = host { RuleLimit(rate: .init(count: $0 + 1, perSeconds: 60, burst: $0 == 7 ? 2000 : 1000 - $0)) }
        let diff = IntentDiff(from: [before], to: [after], limit: 500_000)
        #expect(diff.unknown.isEmpty && diff.opensAnything)
        #expect(diff.adjustments.map(\.sentence) == ["`r7`: 8 in 60 s, 993 at once -> 8 in 60 s, 2000 at once"])
    }

    // MARK: - Differences of two policies

    private static func diff(_ old: [IntentRule], _ new: [IntentRule]) -> IntentDiff {
        var (before, after) = (HostIntent(host: "a"), HostIntent(host: "a"))
        before.input = [flood] + old
        after.input = [flood] + new
        return IntentDiff(from: [before], to: [after])
    }

    @Test("diff: a limit removed, raised under another id, or passed by opens; the other way closes")
    func differences() throws {
        let limited = [Self.rule("ssh", 22, Self.slow)]
        for (name, wider, sentence) in [
            ("removed", [Self.rule("ssh", 22, nil)], "`ssh`: 6 in 60 s, 5 at once -> no limit"),
            (
                "raised", [Self.rule("fast", 22, RuleLimit(rate: .init(count: 7, perSeconds: 60, burst: 5)))],
                "`ssh`: 6 in 60 s, 5 at once -> `fast`: 7 in 60 s, 5 at once"
            ),
            (
                "passed by", [Self.rule("fast", 22, Self.fast)] + limited,
                "`ssh`: 6 in 60 s, 5 at once -> `fast`: 1000 in 1 s, 2000 at once"
            ),
        ] {
            let opens = Self.diff(limited, wider)
            #expect(opens.opensAnything && opens.changes.isEmpty, "\(name): \(opens)")
            #expect(opens.adjustments.map(\.sentence) == [sentence], "\(name)")
            let closes = Self.diff(wider, limited)
            #expect(!closes.opensAnything && closes.adjustments.count == 1, "\(name): \(closes.adjustments)")
        }
        let renamed = Self.diff(limited, [Self.rule("other", 22, Self.slow)])
        #expect(renamed.adjustments.isEmpty && renamed.changes.isEmpty, "\(renamed)")
    }

    @Test("diff names each rule with another limit once, and the defences' as well")
    func several() throws {
        let old = [Self.rule("ssh", 22, Self.slow), Self.rule("imap", 143, Self.slow), Self.rule("web", 443, nil)]
        let diff = Self.diff(old, [Self.rule("ssh", 22, nil), Self.rule("imap", 143, nil), Self.rule("web", 443, nil)])
        #expect(Set(diff.adjustments.map { String($0.sentence.prefix(6)) }) == ["`ssh`:", "`imap`"])
        var (before, after) = (HostIntent(host: "a"), HostIntent(host: "a"))
        (before.input, after.input) = ([Self.flood] + old, old)
        let undefended = IntentDiff(from: [before], to: [after])
        #expect(undefended.opensAnything)
        #expect(undefended.adjustments.map(\.sentence).contains("`flood`: 1000 in 1 s, 2000 at once -> no limit"))
    }
}
