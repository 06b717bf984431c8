import Firewall
import Site
import Testing

/// Tables of others in front of a chain that drops all but SSH. What they do to packets on the way must never be taken for
/// nothing: the answer is right, or it is not known.
@Suite("Statements that change what later rules see")
struct ForeignStatementTests {
    private typealias L = Listing

    private static let either: Outcomes = [.accept, .drop]

    private static func packet(_ port: UInt16, _ state: ConnectionState = .new, _ path: PacketPath = .input) -> Packet {
        let route = PacketRoute(path, by: "eth0", to: "eth1")
        var packet = Packet(route, from: .v4(0x0A00_0009), to: .v4(0x0A00_0001), .tcp, detail: port)
        packet.sourcePort = 40000
        packet.state = state
        return packet
    }

    /// A chain of another table with one rule.
    private static func foreign(
        _ expressions: String,
        _ place: String = #""type":"filter","hook":"prerouting","prio":-150,"policy":"accept""#,
        family: String = "inet"
    ) -> String {
        #"{"chain":{"family":"\#(family)","table":"x","name":"c",\#(place)}},"#
            + #"{"rule":{"family":"\#(family)","table":"x","chain":"c","handle":9,"expr":[\#(expressions)]}}"#
    }

    private static let ssh = L.match(L.port, "==", "22")

    @Test(
        "a packet that goes on as another, or elsewhere, is not what later rules say of it",
        arguments: [
            #"{"mangle":{"key":{"payload":{"protocol":"tcp","field":"dport"}},"value":22}}"#,
            #"{"mangle":{"key":{"payload":{"protocol":"ip","field":"saddr"}},"value":"10.0.0.1"}}"#,
            #"{"fwd":{"dev":"eth1"}}"#, #"{"dup":{"addr":"10.0.0.5","dev":"eth1"}}"#, #"{"queue":{"num":1}}"#,
            #"{"tproxy":{"family":"ip","port":22}}"#, #"{"synproxy":{"mss":1460,"wscale":7}}"#,
            #"{"flow":{"op":"add","flowtable":"@f"}}"#, #"{"xt":{"type":"target","name":"TEE"}}"#, #"{"xt":null}"#,
            #"{"jump":{"target":"nowhere"}}"#,
        ]
    )
    func astray(statement: String) throws {
        let listing = L.json(Self.ssh, extra: Self.foreign(statement))
        #expect(try L.outcomes(listing, Self.packet(80)) == Self.either)
        // What the rule does not take is as it was.
        let other = L.json(Self.ssh, extra: Self.foreign(L.match(L.port, "==", "81") + "," + statement))
        #expect(try L.outcomes(other, Self.packet(80)) == .drop)
        #expect(try L.outcomes(other, Self.packet(22)) == .accept)
    }

    @Test(
        "whether a destination is the host's own is known of nothing but what our own table sends elsewhere",
        arguments: [("nat", "inet x", true), ("nat", "inet gatehouse", false), ("filter", "inet gatehouse", true)]
    )
    func ownAddress(type: String, table: String, isUnknown: Bool) throws {
        let local = #"{"match":{"op":"==","left":{"fib":{"result":"type","flags":["daddr"]}},"right":"local"}}"#
        let place = #""type":"\#(type)","hook":"prerouting","prio":-100,"policy":"accept""#
        let words = table.split(separator: " ")
        func held(_ statement: String) throws -> HeldRuleset {
            let foreign = Self.foreign(local + "," + statement, place, family: String(words[0]))
                .replacing(#""table":"x""#, with: #""table":"\#(words[1])""#)
            return try HeldRuleset(json: Array(L.json(Self.ssh, extra: foreign).utf8))
        }
        func conditions(_ statement: String) throws -> [Bool] {
            try held(statement).chains.flatMap(\.rules).flatMap(\.statements).compactMap { statement in
                switch statement {
                case .condition(.unknown): true
                case .condition(.oddity(.toOwnAddress, _)): false
                default: nil
                }
            }
        }
        #expect(try conditions(#"{"dnat":{"addr":"10.0.0.5"}}"#) == [isUnknown])
        #expect(try conditions(#"{"drop":null}"#) == [true])
    }

    @Test(
        "what a forwarded port has sent on is known of our own rules alone, and where it has",
        arguments: [
            ("gatehouse", "forward", 0, true), ("gatehouse", "prerouting", -100, false), ("x", "forward", 0, false),
        ]
    )
    func redirected(table: String, hook: String, priority: Int, isKnown: Bool) throws {
        let place = #""type":"filter","hook":"\#(hook)","prio":\#(priority),"policy":"drop""#
        let rule = L.match(#"{"ct":{"key":"status"}}"#, "in", #""dnat""#) + #",{"accept":null}"#
        let foreign = Self.foreign(rule, place).replacing(#""table":"x""#, with: #""table":"\#(table)""#)
        let source = try #require(IPAddress("10.0.0.9"))
        let target = try #require(IPAddress("10.1.0.1"))
        var packet = Packet(.forward(by: "eth0", to: "eth1"), from: source, to: target, .tcp, detail: 22)
        #expect(try L.outcomes(L.json(Self.ssh, extra: foreign), packet) == (isKnown ? .drop : Self.either))
        // As a list with numbers for words has it.
        let numbers = foreign.replacing(#""dnat""#, with: "32")
        #expect(try L.outcomes(L.json(Self.ssh, extra: numbers), packet) == (isKnown ? .drop : Self.either))
        packet.oddities = .redirected
        #expect(try L.outcomes(L.json(Self.ssh, extra: foreign), packet) == (isKnown ? .accept : Self.either))
    }

    @Test("a condition of iptables may hold or not, and its verdict is known")
    func compatibility() throws {
        let rule = #"{"xt":{"type":"match","name":"recent"}},{"drop":null}"#
        let listing = L.json(Self.ssh, extra: Self.foreign(rule))
        #expect(try L.outcomes(listing, Self.packet(22)) == Self.either)
        #expect(try L.outcomes(listing, Self.packet(80)) == .drop)
    }

    @Test("a comment of iptables, which it writes as a condition, always holds")
    func comments() throws {
        let rule = #"{"xt":{"type":"match","name":"comment"}},{"drop":null}"#
        let listing = L.json(Self.ssh, extra: Self.foreign(rule))
        #expect(try L.outcomes(listing, Self.packet(22)) == .drop)
        let other = #"{"xt":{"type":"match","name":"comment"}},{"xt":{"type":"match","name":"recent"}},{"drop":null}"#
        #expect(try L.outcomes(L.json(Self.ssh, extra: Self.foreign(other)), Self.packet(22)) == Self.either)
    }

    @Test("what is taken out of tracking is not new any more, and what is tracked stays so")
    func untracking() throws {
        let early = #""type":"filter","hook":"prerouting","prio":-300,"policy":"accept""#
        let late = #""type":"filter","hook":"input","prio":-5,"policy":"accept""#
        let before = L.json(L.match(L.state, "in", #""new""#), extra: Self.foreign(#"{"notrack":null}"#, early))
        #expect(try L.outcomes(before, Self.packet(22)) == Self.either)
        #expect(try L.outcomes(before, Self.packet(22, .untracked)) == .drop)
        let after = L.json(L.match(L.state, "in", #""new""#), extra: Self.foreign(#"{"notrack":null}"#, late))
        #expect(try L.outcomes(after, Self.packet(22)) == .accept)
        #expect(try L.outcomes(after, Self.packet(22, .invalid)) == Self.either)
    }

    @Test("of chains with one priority either may be the first, whichever is listed before")
    func order() throws {
        let beside = #""type":"filter","hook":"input","prio":0,"policy":"accept""#
        let untracked = L.json(L.match(L.state, "in", #""new""#), extra: Self.foreign(#"{"notrack":null}"#, beside))
        #expect(try L.outcomes(untracked, Self.packet(22, .invalid)) == Self.either)
        #expect(try L.outcomes(untracked, Self.packet(22)) == .accept)
        let other = #"{"mangle":{"key":{"payload":{"protocol":"tcp","field":"dport"}},"value":22}}"#
        #expect(try L.outcomes(L.json(Self.ssh, extra: Self.foreign(other, beside)), Self.packet(80)) == Self.either)
        let drop = Self.foreign(#"{"drop":null}"#, beside)
        #expect(try L.outcomes(L.json(Self.ssh, extra: drop), Self.packet(22)) == .drop)
    }

    @Test("a mark changes no verdict, but where a chain sends packets another way")
    func rerouting() throws {
        let mark = #"{"mangle":{"key":{"meta":{"key":"mark"}},"value":5}},{"accept":null}"#
        let plain = #""type":"filter","hook":"output","prio":-150,"policy":"accept""#
        let routing = #""type":"route","hook":"output","prio":-150,"policy":"accept""#
        let packet = Self.packet(22, .new, .output)
        #expect(try L.outcomes(L.json(Self.ssh, extra: Self.foreign(mark, plain)), packet) == .accept)
        #expect(try L.outcomes(L.json(Self.ssh, extra: Self.foreign(mark, routing)), packet) == Self.either)
    }

    @Test("objects that a map chooses are a condition, as are limits and quotas that stand elsewhere")
    func objects() throws {
        let key = #"{"key":\#(L.source),"data":{"set":[["10.0.0.1","one"]]}}"#
        for statement in [
            #"{"counter":{"map":\#(key)}}"#, #"{"limit":{"map":\#(key)}}"#, #"{"quota":{"map":\#(key)}}"#,
            #"{"ct helper":{"map":\#(key)}}"#, #"{"limit":"one"}"#,
        ] {
            #expect(try L.outcomes(L.json(statement), Self.packet(22)) == Self.either, "\(statement)")
        }
        #expect(try L.outcomes(L.json(#"{"counter":"one"}"#), Self.packet(22)) == .accept)
    }

    @Test("a header inside a tunnel and a direction of a connection are not the packet's own")
    func inner() throws {
        for field in [
            #"{"payload":{"tunnel":"vxlan","protocol":"ip","field":"saddr"}}"#,
            #"{"payload":{"tunnel":"gre","protocol":"tcp","field":"dport"}}"#,
        ] {
            let right = field.contains("saddr") ? #""10.0.0.9""# : "22"
            #expect(try L.outcomes(L.json(L.match(field, "==", right)), Self.packet(22)) == Self.either)
        }
        let state = L.match(#"{"ct":{"key":"state","dir":"original"}}"#, "in", #""new""#)
        #expect(try L.outcomes(L.json(state), Self.packet(22)) == Self.either)
    }

    @Test("elements that end by themselves, or that hold for some packets, are not counted on")
    func elements() throws {
        let match = L.match(L.source, "==", #""@s""#)
        func set(_ elements: String, _ more: String = "") -> String {
            #"{"set":{"family":"inet","name":"s","table":"t","type":"ipv4_addr",\#(more)"elem":[\#(elements)]}}"#
        }
        let plain = #"{"elem":{"val":"10.0.0.9","comment":"a","counter":{"packets":0,"bytes":0}}}"#
        let ending = #"{"elem":{"val":"10.0.0.9","timeout":60,"expires":5}}"#
        let limited = #"{"elem":{"val":"10.0.0.9","limit":{"rate":1,"per":"day","burst":1}}}"#
        #expect(try L.outcomes(L.json(match, extra: set(plain)), Self.packet(22)) == .accept)
        #expect(try L.outcomes(L.json(match, extra: set(ending)), Self.packet(22)) == Self.either)
        #expect(try L.outcomes(L.json(match, extra: set(limited)), Self.packet(22)) == Self.either)
        #expect(try L.outcomes(L.json(match, extra: set(plain, #""timeout":60,"#)), Self.packet(22)) == Self.either)
    }

    @Test("who is not in a set whose elements end by themselves stays out of it, unless rules add to it")
    func endingElements() throws {
        let adding = #"{"set":{"op":"add","elem":\#(L.source),"set":"@s"}}"#
        let rule = #",{"rule":{"family":"inet","table":"t","chain":"web","handle":9,"expr":[\#(adding)]}}"#
        for (element, more) in [
            (#"{"elem":{"val":"10.0.0.8","timeout":60,"expires":5}}"#, ""), (#""10.0.0.8""#, #""timeout":60,"#),
            (#"{"elem":{"val":{"range":["10.0.0.1","10.0.0.8"]},"timeout":60,"expires":5}}"#, #""timeout":9,"#),
        ] {
            let set =
                #"{"set":{"family":"inet","name":"s","table":"t","type":"ipv4_addr",\#(more)"elem":[\#(element)]}}"#
            let match = L.match(L.source, "==", #""@s""#)
            #expect(try L.outcomes(L.json(match, extra: set), Self.packet(22)) == .drop, "\(element)")
            #expect(try L.outcomes(L.json(match, extra: set + rule), Self.packet(22)) == Self.either, "\(element)")
            let banned = Self.foreign(match + #",{"drop":null}"#).replacing(#""table":"x""#, with: #""table":"t""#)
            #expect(try L.outcomes(L.json(Self.ssh, extra: set + "," + banned), Self.packet(22)) == .accept)
            var inside = Self.packet(22)
            inside.source = .v4(0x0A00_0008)
            #expect(try L.outcomes(L.json(Self.ssh, extra: set + "," + banned), inside) == Self.either)
            let others = L.match(L.source, "!=", #""@s""#)
            #expect(try L.outcomes(L.json(others, extra: set), Self.packet(22)) == Self.either, "\(element)")
        }
    }

    @Test("an element for all others is not one that begins alike")
    func catchall() throws {
        let entries = #"[["*",{"drop":null}],["eth0",{"accept":null}]]"#
        let map = #"{"vmap":{"key":{"meta":{"key":"iifname"}},"data":{"set":\#(entries)}}}"#
        let outcomes = try L.outcomes(L.json("", verdict: map), Self.packet(22))
        #expect(outcomes.contains(.accept))
    }

    @Test("how much is too much for others is not known")
    func limits() throws {
        let rule = Self.ssh + #",{"limit":{"rate":1,"burst":5,"per":"minute","inv":true}},{"drop":null}"#
        #expect(try L.outcomes(L.json(Self.ssh, extra: Self.foreign(rule)), Self.packet(22)) == Self.either)
    }

    @Test("packets of a bridge's ports, and of what is above a device, may pass its chains")
    func below() throws {
        for (family, place) in [
            ("bridge", #""type":"filter","hook":"input","prio":0,"policy":"drop""#),
            ("netdev", #""type":"filter","hook":"ingress","prio":0,"policy":"drop""#),
            ("netdev", #""type":"filter","hook":"ingress","dev":"eth7","prio":0,"policy":"drop""#),
        ] {
            let chain = #"{"chain":{"family":"\#(family)","table":"x","name":"c",\#(place)}}"#
            #expect(try L.outcomes(L.json(Self.ssh, extra: chain), Self.packet(22)) == Self.either, "\(place)")
        }
        let certain = #""type":"filter","hook":"ingress","dev":"eth0","prio":0,"policy":"drop""#
        let chain = #"{"chain":{"family":"netdev","table":"x","name":"c",\#(certain)}}"#
        #expect(try L.outcomes(L.json(Self.ssh, extra: chain), Self.packet(22)) == .drop)
        // The device below has another name, or none that is known.
        let named = L.match(#"{"meta":{"key":"iifname"}}"#, "==", #""eth0""#) + #",{"drop":null}"#
        let ingress = #""type":"filter","hook":"ingress","prio":0,"policy":"accept""#
        let listing = L.json(Self.ssh, extra: Self.foreign(named, ingress, family: "netdev"))
        #expect(try L.outcomes(listing, Self.packet(22)) == Self.either)
    }

    @Test("what a device carries may be inside another packet, of which rules see the outside alone")
    func wrapped() throws {
        let place = #""type":"filter","hook":"ingress","dev":"eth7","prio":0,"policy":"drop""#
        for condition in [
            L.match(L.source, "==", #""10.0.0.9""#), L.match(#"{"meta":{"key":"protocol"}}"#, "==", #""ip""#),
            L.match(#"{"meta":{"key":"l4proto"}}"#, "==", #""tcp""#), L.match(L.port, "!=", "80"),
            L.match(#"{"fib":{"result":"oif","flags":["saddr","iif"]}}"#, "==", "true"),
        ] {
            let chain = Self.foreign(condition + #",{"accept":null}"#, place, family: "netdev")
            #expect(try L.outcomes(L.json(Self.ssh, extra: chain), Self.packet(22)) == Self.either, "\(condition)")
        }
    }

    private static let early = #""type":"filter","hook":"prerouting","prio":-300,"policy":"accept""#

    @Test(
        "where a rule sets a zone, nobody knows the state of any packet",
        arguments: [
            #"{"mangle":{"key":{"ct":{"key":"zone"}},"value":5}}"#,
            #"{"mangle":{"key":{"ct":{"key":"zone","dir":"reply"}},"value":5}}"#,
            #"{"mangle":{"key":{"ct":{"key":"zone"}},"value":{"map":{"key":\#(L.port),"data":{"set":[[1,5]]}}}}}"#,
            #"{"xt":{"type":"target","name":"CT"}}"#, #"{"xt":null}"#,
        ]
    )
    func zones(statement: String) throws {
        let never = L.match(L.port, "==", "9") + "," + statement
        let zone = Self.foreign(never, Self.early)
        for state in ConnectionState.allCases {
            let listing = L.json(L.match(L.state, "in", #""new""#), extra: zone)
            #expect(try L.outcomes(listing, Self.packet(22, state)) == Self.either)
            let map = #"{"vmap":{"key":\#(L.state),"data":{"set":[["established",{"accept":null}]]}}}"#
            #expect(try L.outcomes(L.json("", verdict: map, extra: zone), Self.packet(22, state)) == Self.either)
            #expect(try L.outcomes(L.json(Self.ssh, extra: zone), Self.packet(22, state)) == .accept)
            #expect(try L.outcomes(L.json(Self.ssh, extra: zone), Self.packet(80, state)) == .drop)
            // An answer may begin a connection of its own.
            let nat = #""type":"nat","hook":"prerouting","prio":-100,"policy":"drop""#
            let chain = zone + #",{"chain":{"family":"inet","table":"y","name":"c",\#(nat)}}"#
            #expect(try L.outcomes(L.json(Self.ssh, extra: chain), Self.packet(22, state)) == Self.either)
        }
        let held = try HeldRuleset(json: Array(L.json(Self.ssh, extra: zone).utf8))
        #expect(held.zoning?.contains("inet x c") == true)
        #expect((held.expecting != nil) == statement.contains("xt"), "iptables' CT sets helpers, too")
        #expect(HostProof(HostIntent(host: "h"), against: HeldRuleset()).doubt == nil)
        #expect(HostProof(HostIntent(host: "h"), against: held).doubt != nil)
        let other = L.json(Self.ssh, extra: Self.foreign(#"{"mangle":{"key":{"ct":{"key":"mark"}},"value":5}}"#))
        #expect(try HeldRuleset(json: Array(other.utf8)).zoning == nil)
    }

    @Test("a chain of translation is asked about expected connections, too, and not after another has changed a packet")
    func translations() throws {
        let nat = #""type":"nat","hook":"prerouting","prio":-100,"policy":"drop""#
        let chain = #"{"chain":{"family":"inet","table":"x","name":"c",\#(nat)}}"#
        #expect(try L.outcomes(L.json(Self.ssh, extra: chain), Self.packet(22)) == .drop)
        #expect(try L.outcomes(L.json(Self.ssh, extra: chain), Self.packet(22, .related)) == Self.either)
        #expect(try L.outcomes(L.json(Self.ssh, extra: chain), Self.packet(22, .established)) == .accept)
        let other = nat.replacing("-100", with: "-101").replacing("drop", with: "accept")
        let two = chain + #",{"chain":{"family":"inet","table":"y","name":"c",\#(other)}}"#
        #expect(try L.outcomes(L.json(Self.ssh, extra: two), Self.packet(22)) == Self.either)
    }

    @Test("a table whose flags are not legible may be dormant")
    func asleep() throws {
        let place = #""type":"filter","hook":"input","prio":0,"policy":"drop""#
        let chain = #"{"chain":{"family":"inet","table":"x","name":"c",\#(place)}}"#
        for (flags, expected) in [
            (#""Lester Gooch #5""#, Self.either), (#""dormant""#, .accept), (#"["owner","persist"]"#, .drop),
            (#"["owner","else"]"#, Self.either), (#"["dormant","else"]"#, .accept),
        ] {
            let table = #"{"table":{"family":"inet","name":"x","handle":2,"flags":\#(flags)}},"#
            #expect(try L.outcomes(L.json(Self.ssh, extra: table + chain), Self.packet(22)) == expected, "\(flags)")
        }
    }

    @Test("an address of one family says nothing of packets of the other")
    func otherFamily() throws {
        let nat = #""type":"nat","hook":"prerouting","prio":-100,"policy":"accept""#
        let rules =
            Self.foreign(#"{"dnat":{"family":"ip6","addr":"fd00::1"}}"#, nat)
            + #",{"rule":{"family":"inet","table":"x","chain":"c","handle":9,"expr":[{"drop":null}]}}"#
        #expect(try L.outcomes(L.json(Self.ssh, extra: rules), Self.packet(22)) == .drop)
    }

    @Test(
        "what has no place makes everything unknown",
        arguments: [
            #"{"chain":{"family":"inet","table":"x","name":"c","type":"filter","hook":"novelty","prio":0}}"#,
            #"{"chain":{"family":"novelty","table":"x","name":"c","type":"filter","hook":"input","prio":0}}"#,
            #"{"chain":{"family":"inet","table":"x","name":"c","type":"novelty","hook":"input","prio":0}}"#,
            #"{"chain":{"family":"inet","table":"x","name":"c","type":"filter","hook":"input","prio":"mangle"}}"#,
            #"{"chain":{"family":"inet","table":"x","name":"c","type":"filter","hook":"input","prio":0,"policy":"x"}}"#,
            #"{"rule":{"family":"inet","table":"x","chain":"nowhere","handle":9,"expr":[{"drop":null}]}}"#, "7",
        ]
    )
    func misplaced(object: String) throws {
        let listing = L.json(Self.ssh, extra: object)
        for port in [UInt16(22), 80] { #expect(try L.outcomes(listing, Self.packet(port)) == Self.either) }
        #expect(try HeldRuleset(json: Array(listing.utf8)).misplaced.count == 1)
    }
}
