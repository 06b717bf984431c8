import Firewall
import Site
import Testing

/// Each kind of expression as nft 1.0.6 and newer ones list it, and packets that it must and must not take.
@Suite("Reading what the kernel holds")
struct HeldReaderTests {
    private typealias L = Listing

    private static func outcomes(_ listing: String, _ packet: Packet) throws -> Outcomes {
        let document = try #require(JSONValue(parsing: listing))
        return HeldEvaluator(try HeldRuleset(document, isInventoried: true)).outcomes(packet)
    }

    private static func packet(_ from: String, _ number: ProtocolNumber = .tcp, _ detail: UInt16 = 22) throws -> Packet
    {
        let source = try #require(IPAddress(from))
        let other = try #require(IPAddress(from.contains(":") ? "2001:db8::1" : "10.0.0.1"))
        var packet = Packet(.input(by: "eth0"), from: source, to: other, number, detail: detail)
        packet.sourcePort = 40000
        return packet
    }

    @Test(
        "takes what the rule says, for a SYN from 10.0.0.9 to port 22",
        arguments: [
            (L.match(L.port, "==", "22"), Outcomes.accept),
            (L.match(L.port, "!=", "22"), .drop),
            (L.match(L.port, "<", "23"), .accept),
            (L.match(L.port, ">=", "23"), .drop),
            (L.match(L.port, "==", #"{"set":[22,{"range":[80,90]}]}"#), .accept),
            (L.match(L.port, "==", #"{"set":22}"#), .accept),
            (L.match(L.port, "==", #"{"range":[23,90]}"#), .drop),
            (L.match(L.source, "==", #"{"prefix":{"addr":"10.0.0.0","len":8}}"#), .accept),
            (L.match(L.source, "!=", #"{"set":["10.0.0.9"]}"#), .drop),
            (L.match(#"{"payload":{"protocol":"ip6","field":"saddr"}}"#, "!=", #""::1""#), .drop),
            (L.match(#"{"payload":{"protocol":"udp","field":"dport"}}"#, "!=", "1"), .drop),
            (L.match(#"{"payload":{"protocol":"th","field":"dport"}}"#, "==", "22"), .accept),
            (L.match(#"{"payload":{"protocol":"ip","field":"protocol"}}"#, "==", #""tcp""#), .accept),
            (L.match(#"{"meta":{"key":"l4proto"}}"#, "==", #"{"set":["udp","icmp"]}"#), .drop),
            (L.match(#"{"meta":{"key":"nfproto"}}"#, "==", #""ipv4""#), .accept),
            (L.match(#"{"meta":{"key":"iifname"}}"#, "==", #""eth*""#), .accept),
            (L.match(#"{"meta":{"key":"iifname"}}"#, "!=", #""eth0""#), .drop),
            (L.match(#"{"meta":{"key":"oifname"}}"#, "!=", #""eth0""#), .accept),
            (L.match(L.state, "in", #""new""#), .accept),
            (L.match(L.state, "in", #"["established","related"]"#), .drop),
            (L.match(L.state, "!=", #""new""#), .drop),
            (L.match(L.flags, "==", #""syn""#), .accept),
            (L.match(L.flags, "in", #"["ack","fin"]"#), .drop),
            (L.match(L.flags, "!", #"["ack","fin"]"#), .accept),
            (L.match(#"{"&":[\#(L.flags),["syn","ack"]]}"#, "==", #""syn""#), .accept),
            (L.match(#"{"&":[\#(L.flags),{"|":["syn","ack"]}]}"#, "==", #"{"|":["syn","ack"]}"#), .drop),
            (L.match(#"{"fib":{"result":"oif","flags":["saddr","iif"]}}"#, "==", "false"), .drop),
            (
                L.match(#"{"fib":{"result":"type","flags":"saddr"}}"#, "!=", #"{"set":["multicast","broadcast"]}"#),
                .accept
            ),
            (#"{"counter":{"packets":1,"bytes":2}},{"log":{"prefix":"x"}}"#, .accept),
        ]
    )
    func conditions(condition: String, expected: Outcomes) throws {
        #expect(try Self.outcomes(L.json(condition), Self.packet("10.0.0.9")) == expected)
    }

    @Test(
        "what is not understood is never taken for known",
        arguments: [
            L.match(#"{"meta":{"key":"mark"}}"#, "==", "5"), L.match(#"{"meta":{"key":"mark"}}"#, "!=", "5"),
            L.match(#"{"payload":{"base":"th","offset":0,"len":16}}"#, "==", "5"),
            L.match(L.port, "==", #""@nowhere""#), L.match(L.port, "~", "22"), L.match(L.port, "==", #""ssh""#),
            L.match(L.state, "!=", #"{"|":["new","established"]}"#),
            #"{"limit":{"rate":5,"burst":5,"per":"second"}}"#, L.match(L.state, "<", #""related""#),
            #"{"novelty":{"a":1}}"#, #"{"xt":null}"#, #"{"quota":{"val":5}}"#, "7",
        ]
    )
    func unknown(condition: String) throws {
        #expect(try Self.outcomes(L.json(condition), Self.packet("10.0.0.9")) == [.accept, .drop])
    }

    @Test("an IPv6 packet has no IPv4 address, and no rule that asks for one takes it")
    func families() throws {
        let listing = L.json(L.match(L.source, "!=", #""10.0.0.9""#))
        #expect(try Self.outcomes(listing, Self.packet("2001:db8::9")) == .drop)
        #expect(try Self.outcomes(listing, Self.packet("10.0.0.8")) == .accept)
    }

    private static let either: Outcomes = [.accept, .drop]

    private static let verdictCases: [(String, Outcomes)] = [
        (#"{"jump":{"target":"web"}}"#, Outcomes.accept), (#"{"goto":{"target":"web"}}"#, .accept),
        (#"{"jump":{"target":"nowhere"}}"#, either), (#"{"return":null}"#, .drop),
        (#"{"continue":null}"#, .drop), (#"{"reject":{"type":"tcp reset"}}"#, .drop),
        (#"{"queue":{"num":3}}"#, either), (#""accept""#, .accept),
        (
            #"{"vmap":{"key":\#(L.port),"data":{"set":[[21,{"drop":null}],[22,{"jump":{"target":"web"}}]]}}}"#,
            .accept
        ),
        (#"{"vmap":{"key":\#(L.port),"data":{"set":[[80,{"accept":null}]]}}}"#, .drop),
        (#"{"vmap":{"key":\#(L.port),"data":"@nowhere"}}"#, either),
    ]

    @Test("verdicts, jumps and maps", arguments: verdictCases)
    func verdicts(verdict: String, expected: Outcomes) throws {
        #expect(try Self.outcomes(L.json("", verdict: verdict), Self.packet("10.0.0.9")) == expected)
    }

    @Test("sets by name; those that rules add to are not known")
    func sets() throws {
        let set = """
            {"set":{"family":"inet","name":"s","table":"t","type":["ipv4_addr","inet_service"],"elem":[
            {"concat":[{"prefix":{"addr":"10.0.0.0","len":24}},{"range":[20,30]}]},
            {"elem":{"val":{"concat":["10.0.1.1",443]},"comment":"one"}}]}}
            """
        let both = #"{"concat":[\#(L.source),\#(L.port)]}"#
        let match = L.match(both, "==", #""@s""#)
        #expect(try Self.outcomes(L.json(match, extra: set), Self.packet("10.0.0.9")) == .accept)
        #expect(try Self.outcomes(L.json(match, extra: set), Self.packet("10.0.1.1", .tcp, 443)) == .accept)
        #expect(try Self.outcomes(L.json(match, extra: set), Self.packet("10.0.1.1")) == .drop)
        let adding = #"{"set":{"op":"add","elem":\#(L.source),"set":"@s"}}"#
        let changing = L.json(adding + "," + match, extra: set)
        #expect(try Self.outcomes(changing, Self.packet("10.0.0.9")) == [.accept, .drop])
    }

    @Test("a foreign table counts, unless it sleeps or is of the other family")
    func tables() throws {
        let chain = """
            {"chain":{"family":"ip","table":"s","name":"in","type":"filter","hook":"input","prio":-5,"policy":"drop"}}
            """
        let sleeping = #"{"table":{"family":"ip","name":"s","flags":"dormant"}},"# + chain
        let open = L.match(L.port, "==", "22")
        #expect(try Self.outcomes(L.json(open, extra: sleeping), Self.packet("10.0.0.9")) == .accept)
        #expect(try Self.outcomes(L.json(open, extra: chain), Self.packet("10.0.0.9")) == .drop)
        #expect(try Self.outcomes(L.json(open, extra: chain), Self.packet("2001:db8::9")) == .accept)
    }

    @Test("what is cut or garbled never traps, and is never two things at once")
    func garbled() throws {
        let listing = Array(L.json(L.match(L.port, "==", #"{"set":[22,{"range":[80,90]}]}"#)).utf8)
        for count in listing.indices {
            #expect(throws: HeldReadingError.self) { try HeldRuleset(json: Array(listing.prefix(count))) }
        }
        let seed = Soak.drawnSeed(of: "garbled lists")
        var random = RandomRulesets(seed: seed)
        var read = 0
        for _ in 0..<1000 {
            var bytes = listing
            for _ in 0..<Int(random.number(1...4)) {
                let (one, two) = (
                    random.number(0...UInt128(bytes.count - 1)), random.number(0...UInt128(bytes.count - 1))
                )
                bytes[Int(one)] = random.chance(50) ? bytes[Int(two)] : UInt8(random.number(0...255))
            }
            guard let ruleset = try? HeldRuleset(json: bytes) else { continue }
            read += 1
            let store = DiagramStore()
            var space = HeldSpace(ruleset, in: store)
            let packet = random.packet()
            let found = store.value(try space.outcomes(packet.path), at: Coordinates(packet))
            #expect(found == HeldEvaluator(ruleset).outcomes(packet).rawValue, "seed \(seed)")
        }
        #expect(read > 0, "seed \(seed): nothing was read")
    }
}
