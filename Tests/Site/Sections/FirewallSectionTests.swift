import Testing

@testable import Site

/// The section `firewall`: what it reads, and what it says of what it cannot read.
@Suite struct FirewallSectionTests {
    private static let start = """
        site: a.b
        networks: { lan: 10.0.0.0/24, far: 10.1.0.0/24, both: [lan, far, 10.2.0.0/24] }
        hosts:
          r: { roles: [router], interfaces: { eth0: { zone: outside, addresses: [8.8.8.1/24] }, eth1: { zone: inside } } }
          h: { addresses: [10.0.0.9/24] }
        services: { web: [tcp/80, tcp/443], all-web: [web, tcp/8443], ssh: tcp/22, range: udp/1-9, vpn: [esp, ip/4] }
        firewall:

        """

    private static func lines(_ text: String) -> String { start + "  " + text + "\n" }

    @Test func everyKeyIsKept() throws {
        let site = try #require(
            check(
                Self.start + """
                      allow:
                        - { id: one, from: both, to: h, services: all-web, in: inside, out: outside, log: true,
                            expires: 2030-01-01T00:00:00Z, limit: { rate: 10/m, burst: 3, connections: 4 } }
                        - { from: any, to: r, services: ssh, limit: 5/s }
                        - { from: lan, to: r, services: [vpn, ip/112, tcp/179, sctp/2905-2907, icmp] }
                      deny: [{ from: far, to: h, reject: true }]
                      needs: { dns: [h, 8.8.8.8], ntp: internet, mirrors: far }
                      masquerade: [{ from: lan, out: outside }]
                      forward: [{ from: internet, service: ssh, to: h, port: 2222 }, { from: lan, in: inside, service: web, to: 10.0.0.8 },
                        { from: far, in: inside, service: gre, to: h }, { from: both, in: inside, service: tcp/23, to: h, port: 24 }]
                      defences: { bogons: false, connection-flood: 7/s, spoofing: true }
                      baseline: { ping: 3/m, icmp: false }
                      log-dropped: false
                      tests:
                        - { from: 8.8.8.8, to: h, service: tcp/3306, expect: drop }
                        - { from: h, to: r, service: icmp, expect: reject }
                        - { from: h, to: r, service: esp, expect: drop }
                    """
            ).model
        )
        let firewall = site.firewall
        #expect(site.networks["both"]?.map(\.description) == ["10.0.0.0/24", "10.1.0.0/24", "10.2.0.0/24"])
        #expect(site.services["all-web"]?.map(\.description) == ["tcp/80", "tcp/443", "tcp/8443"])
        #expect(site.services["vpn"] == [.whole(50), .whole(4)])
        #expect(firewall.allow[2].services.map(\.word) == ["vpn", "vrrp", "tcp/179", "sctp/2905-2907", "icmp"])
        #expect(firewall.forwards.map(\.service.word) == ["ssh", "web", "gre", "tcp/23"])
        #expect(firewall.tests.map(\.service.word) == ["tcp/3306", "icmp", "esp"])
        let rule = firewall.allow[0]
        #expect(rule.id == "one" && rule.inZone == "inside" && rule.outZone == "outside" && rule.isLogged)
        #expect(rule.expires == DateTime(seconds: 1_893_456_000))
        #expect(rule.limit?.rate == FirewallRate(10, per: .minute))
        #expect(rule.limit?.burst == 3 && rule.limit?.connections == 4)
        #expect(firewall.allow[1].limit?.rate == FirewallRate(5, per: .second))
        #expect(firewall.deny[0].isReject)
        #expect(firewall.needs.dns.count == 2 && firewall.needs.ntp == [.internet])
        #expect(firewall.masquerade[0].outZone == "outside" && firewall.masquerade[0].to == [.any])
        #expect(firewall.forwards[0].inZone == "outside" && firewall.forwards[0].port == 2222)
        #expect(firewall.forwards[1].to == .address(.v4(0x0A00_0008)))
        #expect(firewall.defences[.bogons] == .off && firewall.defences[.spoofing] == .on)
        #expect(firewall.defences[.connectionFlood] == .rate(FirewallRate(7, per: .second)))
        #expect(firewall.baseline[.ping] == .rate(FirewallRate(3, per: .minute)) && firewall.baseline[.icmp] == .off)
        #expect(!firewall.logsDropped && firewall.tests.map(\.expected) == [.drop, .reject, .drop])
    }

    @Test(arguments: [
        Faulty(lines("allow: [{ from: any, to: h, id: ping }]"), "8:35 invalid-value | another word"),
        Faulty(lines("allow: [{ from: any, to: h, id: default }]"), "8:35 invalid-value | another word"),
        Faulty(lines("allow: [{ from: [], to: h }]"), "8:19 invalid-value | one item or more"),
        Faulty(lines("allow: [{ from: any, to: h, id: \"a\\\"b\" }]"), "8:35 invalid-value"),
        Faulty(lines("allow: [{ from: any, to: h, id: \"a\\nb\" }]"), "8:35 invalid-value"),
        Faulty(
            lines("allow: [{ from: any, to: h, id: \(String(repeating: "x", count: 49)) }]"),
            "8:35 invalid-value | 48"
        ),
        Faulty(lines("allow: [{ from: any, to: h, in: outsid }]"), "8:35 unknown-name | `outside`"),
        Faulty(
            "site: a.b\nhosts: { h: { addresses: [10.0.0.1/24] } }\n"
                + "firewall: { allow: [{ from: any, to: h, in: inside }] }\n",
            "3:45 unknown-name | `interfaces: { eth0: { zone: outside } }`"
        ),
        Faulty(lines("baseline: { established: false }"), "8:28 conflict | leave it on"),
        Faulty(lines("baseline: { neighbours: false, icmp: false }"), "8:27 conflict | leave it on"),
        Faulty(
            lines("allow: [{ from: any, to: h, expires: 2030-01-01 }]"),
            "8:40 invalid-value | `2026-12-24T18:00:00Z`"
        ),
        Faulty(
            lines("allow: [{ from: any, to: h, expires: 2554-07-21T23:34:34Z }]"),
            "8:40 invalid-value | leave `expires` out"
        ),
        Faulty(lines("deny: [{ from: any, to: h, expires: 9999-12-31T00:00:00Z }]"), "8:39 invalid-value"),
        Faulty(lines("allow: [{ from: any, to: h, expires: 1970-01-01T00:00:00+01:00 }]"), "8:40 invalid-value"),
        Faulty(lines("allow: [{ from: any, to: h, limit: 10 }]"), "8:38 invalid-value | `10/s`"),
        Faulty(lines("allow: [{ from: any, to: h, limit: 0/s }]"), "8:38 invalid-value"),
        Faulty(lines("allow: [{ from: any, to: h, limit: { burst: 3 } }]"), "8:47 conflict"),
        Faulty(lines("allow: [{ from: any, to: h, limit: {} }]"), "8:38 missing-key"),
        Faulty(lines("allow: [{ from: any, to: h, reject: true }]"), "8:31 unknown-key"),
        Faulty(lines("deny: [{ from: any, to: h, limit: 1/s }]"), "8:30 unknown-key"),
        Faulty(lines("never: [{ from: any, to: h, log: true }]"), "8:31 unknown-key"),
        Faulty(lines("needs: { dns: any }"), "8:17 invalid-value | `internet`"),
        Faulty(lines("needs: { dsn: h }"), "8:12 unknown-key | `dns`"),
        Faulty(lines("masquerade: [{ from: lan }]"), "8:16 missing-key"),
        Faulty(lines("forward: [{ from: any, service: sh, to: h }]"), "8:35 unknown-name | `ssh`"),
        Faulty(lines("forward: [{ from: any, service: ssh, to: lan }]"), "8:44 unknown-name"),
        Faulty(lines("forward: [{ from: any, service: range, to: h, port: 80 }]"), "8:13 conflict"),
        Faulty(lines("forward: [{ from: any, service: ssh, to: h, port: 65536 }]"), "8:53 invalid-value"),
        Faulty(lines("defences: { bogon: true }"), "8:15 unknown-key | `bogons`"),
        Faulty(lines("defences: { bogons: 1/s }"), "8:23 wrong-type"),
        Faulty(lines("tests: [{ from: lan, to: h, service: ssh, expect: drop }]"), "8:19 unknown-name"),
        Faulty(lines("tests: [{ from: h, to: h, service: tcp/0, expect: drop }]"), "8:38 invalid-value"),
        Faulty(lines("tests: [{ from: h, to: h, service: ssh, expect: deny }]"), "8:51 invalid-value"),
        Faulty(
            lines("allow: [{ id: x, from: any, to: h }, { id: x, from: lan, to: h }]"),
            "8:40 duplicate | line 8"
        ),
    ])
    func refuses(faulty: Faulty) { faulty.verify() }

    /// `services` of a line, which begin in column 41.
    private static func services(_ text: String) -> String { lines("allow: [{ from: any, to: h, services: \(text) }]") }

    @Test(arguments: [
        Faulty(services("esb"), "8:41 unknown-name | a protocol such as `esp`"),
        Faulty(services("wireguard"), "8:41 unknown-name | a protocol such as `esp` or `ip/112`"),
        Faulty(services("[ssh, ipip]"), "8:47 unknown-name | `ip/112`"),
        Faulty(services("[ip/256]"), "8:42 invalid-value | 0 to 255"),
        Faulty(services("[esp, ip/-1]"), "8:47 invalid-value | 0 to 255"),
        Faulty(services("ip/6"), "8:41 invalid-value | `tcp/1-65535`"),
        Faulty(services("ip/17"), "8:41 invalid-value | `udp/53`"),
        Faulty(services("[ip/58, ip/1]"), "8:42 invalid-value | `icmp`", "8:49 invalid-value | `icmp`"),
        Faulty(services("ip/44"), "8:41 invalid-value | behind it"),
        Faulty(services("tcp"), "8:41 invalid-value | `tcp/1-65535`"),
        Faulty(services("443"), "8:41 invalid-value | `tcp/443`"),
        Faulty(services("esp/500"), "8:41 invalid-value | write `esp`"),
        Faulty(services("icmp/8"), "8:41 invalid-value | write `icmp`"),
        Faulty(services("tcp/65536"), "8:41 invalid-value | 1 to 65535"),
        Faulty(services("[esp, ssh, ip/50]"), "8:52 duplicate | leave it out"),
        Faulty(services("[ssh, tcp/25, ssh]"), "8:55 duplicate | leave it out"),
        Faulty(lines("forward: [{ from: any, service: icmp, to: h }]"), "8:35 invalid-value | `esp`"),
        Faulty(lines("forward: [{ from: any, service: vpn, to: h, port: 80 }]"), "8:13 conflict | one port"),
        Faulty(lines("forward: [{ from: any, service: esp, to: h, port: 80 }]"), "8:13 conflict | leave `port` out"),
        Faulty(lines("tests: [{ from: h, to: h, service: ip/300, expect: drop }]"), "8:38 invalid-value | 0 to 255"),
        Faulty("site: a.b\nservices: { esp: udp/4500 }\n", "2:13 invalid-value | another name"),
        Faulty("site: a.b\nservices: { vpn: [esp, ip/256] }\n", "2:24 invalid-value | 0 to 255"),
        Faulty("site: a.b\nservices: { vpn: wg-vpn }\n", "2:18 unknown-name | `ip/112`"),
    ])
    func refusesServices(faulty: Faulty) { faulty.verify() }

    @Test(arguments: [
        Faulty("site: a.b\nnetworks: { a: [b], b: [c, 10.0.0.0/8], c: a }\n", "2:44 conflict"),
        Faulty("site: a.b\nnetworks: { a: a }\n", "2:16 conflict"),
        Faulty("site: a.b\nservices: { a: [b], b: [a] }\n", "2:25 conflict"),
        Faulty("site: a.b\nnetworks: { a: [] }\n", "2:16 invalid-value"),
        Faulty("site: a.b\nnetworks: { office: 10.0.0.0/8, b: ofice }\n", "2:36 unknown-name | `office`"),
        Faulty("site: a.b\nservices: { a: [tcp/0] }\n", "2:17 invalid-value | 1 to 65535"),
        Faulty("site: a.b\nservices: { a: [tcp/65536] }\n", "2:17 invalid-value | 1 to 65535"),
        Faulty("site: a.b\nservices: { web: tcp/80, both: wbe }\n", "2:32 unknown-name | `web`"),
    ])
    func refusesGroups(faulty: Faulty) { faulty.verify() }

    @Test func aCycleIsNamedWithItsPath() {
        let outcome = check("site: a.b\nnetworks: { x: a, a: [b], b: [c, 10.0.0.0/8], c: a }\n")
        #expect(outcome.diagnostics.first?.message == "the network `a` holds itself: a -> b -> c -> a")
    }

    /// A chain as long as a file can hold, and groups that double at every step.
    @Test func groupsOfGroupsAreBounded() {
        var chain = "site: a.b\nnetworks:\n  n0: 10.0.0.0/8\n"
        for index in 1...20_000 { chain += "  n\(index): n\(index - 1)\n" }
        #expect(check(chain).model?.networks["n20000"]?.count == 1)
        var growing = "site: a.b\nnetworks:\n  n0: 10.0.0.0/32\n"
        for index in 1...3000 { growing += "  n\(index): [n\(index - 1), 10.0.\(index / 256).\(index % 256)]\n" }
        #expect(check(growing).diagnostics.map(\.code) == [.tooLarge])
    }

    /// Words of nft are names like others; what could end a word in its text is none.
    @Test(arguments: ["accept", "drop", "table", "fwd", "set", "define", "jump"])
    func keywordsAreNames(word: String) throws {
        let text = """
            site: a.b
            networks: { \(word)-n: 10.0.0.0/8 }
            hosts: { \(word): { roles: [\(word)-r], interfaces: { \(word): { zone: \(word), addresses: [10.0.0.1/24] } } } }
            services: { \(word): tcp/80 }
            firewall: { allow: [{ id: \(word), from: \(word)-n, to: \(word), services: \(word), in: \(word) }] }
            """
        #expect(check(text).text == "")
    }

    @Test(arguments: ["a\\\"b", "a\\nb", "a b", "a;b", "a$b", "a'b", "{a}", "a`b", "é", ""])
    func whatIsNoWordIsNoName(name: String) {
        let places = [
            "networks: { \"\(name)\": 10.0.0.0/8 }", "hosts: { \"\(name)\": {} }",
            "hosts: { h: { roles: [\"\(name)\"] } }", "hosts: { h: { interfaces: { \"\(name)\": {} } } }",
            "hosts: { h: { interfaces: { e: { zone: \"\(name)\" } } } }", "services: { \"\(name)\": tcp/80 }",
            "hosts: { h: {} }\nfirewall: { allow: [{ id: \"\(name)\", from: any, to: h }] }",
        ]
        for place in places {
            let outcome = check("site: a.b\n\(place)\n")
            #expect(outcome.diagnostics.first?.code == .invalidValue, "\(place): \(outcome.text)")
        }
    }

    /// 11 MB: more lines than a file may have values for; and a part of them.
    @Test func elevenMegabytesOfRules() {
        let line = "    - {from: any, to: h, services: web}\n"
        func site(_ count: Int) -> String {
            "site: a.b\nhosts: { h: { addresses: [10.0.0.1/24] } }\nservices: { web: tcp/80 }\nfirewall:\n  allow:\n"
                + String(repeating: line, count: count)
        }
        #expect(check(site(300_000)).diagnostics.map(\.code) == [.tooManyNodes])
        #expect(check(site(20_000)).model?.firewall.allow.count == 20_000)
    }
}
