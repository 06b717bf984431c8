import Firewall
import Site
import Testing

/// What is said of claims, defaults, changes and packets, as people read it.
@Suite("Answers for people")
struct AnswerTests {
    /// One host on the outside: lines of which others take all, and one that says the same again.
    private static let bogus = """
        site: a.example
        services: { ssh: tcp/22, http: tcp/80, x: tcp/8000 }
        hosts:
          a: { roles: [r], interfaces: { eth0: { zone: outside, addresses: [198.51.100.10/24] } }INSIDE }
        firewall:
          allow:
            - { id: lan, from: 192.168.5.0/24, to: a, services: ssh }
            - { id: bad, from: 127.0.0.0/8, to: a, services: http }
            - { id: first, from: any, to: a, services: http }
            - { id: second, from: 198.41.0.0/24, to: a, services: http }
            - { id: third, from: 198.41.0.0/24, to: a, services: x }
          deny:
            - { id: d1, from: any, to: a, services: x }
        """

    private static func proofs(_ inside: String = "") throws -> [String: ClaimProof] {
        let site = try site(bogus.replacing("INSIDE", with: inside))
        return site.answers().marking(try HiddenRule.all(in: Intent(of: site).hosts)).byID
    }

    @Test("a line of which others take everything is void, and not proved")
    func void() throws {
        let proofs = try Self.proofs()
        for (id, taker) in [("lan", "bogons"), ("bad", "loopback-spoofing"), ("third", "d1")] {
            let proof = try #require(proofs[id])
            #expect(proof.word == "void" && !proof.isProved && proof.answer == .proved, "\(id): \(proof)")
            #expect(proof.taken?.hiding.map(\.id) == [taker], "\(id): \(proof)")
        }
        for id in ["first", "second"] { #expect(proofs[id]?.word == "proved" && proofs[id]?.isProved == true) }
        // By another interface, or by one that is not known, the line lets something through.
        #expect(try Self.proofs(", addresses: [10.0.0.1/8]")["lan"]?.word == "proved")
    }

    @Test("a line that an end has no interface for is broken, though the other end grants it")
    func noInterface() throws {
        for (zones, word) in [(", in: inside", "refuted"), (", out: inside", "refuted"), ("", "proved")] {
            let site = try site(
                """
                site: a.example
                services: { s: tcp/80 }
                hosts:
                  a: { addresses: [10.0.0.1/24] }
                  b: { addresses: [10.0.0.2/24] }
                  lb: { interfaces: { eth0: { zone: outside, addresses: [10.0.0.3/24] }, eth1: { zone: inside } } }
                firewall:
                  allow: [{ id: line, from: a, to: b, services: s\(zones) }]
                """
            )
            let proof = try #require(site.answers().first)
            #expect(proof.claim.id == "line" && proof.word == word && proof.isProved == (word == "proved"), "\(proof)")
        }
    }

    @Test("what the baseline lets through is listed once, with its limit and its hosts")
    func defaults() throws {
        let intent = Intent(of: try policySite("egress.yaml"))
        let defaults = BaselineDefault.all(in: intent.hosts)
        #expect(Set(defaults.map { $0.id + $0.traffic }).count == defaults.count)
        let ping = try #require(defaults.first { $0.id == "ping" })
        #expect(ping.traffic == "icmp type 8" && ping.hosts == intent.hosts.map(\.host))
        #expect(ping.paths == [.input, .output] && ping.limitedPaths == [.input])
        #expect(ping.limit == "10 in 1 s, 50 at once")
        let answers = defaults.first { $0.id == "established" }
        #expect(answers?.traffic == "packets of connections that are established or related")
        var silent = try policySite("egress.yaml")
        silent.firewall.baseline[.ping] = .off
        #expect(!BaselineDefault.all(in: Intent(of: silent).hosts).contains { $0.id == "ping" })
    }

    /// A host on the outside and on the inside.
    private static func hosts(_ firewall: String) throws -> [HostIntent] {
        let outside = "eth0: { zone: outside, addresses: [198.51.100.10/24] }"
        let inside = "eth1: { zone: inside, addresses: [10.20.0.1/24] }"
        let text = SiteText.of("a: { interfaces: { \(outside), \(inside) } }", firewall: firewall)
        return Intent(of: try site(text)).hosts
    }

    @Test("a change says by which interfaces, and of which flags, where not by all and of all")
    func boxes() throws {
        func hosts(_ line: String, _ more: String = "") throws -> [HostIntent] {
            try Self.hosts("  allow: [{ id: web, from: any, to: a, services: http\(line) }]\n\(more)")
        }
        let narrowed = IntentDiff(from: try hosts(""), to: try hosts(", in: inside"))
        let change = try #require(narrowed.changes.first { $0.path == .input })
        let places = Set(change.summary.compactMap { $0.split(separator: " in by ").last.map(String.init) })
        #expect(places == ["any but eth0, eth1", "eth0"], "\(change.summary)")
        #expect(change.packet.inputInterface == "eth0", "\(change.packet.text)")
        #expect([.v4(0xC633_640A), .v4(0x0A14_0001)].contains(change.packet.destination), "\(change.packet.text)")
        let undefended = IntentDiff(from: try hosts(""), to: try hosts("", "  defences: { tcp-flags: false }"))
        let flags = try #require(undefended.changes.first { $0.opens })
        #expect(flags.summary.contains { $0.contains(", TCP flags ") }, "\(flags.summary)")
        #expect(flags.packet.text.contains(", TCP flags "), "\(flags.packet.text)")
        #expect(flags.packet.json.line.contains("\"tcp-flags\":"), "\(flags.packet.json.line)")
    }

    @Test("what only comes by interfaces that the site file does not name is shown so")
    func unnamed() throws {
        func hosts(_ line: String) throws -> [HostIntent] {
            try Self.hosts(
                """
                  allow:
                    - { id: one, from: any, to: a, services: http, in: outside }
                    - { id: two, from: any, to: a, services: http, in: inside }
                \(line)
                """
            )
        }
        let all = try hosts("    - { id: both, from: any, to: a, services: http }")
        #expect(try HiddenRule.all(in: all).contains { $0.rule.id == "both" && !$0.decides })
        let narrowed = IntentDiff(from: all, to: try hosts(""))
        let change = try #require(narrowed.changes.first { $0.path == .input })
        let words = " in by an interface that the site file does not name, new"
        #expect(!change.opens && change.before?.id == "both" && change.after == nil, "\(change)")
        #expect(change.packet.text.hasSuffix(words), "\(change.packet.text)")
        #expect(change.packet.json.line.contains("null"), "\(change.packet.json.line)")
    }

    @Test("a deny behind a deny is redundant, and nothing of the baseline is named")
    func redundant() throws {
        let lines = "- { id: d1, from: any, to: a, services: x }\n    - { id: d2, from: 8.8.8.8, to: a, services: x }"
        let text = Self.bogus.replacing("INSIDE", with: "").replacing(
            "- { id: d1, from: any, to: a, services: x }",
            with: lines
        )
        let hidden = try HiddenRule.all(in: Intent(of: try site(text)).hosts)
        let second = try #require(hidden.first { $0.rule.id == "d2" })
        #expect(second.kind == .redundant && second.hiding.map(\.id) == ["d1"], "\(second)")
    }

    @Test("where the nearest rule lacks nothing it is said what comes before it")
    func nearest() throws {
        let site = try site(Self.bogus.replacing("INSIDE", with: ""))
        let host = try #require(site.hosts["a"])
        let packets = Explanation.packets(
            from: .v4(0xC0A8_0509),
            to: .v4(0xC633_640A),
            .tcp,
            detail: 22,
            at: host
        )
        let explanation = Explanation(packets[0], at: try #require(Intent(of: site).host("a")))
        #expect(!explanation.isAccepted && explanation.rule?.id == "bogons")
        #expect(explanation.nearest?.rule.id == "lan")
        #expect(explanation.nearest?.reasons == ["it lacks nothing, but `bogons` comes first"])
    }

    @Test("an example is of an address that a host has, not of a network or of the interface of the host itself")
    func witnesses() throws {
        let store = DiagramStore()
        var host = HostIntent(host: "a")
        host.otherAddresses = [.v4(0x0A00_0005), .v6(0xFD00 << 112 | 5)]
        var match = PacketMatch()
        match.sources = AddressSet([IPNetwork(containing: .v4(0xC0A8_0100), prefixLength: 24)])
            .subtracting(AddressSet([.v4(0xC0A8_0101)]))
        match.inputInterfaces = .except(["eth0", "eth1"])
        let region = try store.region(Box.boxes(of: match, on: .input))
        let packet = try #require(Witness(in: store, at: host).packet(region, .input))
        #expect(packet.source == .v4(0xC0A8_0103) || packet.source == .v4(0xC0A8_0102), "\(packet.text)")
        #expect(packet.destination == .v4(0x0A00_0005), "\(packet.text)")
        #expect(packet.text.contains(" in by an interface that the site file does not name"), "\(packet.text)")
    }

    @Test("an example comes from elsewhere, and by the interfaces that its ends are reached by")
    func routes() throws {
        let site = try site(
            """
            site: a.example
            hosts:
              r:
                roles: [router]
                interfaces:
                  wan: { zone: outside, addresses: [198.51.100.1/24] }
                  lan: { zone: inside, addresses: [10.9.0.1/24] }
            """
        )
        let host = try #require(Intent(of: site).host("r"))
        let store = DiagramStore()
        func packet(_ path: PacketPath, to destination: UInt32) throws -> Packet {
            var match = PacketMatch()
            match.destinations = AddressSet([.v4(destination)])
            match.traffic = TrafficSet(.tcp)
            let region = try store.region(Box.boxes(of: match, on: path))
            return try #require(Witness(in: store, at: host).packet(region, path))
        }
        let inwards = try packet(.input, to: 0x0A09_0001)
        #expect(!host.interfaces.flatMap(\.addresses).map(\.address).contains(inwards.source), "\(inwards.text)")
        let through = try packet(.forward, to: 0x0A09_0005)
        #expect(through.inputInterface == "wan" && through.outputInterface == "lan", "\(through.text)")
    }

    @Test("what is not understood is said as nft writes it")
    func listed() throws {
        for (statement, words) in [
            (#"{"match":{"op":"==","left":{"meta":{"key":"mark"}},"right":5}}"#, "meta mark 5"),
            (#"{"match":{"op":"!=","left":{"payload":{"base":"th","offset":16,"len":8}},"right":2}}"#, "@th,16,8 != 2"),
            (#"{"mangle":{"key":{"payload":{"protocol":"tcp","field":"dport"}},"value":22}}"#, "tcp dport set 22"),
            (#"{"quota":{"val":5,"val_unit":"mbytes"}}"#, "quota "),
            (#"{"xt":{"type":"match","name":"owner"}}"#, "match of iptables `owner`"),
        ] {
            let held = try HeldRuleset(json: Array(Listing.json(statement).utf8))
            var packet = Packet(.input(by: "eth0"), from: .v4(1), to: .v4(2), .tcp, detail: 22)
            packet.sourcePort = 4
            let text = HeldEvaluator(held).trace(packet).described(in: held).joined()
            #expect(text.contains("not understood: \(words)"), "\(text)")
        }
    }
}
