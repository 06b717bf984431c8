import Firewall
import Site
import Testing

/// What single keys of a rule become.
@Suite("Rules of the intent")
struct RuleTests {
    /// A router between the internet and an office, with a server and a host of its own.
    static let router = """
        site: a.b
        networks: { lan: [192.168.1.0/24, "fd00:1::/64"] }
        hosts:
          r:
            roles: [router]
            interfaces:
              wan: { zone: outside }
              lan: { zone: inside, addresses: [192.168.1.1/24, "fd00:1::1/64"] }
          s: { addresses: [192.168.1.10/24, "fd00:1::10/64"] }
        services: { web: [tcp/80, tcp/443], ssh: tcp/22 }
        firewall:

        """

    private static func intent(_ firewall: String) throws -> Intent { Intent(of: try site(router + firewall)) }

    /// The rules of a host that come from lines.
    private static func policy(_ intent: Intent, _ host: String, _ path: PacketPath) -> [IntentRule] {
        (intent.host(host)?.rules(path) ?? []).filter { $0.origin == .written }
    }

    @Test("an expiry, a limit and a log line reach the rule")
    func conditions() throws {
        let intent = try Self.intent(
            """
              allow:
                - { id: door, from: lan, to: s, services: ssh, log: true, expires: 2030-01-01T00:00:00Z,
                    limit: { rate: 2/m, connections: 4 } }
              deny: [{ from: 192.168.1.66, to: s, services: ssh, reject: true }]
            """
        )
        let rules = Self.policy(intent, "s", .input)
        #expect(rules.map(\.id) == ["deny_192.168.1.66_s_ssh", "door"])
        #expect(rules.map(\.verdict) == [.reject, .accept])
        #expect(rules[1].isLogged && rules[1].expires == 1_893_456_000)
        #expect(rules[1].limit == RuleLimit(rate: RuleLimit.Rate(count: 2, perSeconds: 60, burst: 5), connections: 4))
        #expect(rules[1].matches[0].states == .new && rules[0].matches[0].states == .all)
        let later = Intent(
            of: try site(Self.router + "  allow: [{ from: lan, to: s, expires: 2030-01-01T00:00:00Z }]\n"),
            at: 1_893_456_000
        )
        #expect(Self.policy(later, "s", .input).isEmpty)
    }

    @Test("a family that one end lacks is no part of the rule")
    func families() throws {
        let intent = try Self.intent("  allow: [{ from: 192.168.1.66, to: s, services: ssh }]\n")
        let rules = Self.policy(intent, "s", .input)
        #expect(rules.count == 1)
        #expect(rules[0].matches[0].destinations == AddressSet([IPAddress.v4(0xC0A8_010A)]))
    }

    @Test("zones bind a rule to interfaces, and hosts without them are left out")
    func zones() throws {
        let intent = try Self.intent(
            "  allow: [{ from: any, to: all, services: ssh, in: inside }, { from: r, to: any, services: web, out: outside }]\n"
        )
        let rule = try #require(Self.policy(intent, "r", .input).first)
        #expect(rule.id == "any_all_ssh_in-inside")
        #expect(rule.matches.allSatisfy { $0.inputInterfaces == .among(["lan"]) })
        #expect(Self.policy(intent, "s", .input).map(\.id) == ["r_any_web_out-outside"])
        let out = Self.policy(intent, "r", .output).filter { $0.id == "r_any_web_out-outside" }
        #expect(out.flatMap(\.matches).allSatisfy { $0.outputInterfaces == .among(["wan"]) })
        // Its address on the outside is not known: any will do, by that interface.
        #expect(out.flatMap(\.matches).contains { $0.sources.isAll })
    }

    @Test("a router masquerades IPv4, and forwards what it forwards to one host")
    func translations() throws {
        let intent = try Self.intent(
            """
              allow: [{ from: lan, to: internet, services: web }]
              masquerade: [{ from: lan, out: outside }]
              forward: [{ from: internet, service: ssh, to: s, port: 2222 }]
            """
        )
        let router = try #require(intent.host("r"))
        #expect(
            router.translations.map(\.id) == [
                "forward_internet_s_ssh", "forward_internet_s_ssh", "masquerade_lan_outside",
            ]
        )
        let masquerade = try #require(router.translations.last)
        #expect(masquerade.kind == .masquerade && masquerade.match.sources.v6.isEmpty)
        #expect(masquerade.match.outputInterfaces == .among(["wan"]))
        #expect(router.translations[0].kind == .destination(.v4(0xC0A8_010A), port: 2222))
        #expect(router.translations[0].match.traffic == TrafficSet(.tcp, details: 22...22))
        // Its address on the outside is not known: the kernel says which are its own.
        #expect(router.translations[0].match.oddities == .toOwnAddress)
        #expect(router.translations[0].match.destinations.contains(.v4(0xC612_0501)))
        #expect(!router.translations[0].match.destinations.contains(.v4(0x7F00_0001)))
        #expect(Self.policy(intent, "r", .forward).map(\.id) == ["lan_internet_web", "forward_internet_s_ssh"])
        let opened = try #require(Self.policy(intent, "r", .forward).last)
        #expect(opened.matches[0].traffic == TrafficSet(.tcp, details: 2222...2222))
        #expect(opened.matches[0].inputInterfaces == .among(["wan"]))
        #expect(opened.matches[0].oddities == .redirected)
        #expect(Self.policy(intent, "s", .input).map(\.id) == ["forward_internet_s_ssh"])
        #expect(intent.host("s")?.translations.isEmpty == true && intent.host("s")?.forward.isEmpty == true)
    }

    @Test("what a deny of the router's port takes stays where it was sent, lines that are alike together")
    func kept() throws {
        func kept(_ deny: String) throws -> [Translation] {
            let forward = "  forward: [{ from: internet, service: ssh, to: s, port: 2222 }]\n"
            return try #require(Self.intent("  deny: [\(deny)]\n" + forward).host("r")).translations.filter {
                $0.kind == .unchanged
            }
        }
        let one = try kept("{ id: a, from: 8.8.8.8, to: r, services: ssh }, { id: b, from: 9.9.9.9, to: r }")
        #expect(one.count == 1 && one[0].id == "a" && one[0].others.map(\.id) == ["b"], "\(one)")
        #expect(one[0].match.sources == AddressSet([IPAddress.v4(0x0808_0808), .v4(0x0909_0909)]), "\(one)")
        #expect(one[0].match.traffic == TrafficSet(.tcp, details: 22...22) && one[0].expires == nil, "\(one)")
        #expect(one[0].match.inputInterfaces == .among(["wan"]) && one[0].match.oddities == .toOwnAddress, "\(one)")
        let two = try kept(
            "{ id: a, from: 8.8.8.8, to: r, services: ssh }, "
                + "{ id: b, from: 9.9.9.9, to: r, expires: 2030-01-01T00:00:00Z }"
        )
        #expect(two.map(\.id) == ["a", "b"] && two[1].expires == 1_893_456_000, "\(two)")
        // What is refused as well as it goes on, and what nobody forwards.
        for deny in ["from: 8.8.8.8, to: any", "from: 8.8.8.8, to: [r, s]", "from: 8.8.8.8, to: r, services: web"] {
            #expect(try kept("{ \(deny) }").isEmpty, "\(deny)")
        }
    }

    @Test("of a forward to a port of the router's own only what is there already is left as it is")
    func ownPort() throws {
        let forward = "  forward: [{ from: lan, in: inside, service: web, to: 192.168.1.1, port: 443 }]\n"
        let changed = try #require(Self.intent(forward).host("r")).translations
        #expect(changed.map(\.kind) == [.destination(.v4(0xC0A8_0101), port: 443)])
        #expect(changed.map(\.match.traffic) == [TrafficSet(.tcp, details: 80...80)])
        // At another address of its own the same port is changed, too.
        let two = Self.router.replacing("[192.168.1.1/24,", with: "[192.168.1.1/24, 192.168.1.2/24,")
        let both = try #require(Intent(of: try site(two + forward)).host("r")).translations
        let alike = try #require(both.last, "\(both)")
        #expect(both.count == 2 && both[0].match.traffic == TrafficSet(.tcp, details: 80...80), "\(both)")
        #expect(alike.match.traffic == TrafficSet(.tcp, details: 443...443), "\(alike)")
        #expect(alike.match.destinations == AddressSet([IPAddress.v4(0xC0A8_0102)]), "\(alike)")
    }

    @Test("what hosts need goes out, and in at a host that is asked")
    func needs() throws {
        let intent = try Self.intent("  needs: { dns: s, ntp: internet, mirrors: 8.8.8.8 }\n  log-dropped: false\n")
        #expect(
            Self.policy(intent, "r", .output).map(\.id) == ["need-dns", "need-ntp", "need-mirrors"]
        )
        #expect(Self.policy(intent, "r", .input).isEmpty)
        #expect(Self.policy(intent, "s", .input).map(\.id) == ["need-dns"])
        #expect(intent.hosts.allSatisfy { !$0.logsDropped })
    }

    @Test("defences and baseline are there by name, and go by name")
    func switches() throws {
        func names(_ firewall: String) throws -> Set<String> {
            Set(try Self.intent(firewall).host("r")?.input.map(\.id) ?? [])
        }
        // Only a host with that role serves DHCP.
        let house = Set(FirewallDefence.allCases.map(\.rawValue) + FirewallBaseline.allCases.map(\.rawValue))
            .subtracting(["dhcp-server"])
        #expect(try names("  allow: []\n") == house)
        for defence in FirewallDefence.allCases {
            #expect(try names("  defences: { \(defence.rawValue): false }\n") == house.subtracting([defence.rawValue]))
        }
        for part in FirewallBaseline.allCases {
            #expect(try names("  baseline: { \(part.rawValue): false }\n") == house.subtracting([part.rawValue]))
        }
        let slow = try Self.intent("  baseline: { ping: 3/m }\n").host("r")?.input.first { $0.id == "ping" }
        #expect(slow?.limit?.rate == RuleLimit.Rate(count: 3, perSeconds: 60, burst: 15))
    }

    @Test("a rate that the house has anyway changes nothing when it is written, and a higher one lets more in at once")
    func houseRates() throws {
        func limits(_ firewall: String) throws -> [RuleLimit.Rate?] {
            let rules = try #require(try Self.intent(firewall).host("r")).input
            return ["connection-flood", "ping"].map { id in rules.first { $0.id == id }?.limit?.rate }
        }
        func rates(_ flood: String, _ ping: String) throws -> [RuleLimit.Rate?] {
            try limits("  defences: { connection-flood: \(flood) }\n  baseline: { ping: \(ping) }\n")
        }
        #expect(try rates("1000/s", "10/s") == limits("  allow: []\n"))
        #expect(try rates("2000/s", "20/s").map { $0?.burst } == [4_000, 100])
        #expect(try rates("1/h", "1/d").map { $0?.burst } == [5, 5])
    }

    @Test("who asks for an address is heard by a server inside, and a client hears what it asked for")
    func dhcp() throws {
        let text = Self.router.replacing("roles: [router]", with: "roles: [router, dhcp-server]")
        let host = try #require(Intent(of: try site(text + "  allow: []\n")).host("r"))
        func decision(_ path: PacketPath, _ interface: String, _ from: String, _ ports: (UInt16, UInt16)) throws
            -> String?
        {
            let everyone = try #require(IPAddress("255.255.255.255"))
            let route = PacketRoute(path, by: interface, to: interface)
            var packet = Packet(route, from: try #require(IPAddress(from)), to: everyone, .udp, detail: ports.1)
            packet.sourcePort = ports.0
            return host.rule(for: packet)?.id
        }
        #expect(try decision(.input, "lan", "0.0.0.0", (68, 67)) == "dhcp-server")
        #expect(try decision(.output, "lan", "192.168.1.1", (67, 68)) == "dhcp-server")
        #expect(try decision(.input, "wan", "8.8.4.4", (67, 68)) == "dhcp-client")
        #expect(try decision(.output, "wan", "0.0.0.0", (68, 67)) == "dhcp-client")
        #expect(try decision(.output, "wan", "8.8.4.4", (67, 68)) == nil)
        #expect(try decision(.input, "lan", "192.168.1.9", (67, 68)) == nil)
    }

    @Test("an interface asks for addresses by DHCP when it has none in the file, or as the file says")
    func leases() throws {
        func asking(_ wan: String, _ lan: String) throws -> [InterfaceSet] {
            let text = Self.router.replacing("outside }", with: "outside\(wan) }")
                .replacing("/64\"] }\n  s", with: "/64\"]\(lan) }\n  s")
            let host = try #require(Intent(of: try site(text + "  allow: []\n")).host("r"))
            return [host.input, host.output].flatMap { rules in
                rules.filter { $0.id == "dhcp-client" }.flatMap(\.matches).map {
                    $0.inputInterfaces == .any ? $0.outputInterfaces : $0.inputInterfaces
                }
            }
        }
        func all(_ names: Set<String>) -> [InterfaceSet] { .init(repeating: .among(names), count: 4) }
        #expect(try asking("", "") == all(["wan"]))
        #expect(try asking("", ", dhcp: true") == all(["wan", "lan"]))
        #expect(try asking(", dhcp: false", ", dhcp: true") == all(["lan"]))
        #expect(try asking(", dhcp: false", "").isEmpty)
    }

    @Test("bogons are what the site does not claim")
    func bogons() throws {
        let text = """
            site: a.b
            networks: { lab: 172.16.5.0/24 }
            hosts: { h: { interfaces: { e: { zone: outside, addresses: [198.51.100.10/24] } } } }
            """
        let host = try #require(Intent(of: try site(text)).host("h"))
        let rule = try #require(host.input.first { $0.id == "bogons" })
        // Whom the policy lets the host ask may answer from anywhere.
        #expect(rule.matches.allSatisfy { $0.states == [.new, .invalid, .untracked] })
        let sources = rule.matches.reduce(AddressSet.none) { $0.union($1.sources) }
        for (address, isBogon) in [
            ("172.16.5.9", false), ("172.16.6.9", true), ("198.51.100.77", false), ("198.51.101.1", false),
            ("192.168.0.1", true), ("8.8.8.8", false), ("2001:db8::1", true), ("fe80::1", false), ("::", false),
            ("fd00::1", true), ("2001:4860:4860::8888", false), ("255.255.255.255", true),
        ] {
            #expect(sources.contains(try #require(IPAddress(address))) == isBogon, "\(address)")
        }
        // A neighbour on the link answers from the address that it was asked for.
        let neighbours: [(type: UInt16, id: String)] = [
            (135, "neighbours"), (136, "neighbours"), (128, "bogons"), (134, "bogons"),
        ]
        for (type, id) in neighbours {
            var packet = Packet(
                .input(by: "e"),
                from: try #require(IPAddress("fd99::1")),
                to: try #require(IPAddress("fd99::21")),
                .icmpv6,
                detail: type << 8
            )
            packet.state = .untracked
            #expect(host.rule(for: packet)?.id == id, "\(type)")
            packet.oddities = .throughRouter
            #expect(host.rule(for: packet)?.id == (type == 128 ? "bogons" : "off-link"), "\(type)")
        }
    }

    @Test("names are short, of few letters, and stay when lines come and go")
    func names() throws {
        let long = (1...20).map { "192.168.1.\($0)" }.joined(separator: ", ")
        let lines = [
            "{ from: [\(long)], to: s, services: ssh }", "{ from: \"fd00:2::/32\", to: s }", "{ from: lan, to: s }",
            "{ from: lan, to: s }", "{ id: accept, from: any, to: s }",
        ]
        func ids(_ lines: [String]) throws -> [String] {
            let text = "  allow:\n" + lines.map { "    - \($0)\n" }.joined()
            return Self.policy(try Self.intent(text), "s", .input).map(\.id)
        }
        let all = try ids(lines)
        #expect(Set(all).count == 5)
        #expect(Array(all[1...]) == ["fd00-2---32_s", "lan_s", "lan_s-2", "accept"])
        for id in all {
            #expect(id.utf8.count <= 48)
            #expect(id.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) })
        }
        #expect(try ids(["{ from: any, to: s, services: web }"] + lines).dropFirst() == all[...])
        #expect(try ids([lines[2], lines[0]]) == [all[2], all[0]])
    }
}
