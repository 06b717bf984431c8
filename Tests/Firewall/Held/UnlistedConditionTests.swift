import Firewall
import Site
import Testing

/// Rules that read as if they said one thing and do another in the kernel: the answer is what the kernel does, or that it is
/// not known. The lists are nft 1.0.6's.
@Suite("Rules that are not what they seem")
struct UnlistedConditionTests {
    private typealias L = Listing

    private static let either: Outcomes = [.accept, .drop]
    private static let drop = #"{"drop":null}"#

    private static func packet(
        _ source: IPAddress = .v4(0x0A00_0009),
        _ number: ProtocolNumber = .tcp,
        port: UInt16 = 22
    ) -> Packet {
        let other: IPAddress = source.width == 32 ? .v4(0x0A00_0001) : .v6(0x2001_0DB8 << 96 | 1)
        var packet = Packet(.input(by: "eth0"), from: source, to: other, number, detail: port)
        packet.sourcePort = 40000
        return packet
    }

    private static let six = IPAddress.v6(0x2001_0DB8 << 96 | 9)

    /// A chain in which a rule stands in front of one that accepts everything.
    private static func before(_ rule: String, _ more: String = "") -> String {
        let extra = #"{"rule":{"family":"inet","table":"t","chain":"in","handle":9,"expr":[\#(rule)]}}"#
        return L.json("", extra: more.isEmpty ? extra : more + "," + extra)
    }

    /// A table of others with one rule in front of the same.
    private static func foreign(_ rule: String, family: String = "inet", hook: String = "input", _ priority: Int = -5)
        -> String
    {
        let names = #""family":"\#(family)","table":"x""#
        return L.json(
            "",
            extra: #"{"chain":{\#(names),"name":"c","type":"filter","hook":"\#(hook)","prio":\#(priority)}},"#
                + #"{"rule":{\#(names),"chain":"c","handle":9,"expr":[\#(rule)]}}"#
        )
    }

    @Test("`continue` goes on with the rule's next statement")
    func goingOn() throws {
        let port = L.match(L.port, "==", "22")
        let written = L.json(port + #",{"continue":null}"#)
        let mapped = L.json(#"{"vmap":{"key":\#(L.port),"data":{"set":[[22,{"continue":null}]]}}}"#)
        for listing in [written, mapped] {
            #expect(try L.outcomes(listing, Self.packet()) == .accept)
            #expect(try L.outcomes(listing, Self.packet(port: 80)) == .drop)
        }
        let dropping = Self.before(#"\#(port),{"continue":null},{"counter":null},\#(Self.drop)"#)
        #expect(try L.outcomes(dropping, Self.packet()) == .drop)
        #expect(try L.outcomes(dropping, Self.packet(port: 80)) == .accept)
        let entries = #"[[22,{"continue":null}],[80,{"accept":null}]]"#
        let both = Self.before(#"{"vmap":{"key":\#(L.port),"data":{"set":\#(entries)}}},\#(Self.drop)"#)
        #expect(try L.outcomes(both, Self.packet()) == .drop)
        #expect(try L.outcomes(both, Self.packet(port: 80)) == .accept)
        #expect(try L.outcomes(both, Self.packet(port: 81)) == .accept)
    }

    @Test(
        "a value that is looked up may be missing, and then the rule ends",
        arguments: [
            (#"{"meta":{"key":"mark"}}"#, "5", Outcomes.drop), (#"{"ct":{"key":"mark"}}"#, "5", .drop),
            (#"{"meta":{"key":"mark"}}"#, #"{"|":[{"&":[{"meta":{"key":"mark"}},255]},16]}"#, .drop),
            (
                #"{"meta":{"key":"mark"}}"#, #"{"map":{"key":\#(L.source),"data":{"set":[["192.0.2.1",1]]}}}"#,
                either
            ),
            (#"{"ct":{"key":"mark"}}"#, #"{"map":{"key":\#(L.source),"data":"@m"}}"#, either),
            (#"{"meta":{"key":"mark"}}"#, #"{"ct":{"key":"mark"}}"#, either),
            (#"{"meta":{"key":"pkttype"}}"#, #""host""#, either),
        ]
    )
    func values(key: String, value: String, expected: Outcomes) throws {
        let listing = Self.before(#"{"mangle":{"key":\#(key),"value":\#(value)}},\#(Self.drop)"#)
        #expect(try L.outcomes(listing, Self.packet()) == expected)
    }

    @Test("a change of addresses that is looked up may be missing, too")
    func lookedUp() throws {
        let target = #"{"map":{"key":\#(L.source),"data":{"set":[["192.0.2.1","192.0.2.2"]]}}}"#
        for change in [#"{"dnat":{"family":"ip","addr":\#(target)}}"#, #"{"redirect":{"port":\#(target)}}"#] {
            let names = #""family":"inet","table":"x""#
            let place = #""type":"nat","hook":"prerouting","prio":-100"#
            let extra =
                #"{"chain":{\#(names),"name":"c",\#(place)}},"#
                + #"{"rule":{\#(names),"chain":"c","handle":9,"expr":[\#(change)]}},"#
                + #"{"rule":{\#(names),"chain":"c","handle":10,"expr":[\#(Self.drop)]}}"#
            #expect(try L.outcomes(L.json("", extra: extra), Self.packet()) == Self.either)
        }
    }

    @Test(
        "a refusal with a message of one family, or with a reset, is for those alone",
        arguments: [
            (#"{"type":"icmp","expr":"port-unreachable"}"#, [Outcomes.drop, .drop, .accept, .accept]),
            (#"{"type":"icmpv6","expr":"no-route"}"#, [.accept, .accept, .drop, .drop]),
            (#"{"type":"icmpx","expr":"admin-prohibited"}"#, [.drop, .drop, .drop, .drop]),
            (#"{"type":"tcp reset"}"#, [.drop, .accept, .drop, .accept]),
            ("null", [.drop, .drop, .drop, .drop]),
            (#"{"type":"novelty"}"#, [either, either, either, either]),
        ]
    )
    func refusals(kind: String, expected: [Outcomes]) throws {
        let listing = Self.before(#"{"reject":\#(kind)}"#)
        let packets = [
            Self.packet(), Self.packet(.v4(0x0A00_0009), .udp), Self.packet(Self.six), Self.packet(Self.six, .udp),
        ]
        #expect(try packets.map { try L.outcomes(listing, $0) } == expected)
    }

    @Test("a changed header is there in packets of its family and protocol alone")
    func headers() throws {
        for (word, expected) in [("ip", [Outcomes.drop, .accept]), ("ip6", [.accept, .drop])] {
            let key = #"{"payload":{"protocol":"\#(word)","field":"dscp"}}"#
            let listing = Self.before(#"{"mangle":{"key":\#(key),"value":"cs0"}},\#(Self.drop)"#)
            #expect(try L.outcomes(listing, Self.packet()) == expected[0])
            #expect(try L.outcomes(listing, Self.packet(Self.six)) == expected[1])
        }
        let size = #"{"tcp option":{"name":"maxseg","field":"size"}}"#
        for value in ["1000", "400"] {
            let listing = Self.before(#"{"mangle":{"key":\#(size),"value":\#(value)}},\#(Self.drop)"#)
            #expect(try L.outcomes(listing, Self.packet(.v4(0x0A00_0009), .udp)) == .accept)
            #expect(try L.outcomes(listing, Self.packet()) == Self.either)
        }
    }

    @Test("by which header a rule asks for an option of TCP is not listed")
    func options() throws {
        let flags = L.match(#"{"&":[\#(L.flags),["fin","syn","rst","ack"]]}"#, "==", #""syn""#)
        let size = L.match(#"{"tcp option":{"name":"maxseg","field":"size"}}"#, "<", "536")
        var packet = Self.packet()
        packet.oddities = .smallSegments
        #expect(try L.outcomes(Self.before("\(flags),\(size),\(Self.drop)"), packet) == Self.either)
    }

    @Test("intervals of a concatenation may overlap: which is found is not known")
    func overlapping() throws {
        let both = #"{"concat":[\#(L.source),\#(L.port)]}"#
        let map = """
            {"map":{"family":"inet","name":"m","table":"t","type":["ipv4_addr","inet_service"],"map":"verdict",
            "flags":["interval"],"elem":[[{"concat":["192.0.2.1",1]},{"drop":null}],
            [{"concat":["8.8.8.8",3306]},{"accept":null}],
            [{"concat":[{"prefix":{"addr":"8.8.8.0","len":24}},{"range":[3000,4000]}]},{"drop":null}]]}}
            """
        let listing = Self.before(#"{"vmap":{"key":\#(both),"data":"@m"}}"#, map)
        for (source, port, expected) in [
            (UInt32(0x0808_0808), UInt16(3306), Self.either), (0x0808_0808, 3305, .drop), (0x0808_0809, 3306, .drop),
            (0xC000_0201, 1, .drop), (0xC000_0201, 2, .accept),
        ] {
            #expect(try L.outcomes(listing, Self.packet(.v4(source), port: port)) == expected, "\(source) \(port)")
        }
    }

    @Test("a set may be full, and then the rule ends")
    func full() throws {
        let rule = #"{"set":{"op":"add","elem":\#(L.source),"set":"@full"}},\#(Self.drop)"#
        let listing = Self.before(rule)
        #expect(try L.outcomes(listing, Self.packet()) == Self.either)
        #expect(try L.outcomes(listing, Self.packet(Self.six)) == .accept)
    }

    @Test("a table of IPv6 does not list by which header a rule asks for the protocol")
    func nextHeaders() throws {
        for rule in [
            L.match(L.port, "==", "22") + "," + Self.drop,
            L.match(L.flags, "==", #""syn""#) + "," + Self.drop,
            #"{"vmap":{"key":\#(L.port),"data":{"set":[[22,{"drop":null}]]}}}"#,
            #"{"reject":{"type":"tcp reset"}}"#,
        ] {
            let listing = Self.foreign(rule, family: "ip6")
            var packet = Self.packet(Self.six)
            packet.tcpFlags = 0x02
            #expect(try L.outcomes(listing, packet) == Self.either, "\(rule)")
            #expect(try L.outcomes(listing, Self.packet(Self.six, .udp)) == .accept, "\(rule)")
            #expect(try L.outcomes(listing, Self.packet()) == .accept, "\(rule)")
            #expect(try L.outcomes(Self.foreign(rule), packet) == .drop, "\(rule)")
        }
    }

    @Test("an interface that is named like a set is listed like one")
    func quoted() throws {
        let name = #"{"meta":{"key":"iifname"}}"#
        let set = #"{"set":{"family":"inet","name":"inside","table":"t","type":"ifname","elem":["eth0"]}}"#
        for operation in ["==", "!="] {
            let listing = Self.before(L.match(name, operation, #""@inside""#) + "," + Self.drop, set)
            #expect(try L.outcomes(listing, Self.packet()) == Self.either)
        }
        let braces = L.match(name, "==", #"{"set":["eth1","@inside"]}"#) + "," + Self.drop
        #expect(try L.outcomes(Self.before(braces, set), Self.packet()) == .accept)
    }

    @Test(
        "an interface by index is the one that bears it; a number may be none, and their order nobody knows",
        arguments: [
            ("oif", "==", #""0""#, either), ("oif", "!=", #""0""#, either), ("oif", "==", "0", either),
            ("oif", "==", #""77""#, either), ("oif", "==", #"{"range":["0","5"]}"#, either),
            ("oif", "==", #"{"range":["eth0","lo"]}"#, either), ("oif", "<", #""lo""#, either),
            ("oif", "==", #"{"set":["lo","0"]}"#, either), ("oif", "==", #""@s""#, either),
            ("oifname", "<", #""eth1""#, either), ("oifname", "==", #"{"range":["a","z"]}"#, either),
            ("iif", "==", #""eth0""#, .drop), ("iif", "!=", #""eth0""#, .accept), ("iif", "==", #""eth*""#, .accept),
            ("oif", "==", #""lo""#, .accept), ("oif", "!=", #""lo""#, .drop), ("iifname", "==", #""0""#, .accept),
        ]
    )
    func indices(key: String, operation: String, right: String, expected: Outcomes) throws {
        let field = #"{"meta":{"key":"\#(key)"}}"#
        let rule = L.match(field, operation, right) + "," + Self.drop
        #expect(try L.outcomes(Self.before(rule), Self.packet()) == expected)
        guard operation == "==", right == #""0""#, key == "oif" else { return }
        let map = #"{"vmap":{"key":\#(field),"data":{"set":[["lo",{"accept":null}],["0",{"drop":null}]]}}}"#
        #expect(try L.outcomes(Self.before(map), Self.packet()) == Self.either)
        let both = #"{"concat":[\#(field),\#(L.port)]}"#
        let pair = L.match(both, "==", #"{"set":[{"concat":["0",22]}]}"#) + "," + Self.drop
        #expect(try L.outcomes(Self.before(pair), Self.packet()) == Self.either)
    }

    @Test("states have another order in the kernel than here")
    func stateRanges() throws {
        let rule = L.match(L.state, "==", #"{"range":["new","related"]}"#) + "," + Self.drop
        #expect(try L.outcomes(Self.before(rule), Self.packet()) == Self.either)
    }

    @Test("a range may be two comparisons of different fields, and ports may be those of a protocol without")
    func joined() throws {
        let anyPort = #"{"payload":{"protocol":"th","field":"dport"}}"#
        let service = #"{"concat":[{"meta":{"key":"l4proto"}},\#(anyPort)]}"#
        let (range, nothing) = (#"{"range":[20,30]}"#, #"{"range":[22,22]}"#)
        for (condition, known) in [
            (L.match(L.port, "==", range), Outcomes.drop), (L.match(L.port, "!=", range), .accept),
            (L.match(L.source, "==", #"{"range":["10.0.0.1","10.0.0.10"]}"#), .drop),
            (L.match(L.port, "==", #"{"set":[\#(range)]}"#), .drop),
            (L.match(anyPort, "==", #"{"set":[22,23]}"#), .drop),
            (L.match(service, "==", #"{"set":[{"concat":["tcp",22]}]}"#), .drop),
            (L.match(L.port, "==", nothing), Self.either),
        ] {
            let isTwo = condition.contains(#""right":{"range"#) || condition.contains(#""th""#)
            let listing = Self.before(condition + "," + Self.drop)
            #expect(try L.outcomes(listing, Self.packet()) == (isTwo ? Self.either : known), "\(condition)")
            #expect(try L.outcomes(listing, Self.packet(), isInventoried: true) == known, "\(condition)")
            let marked = Self.before(#"{"unlisted":"`ct l3proto`"},\#(condition),\#(Self.drop)"#)
            let outcomes = try L.outcomes(marked, Self.packet(), isInventoried: true)
            #expect(outcomes == (known == .accept && !isTwo ? .accept : Self.either), "\(condition)")
        }
    }

    @Test("a prefix with bits behind its length is no network", arguments: ["==", "!="])
    func prefixes(operation: String) throws {
        for (prefix, isNetwork) in [("10.0.0.0", true), ("10.0.0.1", false)] {
            let condition = L.match(L.source, operation, #"{"prefix":{"addr":"\#(prefix)","len":16}}"#)
            let outcomes = try L.outcomes(Self.before(condition + "," + Self.drop), Self.packet())
            #expect(outcomes == (isNetwork ? (operation == "==" ? .drop : .accept) : Self.either), "\(condition)")
        }
        let ports = L.match(L.port, operation, #"{"prefix":{"addr":21,"len":14}}"#)
        #expect(try L.outcomes(Self.before(ports + "," + Self.drop), Self.packet()) == Self.either)
    }

    @Test("a router takes one off the hop limit between its hooks")
    func routed() throws {
        let hops = #"{"payload":{"protocol":"ip6","field":"hoplimit"}}"#
        var packet = Self.packet(Self.six)
        packet.route = .forward(by: "eth0", to: "eth1")
        for (hook, operation, expected) in [
            ("prerouting", "!=", Outcomes.accept), ("prerouting", "==", .drop), ("forward", "!=", .drop),
            ("forward", "==", .accept), ("postrouting", "!=", .drop),
        ] {
            let listing = Self.foreign(L.match(hops, operation, "255") + "," + Self.drop, hook: hook)
            #expect(try L.outcomes(listing, packet) == expected, "\(hook) \(operation)")
        }
    }

    @Test("old kernels find no way back for what the host sends to itself")
    func looped() throws {
        let rule = L.match(#"{"fib":{"result":"oif","flags":["saddr","iif"]}}"#, "==", "false") + "," + Self.drop
        var packet = Self.packet()
        #expect(try L.outcomes(Self.foreign(rule), packet) == .accept)
        packet.route = .input(by: "lo")
        #expect(try L.outcomes(Self.foreign(rule), packet) == Self.either)
        #expect(try L.outcomes(Self.foreign(rule, hook: "prerouting", -300), packet) == .accept)
    }

    @Test("what comes before fragments are put together may not see what stands behind the header of IP")
    func fragments() throws {
        for operation in ["==", "!="] {
            let rule = L.match(L.port, operation, operation == "==" ? "22" : "80") + "," + Self.drop
            for (priority, expected) in [(-450, Self.either), (-400, Self.either), (-399, .drop)] {
                let listing = Self.foreign(rule, hook: "prerouting", priority)
                #expect(try L.outcomes(listing, Self.packet()) == expected, "\(operation) at \(priority)")
                #expect(try L.outcomes(listing, Self.packet(.v4(0x0A00_0009), .udp)) == .accept)
            }
        }
        let source = L.match(L.source, "==", #""10.0.0.9""#) + "," + Self.drop
        #expect(try L.outcomes(Self.foreign(source, hook: "prerouting", -450), Self.packet()) == .drop)
    }
}
