import Firewall
import Site
import Testing

/// What `gatehouse check` finds in a policy without a kernel.
@Suite("Check of the policy")
struct PolicyCheckTests {
    private static let start = """
        site: a.b
        networks: { office: 203.0.113.0/24 }
        hosts:
          lb: { roles: [gateway], addresses: [10.0.0.1/24] }
          app: { roles: [app], addresses: [10.0.0.2/24] }
          db: { roles: [db], addresses: [10.0.0.3/24] }
        services: { http: tcp/80, app: tcp/8080, mysql: tcp/3306 }

        """

    /// A gateway that listens on a port, and its app server.
    private static func listening(on port: Int = 80) -> String {
        """
        gateway:
          listen: [{ port: \(port) }]
          pools: { web: { servers: [{ host: app, service: app }] } }
          routes: [{ hosts: ["*"], pool: web }]

        """
    }

    /// The site with a gateway that has its certificate from a CA, up to the lines of the policy.
    ///
    /// - Parameters:
    ///   - address: that of a host.
    ///   - addresses: those that it has in place of it.
    private static func certified(_ address: String, as addresses: String, services: String = "") -> String {
        start.replacing("addresses: [\(address)]", with: "addresses: [\(addresses)]")
            .replacing("http: tcp/80", with: "http: tcp/80, https: tcp/443\(services)") + """
                certificates: { a.b: { names: [a.b], issuer: { acme: "https://acme.example.net/directory", contact: [a@b.c] } } }

                """ + listening() + "firewall:\n"
    }

    /// `line code message` of each finding.
    private static func findings(_ text: String, now: Int64 = 0) throws -> [String] {
        PolicyCheck.findings(try site(text), file: "site.yaml", now: now)
            .map { "\($0.line) \($0.severity.rawValue) \($0.code.rawValue) \($0.message)" }
    }

    private static func verify(_ firewall: String, _ parts: String..., gateway: String = "") throws {
        expect(try findings(start + "firewall:\n" + firewall + gateway), parts)
    }

    /// Expects as many findings as parts, each with its part, in this order.
    private static func expect(_ found: [String], _ parts: [String]) {
        #expect(found.count == parts.count, "\(found)")
        for (finding, part) in zip(found, parts) { #expect(finding.contains(part), "\(finding)") }
    }

    @Test(
        "the sites of the repository keep their own promises",
        arguments: ["foobar.com.yaml", "every-key.yaml", "office-router.yaml", "egress.yaml"]
    )
    func policies(file: String) throws {
        let site = try policySite(file)
        #expect(PolicyCheck.findings(site, file: file, now: 1_790_000_000) == [])
    }

    @Test("a `never` that a line breaks is shown with a connection")
    func never() throws {
        let never = "  never: [{ from: internet, to: db }]\n"
        try Self.verify("  allow: [{ from: app, to: db, services: mysql }]\n" + never)
        try Self.verify(
            "  allow: [{ from: any, to: all, services: mysql }]\n" + never,
            "10 error claim the claim `never_internet_db` is broken: tcp from 8.8.8.8 to 10.0.0.3 port 3306 (db) is let through by `any_all_mysql` (line 9)"
        )
        // ICMP breaks a claim that names it, and no other.
        try Self.verify("  allow: [{ from: any, to: db, services: icmp }]\n" + never)
        try Self.verify(
            "  allow: [{ from: any, to: db, services: icmp }]\n  never: [{ from: internet, to: db, services: icmp }]\n",
            "icmp type"
        )
        // A `deny` mends it, unless it leaves something.
        let open = "  allow: [{ from: any, to: all, services: mysql }]\n"
        try Self.verify(open + "  deny: [{ from: internet, to: db }]\n" + never)
        try Self.verify(open + "  deny: [{ from: 0.0.0.0/1, to: db }]\n" + never, "from 198.51.100.7 to 10.0.0.3")
        try Self.verify(
            open + "  deny: [{ from: internet, to: db, expires: 2099-01-01T00:00:00Z }]\n" + never,
            "10.0.0.3"
        )
    }

    @Test("an `exactly` is broken by what is too much and by what is too little")
    func exactly() throws {
        let exactly = "  exactly: [{ from: internet, to: lb, services: http }]\n"
        try Self.verify("  allow: [{ from: any, to: lb, services: http }]\n" + exactly)
        try Self.verify(
            "  allow: [{ from: any, to: lb, services: [http, mysql] }]\n" + exactly,
            "port 3306 (lb) is let through"
        )
        try Self.verify(
            "  allow: [{ from: 8.0.0.0/8, to: lb, services: http }]\n" + exactly,
            "is let through by no rule"
        )
        try Self.verify(
            "  allow: [{ from: any, to: lb, services: http }]\n  deny: [{ from: 9.9.9.9, to: lb }]\n" + exactly,
            "tcp from 9.9.9.9 to 10.0.0.1 port 80 (lb) is refused by `deny_9.9.9.9_lb` (line 10)"
        )
    }

    @Test("the file's own tests are tried at both ends")
    func tests() throws {
        func test(_ from: String, _ to: String, _ service: String, _ expect: String) -> String {
            "  allow: [{ from: app, to: db, services: mysql }]\n  deny: [{ from: lb, to: db, services: mysql, reject: true }]\n"
                + "  tests: [{ from: \(from), to: \(to), service: \(service), expect: \(expect) }]\n"
        }
        try Self.verify(test("app", "db", "mysql", "accept"))
        try Self.verify(test("203.0.113.7", "db", "mysql", "drop"))
        try Self.verify(test("lb", "db", "mysql", "reject"))
        try Self.verify(test("app", "db", "icmp", "accept"))
        try Self.verify(test("app", "db", "tcp/3307", "drop"))
        try Self.verify(
            test("203.0.113.7", "db", "mysql", "accept"),
            "11 error test expected accept, and got drop: tcp from 203.0.113.7 to 10.0.0.3 port 3306, into db: no rule lets it through"
        )
        try Self.verify(test("app", "db", "mysql", "drop"), "into db: by `app_db_mysql` (line 9)")
        // Of a range every port counts, wherever a line begins or ends.
        try Self.verify(test("203.0.113.7", "db", "tcp/3000-4000", "drop"))
        try Self.verify(
            test("app", "db", "tcp/3000-4000", "drop"),
            "expected drop, and got accept: tcp from 10.0.0.2 to 10.0.0.3 port 3306, into db: by `app_db_mysql` (line 9)"
        )
        try Self.verify(
            test("app", "db", "tcp/3306-3308", "accept"),
            "expected accept, and got drop: tcp from 10.0.0.2 to 10.0.0.3 port 3307"
        )
        try Self.verify(test("\"2001:db8::1\"", "db", "mysql", "drop"), "no connection to test")
        // Of a range that lines cut into more pieces than can be tried it is said that it is not tried. What lines about
        // other ends cut is no piece.
        func many(_ to: String) -> String {
            let lines = (1...2_100).map { "    - { from: 203.0.113.7, to: \(to), services: p\($0) }\n" }
            let test = "{ from: 203.0.113.7, to: db, service: tcp/1-65535, expect: drop }"
            return "  allow:\n\(lines.joined())  tests: [\(test)]\n"
        }
        let services = (1...2_100).map { ", p\($0): tcp/\($0 * 20)" }.joined()
        let start = Self.start.replacing("mysql: tcp/3306", with: "mysql: tcp/3306\(services)") + "firewall:\n"
        let told = try Self.findings(start + many("db"))
        #expect(told.count == 1 && told[0].contains("it is not tried: with each port"), "\(told)")
        #expect(told.first?.contains("it is about 4202 connections, and no more than 4096") == true, "\(told)")
        #expect(try Self.findings(start + many("app")) == [])
        try Self.verify(test("8.8.8.8", "9.9.9.9", "mysql", "drop"), "no host of the site is on the way")
    }

    @Test("a router is on the way, and a forwarded port leads on")
    func routers() throws {
        func verify(_ test: String, _ parts: String...) throws {
            let found = try Self.findings(
                RuleTests.router + """
                      allow: [{ from: lan, to: internet, services: web }]
                      masquerade: [{ from: lan, out: outside }]
                      forward: [{ from: internet, service: ssh, to: s, port: 2222 }]
                      tests: [\(test)]
                    """
            )
            Self.expect(found, parts)
        }
        try verify("{ from: 192.168.1.50, to: 8.8.8.8, service: web, expect: accept }")
        try verify("{ from: 192.168.1.50, to: 8.8.8.8, service: ssh, expect: drop }")
        try verify("{ from: 8.8.8.8, to: 192.168.1.50, service: web, expect: drop }")
        try verify("{ from: s, to: 8.8.8.8, service: tcp/80, expect: accept }")
        try verify(
            "{ from: 192.168.1.50, to: 8.8.8.8, service: web, expect: drop }",
            "through r: by `lan_internet_web`"
        )
        // Who sends to the host behind itself has not come by the forwarded port.
        try verify("{ from: 8.8.8.8, to: s, service: tcp/2222, expect: drop }")
        try verify("{ from: 8.8.8.8, to: s, service: ssh, expect: drop }")
        // A forwarded port of the router's, at any of its addresses that are known, and at nobody else's.
        try verify("{ from: 8.8.8.8, to: r, service: ssh, expect: accept }")
        try verify("{ from: 8.8.8.8, to: 192.168.1.50, service: ssh, expect: drop }")
    }

    @Test("of routers on one network the one is on the way that leads to the other end's")
    func routersOnOneNetwork() throws {
        func verify(_ test: String) throws {
            let found = try Self.findings(
                """
                site: a.b
                hosts:
                  one: { roles: [router], interfaces: { wan: { zone: outside, addresses: [198.51.100.5/24] },
                    lan: { zone: inside, addresses: [10.1.0.1/24] } } }
                  two: { roles: [router], interfaces: { up: { zone: dmz, addresses: [10.1.0.2/24] },
                    down: { zone: inside, addresses: [10.2.0.1/24] } } }
                  h: { addresses: [10.1.0.21/24] }
                services: { web: tcp/80 }
                firewall:
                  allow: [{ from: 10.2.0.0/24, to: h, services: web, out: dmz }, { from: 10.1.0.0/24, to: two, services: web }]
                  tests: [\(test)]
                """
            )
            #expect(found == [], "\(test): \(found)")
        }
        try verify("{ from: 10.2.0.130, to: h, service: web, expect: accept }")
        try verify("{ from: 10.1.0.130, to: 10.2.0.1, service: web, expect: accept }")
        try verify("{ from: 10.1.0.130, to: 8.8.8.8, service: web, expect: drop }")
    }

    @Test("a change of addresses that no router makes is named, and one that another line leaves nothing of")
    func translations() throws {
        let found = try Self.findings(
            RuleTests.router + """
                  masquerade: [{ from: lan, out: outside }, { from: "fd00:1::/64", out: outside }]
                  forward:
                    - { from: internet, service: ssh, to: s }
                    - { from: 8.8.8.0/24, service: ssh, to: s, port: 23 }
                """
        )
        let expected = ["15 warning ineffective line 14 changes all of it", "12 warning ineffective no router carries"]
        #expect(found.count == 2, "\(found)")
        for (finding, part) in zip(found, expected) { #expect(finding.hasPrefix(part), "\(finding)") }
    }

    @Test("of a host's addresses a port is forwarded to one that the router is attached to")
    func target() throws {
        let text = RuleTests.router.replacing("s: { addresses: [", with: "s: { addresses: [203.0.113.9/24, ")
        let site = try site(text + "  forward: [{ from: internet, service: ssh, to: s }]\n")
        #expect(Intent(of: site).host("r")?.translations.first?.kind == .destination(.v4(0xC0A8_010A), port: nil))
    }

    @Test("what the gateway offers and the policy does not open is named, and what it asks and the policy denies")
    func gateway() throws {
        let allow = "  allow: [{ from: any, to: gateway, services: http }]\n"
        try Self.verify(allow, gateway: Self.listening())
        try Self.verify(allow, "11 error conflict the gateway listens on port 81", gateway: Self.listening(on: 81))
        try Self.verify(
            allow + "  deny: [{ from: all, to: app }]\n",
            "cannot reach its server `app`: tcp from 10.0.0.1 to 10.0.0.2 port 8080 is refused out of lb: by `deny_all_app`",
            gateway: Self.listening()
        )
        // What others let in, a `deny` may take.
        for (deny, id) in [
            ("from: any, to: gateway, services: http", "deny_any_gateway_http"), ("from: any, to: lb", "deny_any_lb"),
        ] {
            try Self.verify(
                allow + "  deny: [{ \(deny) }]\n",
                "9 warning ineffective the rule `any_gateway_http` lets nothing through",
                "12 error conflict the gateway listens on port 80, and the policy lets nobody reach it: tcp from 8.8.8.8 to "
                    + "10.0.0.1 port 80 is refused by `\(id)` (line 10)",
                gateway: Self.listening()
            )
        }
        try Self.verify(allow + "  deny: [{ from: internet, to: lb }]\n", gateway: Self.listening())
        // What a gateway says to itself is no client's.
        try Self.verify(
            "  allow: [{ from: gateway, to: gateway, services: http }]\n",
            "the policy lets nobody reach it",
            gateway: Self.listening()
        )
        // What the gateway asks of itself never leaves it.
        try Self.verify(
            allow,
            gateway: Self.listening()
                .replacing("{ host: app, service: app }", with: "{ address: 127.0.0.1, port: 8080 }")
        )
        // One that faces the outside and is open inside alone is told of, with the line.
        let zones = Self.start.replacing(
            "lb: { roles: [gateway], addresses: [10.0.0.1/24] }",
            with: "lb: { roles: [gateway], interfaces: { eth0: { zone: outside, addresses: [198.51.100.1/24] }, "
                + "eth1: { zone: inside, addresses: [10.0.0.1/24] } } }"
        )
        func found(_ lines: String, _ port: String = "port: 80") throws -> [String] {
            let text = zones + "firewall:\n  allow:\n" + lines + Self.listening().replacing("port: 80", with: port)
            return try Self.findings(text)
        }
        let inner = "    - { from: any, to: gateway, services: http, in: inside }\n"
        let told = try found(inner)
        #expect(told.count == 1 && told[0].hasPrefix("10 warning conflict the gateway listens on port 80"), "\(told)")
        #expect(told.first?.contains("by `inside` alone") == true, "\(told)")
        #expect(try found(inner + inner.replacing("inside", with: "outside")) == [])
        #expect(try found(inner, "port: 80, address: 10.0.0.1") == [])
        #expect(try found(inner, "port: 80, address: 198.51.100.1").count == 1)
        // Prometheus is let in by a line, too, from another gateway if it is there.
        func scraped(at address: String, from clients: String? = nil, in start: String) throws -> [String] {
            let line = clients.map { ", { from: \($0), to: gateway, services: tcp/9100 }]\n" } ?? "]\n"
            let metrics = Self.listening() + "  metrics: { address: \(address), port: 9100 }\n"
            return try Self.findings(start + "firewall:\n" + allow.replacing("]\n", with: line) + metrics)
        }
        for address in ["10.0.0.1", "0.0.0.0"] {
            let found = try scraped(at: address, in: Self.start)
            Self.expect(found, ["14 error conflict the gateway listens on port 9100, and the policy"])
        }
        let pair = Self.start.replacing("[db]", with: "[gateway]")
        #expect(try scraped(at: "127.0.0.1", in: Self.start) == [])
        #expect(try scraped(at: "10.0.0.1", from: "app", in: Self.start) == [])
        #expect(try scraped(at: "10.0.0.1", from: "gateway", in: pair) == [])
        // A site without a policy is none that contradicts its gateway.
        #expect(try Self.findings(Self.start + Self.listening(on: 81)) == [])
    }

    @Test("a `deny` of the second address of a server, of name servers or of a CA is named")
    func needs() throws {
        let start =
            Self.certified(
                "10.0.0.2/24",
                as: "10.0.0.2/24, 10.0.0.4/24",
                services: ", dns: [tcp/53, udp/53], long: tcp/53"
            ) + "  allow: [{ from: any, to: gateway, services: http }]\n"
        func verify(_ deny: String, _ parts: String...) throws {
            Self.expect(try Self.findings(start + "  deny: [{ \(deny) }]\n"), parts)
        }
        try verify("from: lb, to: 9.9.9.9")
        try verify("from: lb, to: 10.0.0.4", "cannot reach its server `app`: tcp from 10.0.0.1 to 10.0.0.4 port 8080")
        try verify(
            "from: lb, to: any, services: https",
            "error conflict the gateway `lb` cannot reach anybody as `gateway-ca` wants: tcp from 10.0.0.1 to"
        )
        // Names are asked for by UDP, and by TCP where an answer is long.
        try verify(
            "from: lb, to: any, services: dns",
            "error conflict the gateway `lb` cannot reach anybody as `gateway-dns` wants: udp from 10.0.0.1 to"
        )
        try verify(
            "from: lb, to: any, services: long",
            "warning conflict the gateway `lb` cannot reach anybody over tcp as `gateway-dns` wants: tcp from 10.0.0.1 to"
        )
        try verify(
            "from: lb, to: internet, services: long",
            "warning conflict the gateway `lb` can do what `gateway-dns` is for over tcp with networks of the site alone: tcp"
        )
        try verify(
            "from: gateway, to: internet",
            "warning conflict the gateway `lb` can do what `gateway-dns` is for with networks of the site alone: udp",
            "`gateway-ca` is for with networks of the site alone: tcp"
        )
    }

    @Test("a `deny` of all of one family at the gateway is named, where lines open both or what it needs has both")
    func families() throws {
        let start = Self.certified("10.0.0.1/24", as: "10.0.0.1/24, \"2001:db8::1/64\"")
        func found(_ deny: String, from source: String = "any") throws -> [String] {
            let allow = "  allow: [{ from: \(source), to: gateway, services: http }]\n"
            return try Self.findings(start + allow + "  deny: [{ id: d, \(deny) }]\n")
        }
        let nobody = "10 warning conflict the gateway listens on port 80, and the policy lets nobody reach it by"
        #expect(
            try found("from: 0.0.0.0/0, to: gateway, services: http") == [
                "\(nobody) IPv4: tcp from 8.8.8.8 to 10.0.0.1 port 80 is refused by `d` (line 15)"
            ]
        )
        let six = try found("from: \"::/0\", to: gateway, services: http")
        #expect(six.count == 1 && six[0].hasPrefix("\(nobody) IPv6: tcp from "), "\(six)")
        #expect(try found("from: 203.0.113.0/24, to: gateway, services: http") == [])
        #expect(try found("from: \"::/0\", to: gateway, services: http", from: "0.0.0.0/0") == [])
        let needs = try found("from: lb, to: \"::/0\", services: https")
        let part = "cannot reach anybody by IPv6 as `gateway-ca` wants: tcp from 2001:db8::1"
        #expect(needs.count == 1 && needs[0].contains(part), "\(needs)")
        #expect(try found("from: lb, to: \"2001:db8:7::/48\", services: https") == [])
    }

    @Test("lines without effect are named")
    func lines() throws {
        try Self.verify(
            "  allow: [{ from: 8.8.8.8, to: 9.9.9.9 }]\n",
            "9 warning ineffective the rule `8.8.8.8_9.9.9.9`"
        )
        let icmp = "  deny: [{ id: d, from: 8.8.8.8, to: db, services: icmp }]\n"
        let early = "lets packets of the rule `d` through before this line is asked"
        try Self.verify(icmp, "9 warning ineffective the baseline (`icmp`, `ping`) \(early)")
        try Self.verify(icmp + "  baseline: { icmp: false, ping: false }\n")
        // A host that is let a group in tells its link so, whatever a line says of that.
        let group = "firewall:\n  allow: [{ from: app, to: 224.0.0.18, services: vrrp }]\n"
        let denied = "  deny: [{ id: d, from: app, to: 224.0.0.18, services: ip/2 }]\n"
        let found = try Self.findings(Self.start + group + denied).filter { $0.contains(early) }
        #expect(found == ["10 warning ineffective the baseline (`multicast-listeners`) \(early)"], "\(found)")
        try Self.verify("  deny: [{ from: 8.8.8.8, to: db }, { from: 8.8.8.8, to: db, services: [udp/68, mysql] }]\n")
        let timed = Self.start + "firewall: { allow: [{ from: app, to: db, expires: 2030-01-01T00:00:00Z }] }\n"
        #expect(try Self.findings(timed, now: 1_893_455_999) == [])
        #expect(try Self.findings(timed, now: 1_893_456_000).first?.contains("ended on 2030-01-01T00:00:00Z") == true)
    }

    @Test("a line of which a deny or a defence takes everything is named with what takes it")
    func void() throws {
        let line = "  allow: [{ from: office, to: all, services: mysql }]\n"
        let deny = "  deny: [{ from: office, to: all, services: [mysql, app] }]\n"
        try Self.verify(
            line + deny,
            "9 warning ineffective the rule `office_all_mysql` lets nothing through: tcp from 203.0.113."
        )
        try Self.verify(line + deny.replacing("to: all", with: "to: [app, db]"))
        try Self.verify(line + deny.replacing("from: office", with: "from: 203.0.113.7"))
        let outside = Self.start.replacing(
            "db: { roles: [db], addresses: [10.0.0.3/24] }",
            with: "db: { interfaces: { eth0: { zone: outside, addresses: [198.51.100.3/24] } } }"
        )
        let bogon = "firewall: { allow: [{ from: 192.168.7.7, to: db, services: mysql }] }\n"
        let found = try Self.findings(outside + bogon)
        #expect(found.count == 1 && found[0].contains("is refused by `bogons`"), "\(found)")
        #expect(try Self.findings(outside + bogon.replacing("192.168.7.7", with: "office")) == [])
    }
}
