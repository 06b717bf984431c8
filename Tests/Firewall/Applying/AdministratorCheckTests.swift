import Firewall
import Site
import Testing

@Suite("Administrator check")
struct AdministratorCheckTests {
    private let own: [IPAddress] = [.v4(0x0A0A_0015)]

    /// Loopback, and SSH from 203.0.113.0/24.
    private func host() -> HostIntent {
        var loopback = PacketMatch()
        loopback.inputInterfaces = .among(["lo"])
        loopback.outputInterfaces = .among(["lo"])
        var office = PacketMatch()
        office.sources = AddressSet([IPNetwork(containing: .v4(0xCB00_7100), prefixLength: 24)])
        office.traffic = TrafficSet(.tcp, details: 22...22)
        var host = HostIntent(host: "app-01")
        host.input = [
            IntentRule(id: "loopback", .baseline("loopback"), .accept, matches: [loopback]),
            IntentRule(id: "office-ssh", .written, .accept, matches: [office]),
        ]
        host.output = [IntentRule(id: "loopback", .baseline("loopback"), .accept, matches: [loopback])]
        return host
    }

    /// As a kernel lists it: loopback, and SSH from 203.0.113.0/24 as `conditions` say; answers get out.
    private func held(_ conditions: String = "", answers: String = "accept", other: String = "") throws -> HeldRuleset {
        func chain(_ hook: String) -> String {
            """
            {"chain":{"family":"inet","table":"gatehouse","name":"\(hook)","handle":1,"type":"filter","hook":"\(hook)",
            "prio":0,"policy":"drop"}}
            """
        }
        func rule(_ chain: String, _ comment: String, _ expressions: String) -> String {
            """
            {"rule":{"family":"inet","table":"gatehouse","chain":"\(chain)","handle":1,"comment":"\(comment)",
            "expr":[\(expressions)]}}
            """
        }
        func match(_ left: String, _ right: String, _ operation: String = "==") -> String {
            #"{"match":{"op":"\#(operation)","left":\#(left),"right":\#(right)}}"#
        }
        let ssh =
            match(
                #"{"payload":{"protocol":"ip","field":"saddr"}}"#,
                #"{"prefix":{"addr":"203.0.113.0","len":24}}"#
            ) + "," + match(#"{"payload":{"protocol":"tcp","field":"dport"}}"#, "22")
        let entries = [
            #"{"table":{"family":"inet","name":"gatehouse","handle":1}}"#, chain("input"), chain("output"),
            rule("input", "loopback", match(#"{"meta":{"key":"iifname"}}"#, #""lo""#) + #",{"accept":null}"#),
            rule("input", "office-ssh line 4", ssh + conditions + #",{"accept":null}"#),
            rule(
                "output",
                "established",
                match(#"{"ct":{"key":"state"}}"#, #""established""#, "in") + #",{"\#(answers)":null}"#
            ),
        ]
        return try HeldRuleset(json: Array(#"{"nftables":[\#(entries.joined(separator: ",") + other)]}"#.utf8))
    }

    private func verdict(
        _ source: String,
        _ held: HeldRuleset,
        by interfaces: [String] = ["eth0"]
    ) throws -> AdministratorCheck.Verdict {
        let access = try #require(AdministratorCheck.Access(source, port: 22))
        let entrance = AdministratorCheck.Entrance(own[0], by: interfaces)
        return AdministratorCheck.finding(access, held, at: [entrance], now: 900, until: 1_000).verdict
    }

    @Test(
        "a verdict behind `continue` is one",
        arguments: [
            #"{"continue":null}"#, #"{"vmap":{"key":\#(Listing.port),"data":{"set":[[22,{"continue":null}]]}}}"#,
        ]
    )
    func continued(statement: String) throws {
        let names = #""family":"inet","table":"x""#
        let foreign =
            #",{"chain":{\#(names),"name":"c","type":"filter","hook":"input","prio":-5,"policy":"accept"}}"#
            + #",{"rule":{\#(names),"chain":"c","handle":9,"expr":[\#(statement),{"drop":null}]}}"#
        guard case .refused = try verdict("203.0.113.7", held(other: foreign)) else {
            Issue.record("a drop that is not seen")
            return
        }
    }

    @Test("a rule of a table of our name and another family is somebody else's")
    func sameName() throws {
        let names = #""family":"ip","table":"gatehouse""#
        let foreign =
            #",{"chain":{\#(names),"name":"in","type":"filter","hook":"input","prio":5,"policy":"accept"}}"#
            + #",{"rule":{\#(names),"chain":"in","handle":9,"comment":"other","expr":[{"accept":null}]}}"#
        #expect(try verdict("203.0.113.7", held(other: foreign)) == .admitted(rule: "office-ssh"))
    }

    @Test("who is let in is told the rule, who is not is refused, and what is not understood is not taken for a yes")
    func verdicts() throws {
        let office = "203.0.113.7"
        #expect(try verdict(office, held()) == .admitted(rule: "office-ssh"))
        let policy = "inet gatehouse input: the chain's policy drops"
        // The rule for loopback must not let everybody in.
        #expect(try verdict("198.18.0.1", held()).refusal == policy)
        let inside = #",{"match":{"op":"==","left":{"meta":{"key":"iifname"}},"right":"eth1"}}"#
        #expect(try verdict(office, held(inside)).refusal == policy)
        #expect(try verdict(office, held(inside), by: ["eth1"]) == .admitted(rule: "office-ssh"))
        #expect(try verdict(office, held(inside), by: ["eth1", "eth0"]).refusal == policy, "either may be it")
        let ending = #",{"match":{"op":"<","left":{"meta":{"key":"time"}},"right":"1970-01-01 00:15:50"}}"#
        #expect(try verdict(office, held(ending)).refusal == policy)
        let mark = #",{"match":{"op":"==","left":{"meta":{"key":"mark"}},"right":7}}"#
        guard case .unknown = try verdict(office, held(mark)) else {
            Issue.record("\(try verdict(office, held(mark)))")
            return
        }
        guard case .refused(let by) = try verdict(office, held(answers: "drop")) else {
            Issue.record("\(try verdict(office, held(answers: "drop")))")
            return
        }
        #expect("\(by)".contains("its answer is stopped"), "\(by)")
    }

    @Test("a connection comes in by the interface that its answers leave by, whichever bears the address")
    func entrances() throws {
        /// The default route leads over both uplinks, what is spoken from 198.51.100.2 over the second alone.
        func way(to address: IPAddress, from source: IPAddress?, by interface: String?) -> AdministratorCheck.Way? {
            switch "\(address)" {
            case "10.0.0.9": (["eth0"], .v4(0x0A0A_0015))
            case "203.0.113.7": source == .v4(0xC633_6402) ? (["up1"], nil) : (["up0", "up1"], .v4(0xC633_6401))
            case "fe80::7": interface.map { ([$0], IPAddress("fe80::1")) }
            default: nil
            }
        }
        func entrances(_ access: AdministratorCheck.Access?) throws -> [String] {
            let own = [
                ("lo", "127.0.0.1"), ("lo", "192.0.2.1"), ("eth0", "10.10.0.21"), ("eth0", "10.10.0.22"),
                ("up0", "fe80::1"), ("up0", "198.51.100.1"), ("up1", "198.51.100.2"), ("up1", "169.254.7.7"),
                ("up1", "fe80::1"),
            ].map { (interface: $0.0, address: IPAddress($0.1)!) }
            return try AdministratorCheck.entrances(#require(access), own: own, routing: way).map(\.description)
        }
        #expect(try entrances(.init("10.0.0.9", port: 22)) == ["at 10.10.0.21, by eth0", "at 10.10.0.22, by eth0"])
        let ssh = "203.0.113.7 5000"
        #expect(try entrances(.init(sshConnection: "\(ssh) 192.0.2.1 22")) == ["at 192.0.2.1, by up0 or up1"])
        #expect(try entrances(.init(sshConnection: "\(ssh) 10.10.0.21 22")) == ["at 10.10.0.21, by up0 or up1"])
        // Where the address is not the machine's, somebody before it has changed it.
        let either = ["at 198.51.100.1, by up0 or up1", "at 198.51.100.2, by up1"]
        #expect(try entrances(.init(sshConnection: "\(ssh) 192.0.2.99 22")) == either)
        #expect(try entrances(.init("203.0.113.7", port: 22)) == either)
        func detour(_ destination: String, by interface: String) throws -> String? {
            let access = try #require(AdministratorCheck.Access(sshConnection: "\(ssh) \(destination) 22"))
            let entrance = AdministratorCheck.Entrance(try #require(IPAddress(destination)), by: [interface])
            let own = [("lo", "192.0.2.1"), ("eth0", "10.10.0.21")].map { (interface: $0.0, address: IPAddress($0.1)!) }
            return AdministratorCheck.detour(access, around: entrance, own: own)?.description
        }
        #expect(try detour("10.10.0.21", by: "up0") == "at 10.10.0.21, by eth0")
        #expect(try detour("10.10.0.21", by: "eth0") == nil)
        #expect(try detour("192.0.2.1", by: "up0") == nil, "nothing comes in by lo")
        #expect(try entrances(.init("fe80::7%up1", port: 22)) == ["at fe80::1, by up1"])
        #expect(try entrances(.init(sshConnection: "fe80::7%up0 1 fe80::1%up0 22")) == ["at fe80::1, by up0"])
        #expect(try entrances(.init("2001:db8::1", port: 22)).isEmpty)
        let access = try #require(AdministratorCheck.Access("2001:db8::1", port: 22))
        #expect(AdministratorCheck.finding(access, try held(), at: [], now: 0, until: 9).verdict == .unreachable)
    }

    /// A foreign table with one rule.
    private static func foreign(_ hook: String, _ priority: Int, _ rule: String, type: String = "filter") -> String {
        let names = #""family":"inet","table":"x""#
        let place = #""type":"\#(type)","hook":"\#(hook)","prio":\#(priority),"policy":"accept""#
        return #",{"chain":{\#(names),"name":"c",\#(place)}},"#
            + #"{"rule":{\#(names),"chain":"c","handle":9,"expr":[\#(rule)]}}"#
    }

    @Test(
        "a connection is more than its first packet and the answer to that",
        arguments: [
            (Listing.match(Listing.state, "in", #""established""#), "input"),
            (Listing.match(Listing.flags, "==", #""ack""#), "input"),
            (Listing.match(Listing.flags, "==", #"["psh","ack"]"#), "input"),
            (Listing.match(Listing.flags, "==", #"["psh","ack"]"#), "output"),
        ]
    )
    func following(condition: String, hook: String) throws {
        let office = "203.0.113.7"
        let other = Self.foreign(hook, 0, condition + #",{"drop":null}"#)
        guard case .refused(let by) = try verdict(office, held(other: other)) else {
            Issue.record("\(try verdict(office, held(other: other)))")
            return
        }
        #expect("\(by)".contains("is stopped") && "\(by)".contains("inet x c"), "\(by)")
    }

    @Test(
        "by IPv6 nobody comes in where neighbours are not found, but by a tunnel, where nobody asks for them",
        .enabled(if: ScratchKernelTests.isPossible)
    )
    func neighbours() throws {
        let text = """
            site: a.b
            hosts: { h: { interfaces: { eth0: { addresses: ["2001:db8:1::10/64", 198.51.100.10/24] } } } }
            services: { ssh: tcp/22 }
            firewall: { allow: [{ from: any, to: h, services: ssh }], defences: { spoofing: false } }
            """
        let kernel = ScratchKernel(try BuiltProgram.workers())
        func verdict(
            _ source: String,
            at own: String,
            _ text: String,
            silent: Set<String> = []
        ) throws -> AdministratorCheck.Verdict {
            let intent = try #require(Intent(of: try site(text)).host("h"))
            let held = try HeldRuleset(json: try kernel.hold(Compiler.compile(intent).text().text))
            let access = try #require(AdministratorCheck.Access(source, port: 22))
            let address = try #require(IPAddress(own))
            let entrance = AdministratorCheck.Entrance(address, by: ["eth0"], silent: silent)
            return AdministratorCheck.finding(access, held, at: [entrance], now: 0, until: 9).verdict
        }
        let six = (source: "2001:db8:100::7", own: "2001:db8:1::10")
        #expect(try verdict(six.source, at: six.own, text) == .admitted(rule: "any_h_ssh"))
        let deaf = text.replacing("spoofing: false }", with: "spoofing: false }, baseline: { neighbours: false }")
        guard case .refused(let by) = try verdict(six.source, at: six.own, deaf) else {
            Issue.record("\(try verdict(six.source, at: six.own, deaf))")
            return
        }
        #expect("\(by)".hasPrefix("`neighbours` of the baseline"), "\(by)")
        #expect(try verdict(six.source, at: six.own, deaf, silent: ["eth0"]) == .admitted(rule: "any_h_ssh"))
        #expect(try verdict("203.0.113.7", at: "198.51.100.10", deaf) == .admitted(rule: "any_h_ssh"))
    }

    @Test("a zone of connection tracking, and another source, leave it open who comes in")
    func tracking() throws {
        let office = "203.0.113.7"
        for other in [
            Self.foreign("prerouting", -300, #"{"mangle":{"key":{"ct":{"key":"zone"}},"value":5}}"#),
            Self.foreign("input", 100, #"{"snat":{"family":"ip","addr":"10.0.0.5"}}"#, type: "nat"),
        ] {
            guard case .unknown(let why) = try verdict(office, held(other: other)) else {
                Issue.record("\(try verdict(office, held(other: other)))")
                continue
            }
            #expect(why.contains("inet x c"), "\(why)")
        }
    }

    @Test("a connection that a rule sends elsewhere does not come in")
    func forwarded() throws {
        let names = #""family":"inet","table":"gatehouse""#
        func nat(_ rule: String) -> String {
            #",{"chain":{\#(names),"name":"nat","type":"nat","hook":"prerouting","prio":-100,"policy":"accept"}},"#
                + #"{"rule":{\#(names),"chain":"nat","handle":7,"comment":"way-in line 9","expr":[\#(rule)]}}"#
        }
        let office = "203.0.113.7"
        let elsewhere = #"{"dnat":{"family":"ip","addr":"10.0.0.5","port":22}}"#
        guard case .refused(let by) = try verdict(office, held(other: nat(elsewhere))) else {
            Issue.record("\(try verdict(office, held(other: nat(elsewhere))))")
            return
        }
        #expect("\(by)".contains("way-in") && "\(by)".contains("10.0.0.5"), "\(by)")
        let web = #"{"match":{"op":"==","left":{"payload":{"protocol":"tcp","field":"dport"}},"right":80}},"#
        #expect(try verdict(office, held(other: nat(web + elsewhere))) == .admitted(rule: "office-ssh"))
        guard case .unknown = try verdict(office, held(other: nat(#"{"redirect":{"port":2222}}"#))) else {
            Issue.record("a port of this host is not what was asked for")
            return
        }
    }

    @Test("SSH_CONNECTION is read, or refused")
    func connection() throws {
        let access = try #require(AdministratorCheck.Access(sshConnection: "203.0.113.7 50000 10.10.0.21 2222"))
        #expect(access.source == .v4(0xCB00_7107) && access.destination == .v4(0x0A0A_0015) && access.port == 2222)
        let mapped = AdministratorCheck.Access(sshConnection: "::ffff:203.0.113.7 1 fe80::1%eth0 22")
        #expect(mapped?.source == .v4(0xCB00_7107))
        for bad in ["", "a b c d", "203.0.113.7 1 10.0.0.1", "203.0.113.7 1 10.0.0.1 0", "203.0.113.7 1 10.0.0.1 x"] {
            #expect(AdministratorCheck.Access(sshConnection: bad) == nil, "\(bad)")
        }
    }

    @Test("what was open and is not any more is closed, and nothing else")
    func closed() throws {
        let connection = { (source: UInt32, port: UInt16) in
            TrackedConnection(from: .v4(source), to: .v4(0x0A0A_0015), .tcp, sourcePort: 5, detail: port)
        }
        let nothing = HostIntent(host: "app-01")
        let revoked = ClosedConnections(before: host(), after: nothing, addresses: own)
        #expect(revoked.contains(connection(0xCB00_7107, 22)))
        #expect(!revoked.contains(connection(0xC612_0001, 22)), "it was not open before")
        let opened = ClosedConnections(before: nothing, after: host(), addresses: own)
        #expect(!opened.contains(connection(0xCB00_7107, 22)))
        let first = ClosedConnections(before: nil, after: host(), addresses: own)
        #expect(first.contains(connection(0xCB00_7107, 80)))
        #expect(!first.contains(connection(0xCB00_7107, 22)))
        #expect(!first.contains(connection(0x0A0A_0015, 80)), "between the machine's own addresses")
        // By which interface it came decides where a rule asks for that.
        var narrowed = host()
        narrowed.interfaces = [HostInterface(name: "eth0"), HostInterface(name: "eth1")]
        narrowed.input[1].matches[0].inputInterfaces = .among(["eth1"])
        for (ways, isClosed) in [(["eth0"], true), (["eth1"], false), (["eth0", "eth1"], false), (nil, true)] {
            let closed = ClosedConnections(before: host(), after: narrowed, addresses: own) { _ in ways }
            #expect(closed.contains(connection(0xCB00_7107, 22)) == isClosed, "\(ways ?? [])")
        }
        // Where no interface makes a difference, nobody is asked for the way.
        var asked = 0
        for after in [host(), nothing] {
            let closed = ClosedConnections(before: host(), after: after, addresses: own) { _ in
                asked += 1
                return nil
            }
            #expect(closed.contains(connection(0xCB00_7107, 22)) == after.input.isEmpty)
        }
        #expect(asked == 0)
    }

    @Test("the kernel is asked the way to each address once, and to no more than so many")
    func manyWays() {
        var asked = 0
        let ways = KnownWays { _ in
            asked += 1
            return ["eth0"]
        }
        for _ in 0..<2 {
            for number in 0..<UInt32(KnownWays.limit) { #expect(ways.to(.v4(number)) == ["eth0"]) }
        }
        #expect(asked == KnownWays.limit && !ways.isExhausted)
        #expect(ways.to(.v4(.max)) == nil && ways.isExhausted && asked == KnownWays.limit)
        #expect(ways.to(.v4(7)) == ["eth0"])
    }
}

extension AdministratorCheck.Verdict {
    /// By what it is refused; nil when it is not.
    fileprivate var refusal: String? { if case .refused(let by) = self { "\(by)" } else { nil } }
}
