import Firewall
import Site
import Testing

/// What lies behind an inner router: the site file tells which interfaces lead there, for its tests, `explain`, claims and
/// what is asked of the gateway.
@Suite("What lies behind an inner router")
struct InnerRouterTests {
    private static let border = SiteText.router(
        "r1",
        "wan: { zone: outside, addresses: [198.51.100.5/24] }",
        "lan: { zone: inside, addresses: [10.1.0.1/24] }"
    )
    private static let inner = SiteText.router(
        "r2",
        "upl: { zone: inside, addresses: [10.1.0.2/24] }",
        "dn: { zone: inside, addresses: [10.2.0.1/24] }"
    )
    private static let host = "h1: { interfaces: { eth0: { zone: inside, addresses: [10.2.0.21/24] } } }"

    /// The internet, `r1`, `r2`, `h1`.
    private static func text(_ firewall: String) -> String {
        SiteText.of(
            border,
            inner,
            host,
            networks: "private: 10.0.0.0/8, office: 203.0.113.0/24",
            firewall: firewall
        )
    }

    private static func failed(_ text: String, _ test: String, _ expected: String) throws -> [String] {
        try site("\(text)\n  tests: [{ \(test), expect: \(expected) }]").failedTests
    }

    private static func proofs(_ text: String) throws -> [String: ClaimProof] { try site(text).answers().byID }

    @Test("strangers come to it by the border, too", arguments: ["deny", "zone"])
    func border(kind: String) throws {
        let denied = """
              deny: [{ id: border, from: any, to: h1, services: https, in: outside }]
              allow: [{ id: web, from: any, to: h1, services: https }]
            """
        let bound = "  allow: [{ id: web, from: internet, to: h1, services: https, in: inside }]"
        let exactly = "\n  exactly: [{ id: e, from: internet, to: h1, services: https }]"
        let text = Self.text((kind == "deny" ? denied : bound) + exactly)
        let exact = try #require(try Self.proofs(text)["e"])
        #expect(exact.answer == .refuted && exact.host == "r1", "\(exact.summary)")
        let test = "from: 8.8.8.8, to: h1, service: https"
        #expect(try Self.failed(text, test, "drop") == [])
        let lost = try Self.failed(text, test, "accept")
        #expect(lost.count == 1 && lost[0].contains("through r1: "), "\(lost)")
    }

    @Test("where the border lets them through, what they may is proved")
    func open() throws {
        let text = Self.text(
            """
              allow: [{ id: web, from: any, to: h1, services: https }]
              exactly: [{ id: e, from: internet, to: h1, services: https }]
            """
        )
        let proofs = try Self.proofs(text)
        for id in ["web", "e"] { #expect(proofs[id]?.isProved == true, "\(proofs[id]?.summary ?? id)") }
        #expect(try Self.failed(text, "from: 8.8.8.8, to: h1, service: https", "accept") == [])
    }

    @Test("so does a named network that nobody of the site is attached to, and what is sent there")
    func named() throws {
        let text = Self.text(
            """
              deny: [{ id: border, from: any, to: h1, services: ssh, in: outside }]
              allow:
                - { id: adm, from: office, to: h1, services: [ssh, http] }
                - { id: web, from: office, to: h1, services: https, in: inside }
                - { id: far, from: h1, to: office, services: mysql }
                - { id: near, from: h1, to: office, services: https, out: inside }
              exactly:
                - { id: closed, from: office, to: h1, services: [ssh, http, https] }
                - { id: lost, from: h1, to: office, services: [mysql, https] }
            """
        )
        let proofs = try Self.proofs(text)
        for id in ["web", "closed", "lost"] {
            let proof = try #require(proofs[id])
            #expect(proof.answer == .refuted && proof.host == "r1", "\(proof.summary)")
        }
        for id in ["adm", "far"] { #expect(proofs[id]?.isProved == true, "\(proofs[id]?.summary ?? id)") }
        let (inward, outward) = ("from: 203.0.113.7, to: h1, service: ", "from: h1, to: 203.0.113.7, service: ")
        for test in [inward + "ssh", inward + "https", outward + "https"] {
            #expect(try Self.failed(text, test, "drop") == [])
            let lost = try Self.failed(text, test, "accept")
            #expect(lost.count == 1 && lost[0].contains("through r1: "), "\(lost)")
        }
        for test in [inward + "http", outward + "mysql"] { #expect(try Self.failed(text, test, "accept") == []) }
    }

    @Test("who is in a network between the two is asked by the inner router alone")
    func between() throws {
        let text = Self.text(
            """
              allow: [{ from: private, to: h1, services: https, in: inside }]
              exactly: [{ id: e, from: 10.1.0.50, to: h1, services: https }]
            """
        )
        let exact = try #require(try Self.proofs(text)["e"])
        #expect(exact.isProved, "\(exact.summary)")
        #expect(try Self.failed(text, "from: 10.1.0.50, to: h1, service: https", "accept") == [])
    }

    @Test("nor is the border asked about the rest of the private addresses, which no provider passes on")
    func rest() throws {
        let text = Self.text(
            """
              allow:
                - { id: in, from: private, to: h1, services: https, in: inside }
                - { id: out, from: h1, to: private, services: ssh, out: inside }
              exactly: [{ id: e, from: private, to: h1, services: https }]
            """
        )
        let proofs = try Self.proofs(text)
        for id in ["in", "out", "e"] { #expect(proofs[id]?.isProved == true, "\(proofs[id]?.summary ?? id)") }
        #expect(try Self.failed(text, "from: 10.99.0.7, to: h1, service: https", "accept") == [])
        #expect(try Self.failed(text, "from: h1, to: 10.99.0.7, service: ssh", "accept") == [])
    }

    @Test("each router of a row is asked, whatever their names are", arguments: ["a", "z"])
    func middle(name: String) throws {
        let text = SiteText.of(
            Self.border,
            SiteText.router(
                name,
                "left: { zone: inside, addresses: [10.1.0.3/24] }",
                "right: { zone: inside, addresses: [10.3.0.3/24] }"
            ),
            SiteText.router(
                "r3",
                "upl: { zone: inside, addresses: [10.3.0.4/24] }",
                "dn: { zone: deep, addresses: [10.4.0.1/24] }"
            ),
            "h1: { interfaces: { eth0: { zone: deep, addresses: [10.4.0.21/24] } } }",
            firewall: """
                  allow:
                    - { from: any, to: h1, services: https, in: outside }
                    - { from: any, to: h1, services: https, in: deep }
                  exactly: [{ id: e, from: internet, to: h1, services: https }]
                """
        )
        let exact = try #require(try Self.proofs(text)["e"])
        #expect(exact.answer == .refuted, "\(exact.summary)")
        let lost = try Self.failed(text, "from: 8.8.8.8, to: h1, service: https", "accept")
        #expect(lost.count == 1 && lost[0].contains("through \(name): "), "\(lost)")
    }

    @Test("strangers come by the border to one whose uplink is inside for another", arguments: ["up", "outside"])
    func uplink(zone: String) throws {
        let text = SiteText.of(
            Self.border,
            SiteText.router(
                "r2",
                "left: { zone: inside, addresses: [10.1.0.3/24] }",
                "right: { zone: floor, addresses: [10.3.0.3/24] }"
            ),
            SiteText.router(
                "r3",
                "upl: { zone: \(zone), addresses: [10.3.0.4/24] }",
                "dn: { zone: deep, addresses: [10.4.0.1/24] }"
            ),
            "h1: { interfaces: { eth0: { zone: deep, addresses: [10.4.0.21/24] } } }",
            firewall: """
                  deny:
                    - { from: any, to: h1, services: https, in: outside, out: inside }
                    - { from: h1, to: any, services: https, in: inside, out: outside }
                  allow:
                    - { from: any, to: h1, services: https }
                    - { from: h1, to: any, services: https }
                    - { from: r2, to: internet, services: http, out: inside }
                    - { from: r2, to: internet, services: http, out: outside }
                  exactly:
                    - { id: in, from: 8.8.8.8, to: h1, services: https }
                    - { id: out, from: h1, to: 8.8.8.8, services: https }
                """
        )
        let proofs = try Self.proofs(text)
        for (id, ends) in [("in", "from: 8.8.8.8, to: h1"), ("out", "from: h1, to: 8.8.8.8")] {
            let exact = try #require(proofs[id])
            #expect(exact.answer == .refuted && exact.host == "r1", "\(exact.summary)")
            #expect(try Self.failed(text, "\(ends), service: https", "drop") == [])
            let lost = try Self.failed(text, "\(ends), service: https", "accept")
            #expect(lost.count == 1 && lost[0].contains("through r1: "), "\(lost)")
        }
        // Nor is it another way of the one between the two.
        #expect(try Self.failed(text, "from: r2, to: 8.8.8.8, service: http", "accept") == [])
    }

    @Test("the border is asked about the source that a router before it masquerades", arguments: ["a", "z"])
    func masqueraded(name: String) throws {
        let text = SiteText.of(
            SiteText.router(
                name,
                "wan: { zone: outside, addresses: [198.51.100.5/24] }",
                "lan: { zone: core, addresses: [10.1.0.1/24] }"
            ),
            SiteText.router(
                "r2",
                "upl: { zone: outside, addresses: [10.1.0.2/24] }",
                "dn: { zone: floor, addresses: [10.3.0.1/24] }"
            ),
            SiteText.router(
                "r3",
                "upl: { zone: floor, addresses: [10.3.0.2/24] }",
                "dn: { zone: lab, addresses: [10.2.0.1/24] }"
            ),
            "h1: { interfaces: { eth0: { zone: lab, addresses: [10.2.0.21/24] } } }",
            networks: "lab: 10.2.0.0/24",
            firewall: """
                  allow:
                    - { from: lab, to: internet, services: [http, https] }
                    - { from: 10.1.0.2, to: internet, services: http }
                  masquerade: [{ from: lab, out: outside, to: internet }]
                """
        )
        let (open, closed) = ("from: h1, to: 8.8.8.8, service: http", "from: h1, to: 8.8.8.8, service: https")
        #expect(try Self.failed(text, open, "accept") == [])
        #expect(try Self.failed(text, closed, "drop") == [])
        let lost = try Self.failed(text, closed, "accept")
        #expect(lost.count == 1 && lost[0].contains("through \(name): no rule"), "\(lost)")
    }

    @Test("the border's own packets to it leave by the network of the inner router")
    func sent() throws {
        let text = Self.text(
            """
              deny: [{ id: leak, from: any, to: private, out: outside }]
              allow: [{ id: adm, from: r1, to: h1, services: ssh }]
            """
        )
        let proof = try #require(try Self.proofs(text)["adm"])
        #expect(proof.isProved, "\(proof.summary)")
        #expect(try Self.failed(text, "from: r1, to: h1, service: ssh", "accept") == [])
        let got = try Self.failed(text, "from: r1, to: h1, service: ssh", "drop")
        #expect(got.count == 1 && got[0].contains("got accept"), "\(got)")
    }

    @Test("what comes from there comes in by it, for tests and `explain`")
    func received() throws {
        let text = Self.text("  allow: [{ from: private, to: r1, services: ssh, in: inside }]")
        #expect(try Self.failed(text, "from: h1, to: 10.1.0.1, service: ssh", "accept") == [])
        let site = try site(text)
        let intent = Intent(of: site)
        let words = PacketWords(from: "h1", to: "10.1.0.1", port: "ssh")
        let journeys = try words.journeys(at: try #require(intent.host("r1")), of: intent, site)
        #expect(journeys.map(\.isLetThrough) == [true])
        #expect(journeys.map(\.packet.inputInterface) == ["lan"])
    }

    @Test("where several interfaces lead there nobody can tell which it is")
    func several() throws {
        let two = "eth0: { zone: one, addresses: [10.1.0.9/24] }, eth1: { zone: two, addresses: [10.5.0.9/24] }"
        let text = SiteText.of(
            "h2: { interfaces: { \(two) } }",
            SiteText.router(
                "r2",
                "a: { zone: one, addresses: [10.1.0.2/24] }",
                "b: { zone: two, addresses: [10.5.0.2/24] }",
                "dn: { zone: deep, addresses: [10.2.0.1/24] }"
            ),
            Self.host,
            firewall: """
                  deny: [{ from: h2, to: h1, services: ssh, out: two }]
                  allow: [{ from: h2, to: h1, services: [ssh, http] }]
                  exactly: [{ id: e, from: h2, to: h1, services: [ssh, http] }]
                """
        )
        let exact = try #require(try Self.proofs(text)["e"])
        #expect(exact.answer == .unknown, "\(exact.summary)")
        for expected in ["accept", "drop"] {
            let found = try Self.failed(text, "from: h2, to: h1, service: ssh", expected)
            #expect(!found.isEmpty && found.allSatisfy { $0.contains("which interface of h2 leads to") }, "\(found)")
        }
        #expect(try Self.failed(text, "from: h2, to: h1, service: http", "accept") == [])
    }

    /// The inner router has zones of its own, none of which is the border's; `extra` is another interface of it.
    private static func apart(_ firewall: String, extra: String = "") -> String {
        let upl = "upl: { zone: transit, addresses: [10.1.0.2/24] }"
        let dn = "dn: { zone: dmz, addresses: [10.2.0.1/24] }\(extra)"
        return SiteText.of(
            SiteText.router(
                "r1",
                "wan: { zone: outside, addresses: [198.51.100.5/24] }",
                "lan: { zone: inside, addresses: [10.1.0.1/24] }",
                "side: { zone: side, addresses: [10.3.0.1/24] }"
            ),
            SiteText.router("r2", upl, dn),
            host,
            networks: "private: 10.0.0.0/8",
            firewall: firewall
        )
    }

    @Test("its way to the internet is the network that it shares with the border, for tests, `explain` and claims")
    func outward() throws {
        let lines = """
              allow:
                - { from: r2, to: internet, services: https, out: transit }
                - { from: r2, to: internet, services: https, out: outside }
                - { from: private, to: internet, services: http, out: outside }
                - { from: internet, to: r2, services: ssh, in: transit }
            """
        let text = Self.apart(lines)
        #expect(try Self.failed(text, "from: r2, to: 8.8.8.8, service: https", "accept") == [])
        let got = try Self.failed(text, "from: r2, to: 8.8.8.8, service: https", "drop")
        #expect(!got.isEmpty && got.allSatisfy { $0.contains("got accept") }, "\(got)")
        // It is not between its neighbours there and the internet.
        #expect(try Self.failed(text, "from: 10.1.0.50, to: 8.8.8.8, service: http", "accept") == [])
        let site = try site(text)
        let intent = Intent(of: site)
        let inner = try #require(intent.host("r2"))
        let sent = try PacketWords(from: "r2", to: "8.8.8.8", port: "https").journeys(at: inner, of: intent, site)
        #expect(sent.map(\.isLetThrough) == [true] && sent.map(\.packet.outputInterface) == ["upl"])
        let come = try PacketWords(from: "8.8.8.8", to: "10.1.0.2", port: "ssh").journeys(at: inner, of: intent, site)
        #expect(come.map(\.isLetThrough) == [true] && come.map(\.packet.inputInterface) == ["upl"])

        let quiet = Self.apart(
            """
              deny: [{ from: r2, to: internet, services: https, out: transit }]
              allow: [{ id: a, from: r2, to: internet, services: https }]
            """
        )
        let closed = try #require(try Self.proofs(quiet)["a"])
        #expect(!closed.isProved, "\(closed.summary)")
        #expect(try Self.failed(quiet, "from: r2, to: 8.8.8.8, service: https", "drop") == [])
    }

    @Test("which of two networks that it shares with the border is its way to the internet nobody can tell")
    func outwardByTwo() throws {
        let text = Self.apart(
            "  allow: [{ from: any, to: internet, services: https, out: transit }]",
            extra: ", more: { zone: more, addresses: [10.3.0.2/24] }"
        )
        for expected in ["accept", "drop"] {
            let found = try Self.failed(text, "from: 10.1.0.2, to: 8.8.8.8, service: https", expected)
            #expect(!found.isEmpty && found.allSatisfy { $0.contains("which interface of r2 leads to") }, "\(found)")
        }
    }

    /// A gateway between the internet and the inner router.
    private static func gateway(_ denied: String) -> String {
        """
        site: a.b
        networks: { private: 10.0.0.0/8 }
        hosts:
          lb:
            roles: [gateway]
            interfaces:
              eth0: { zone: outside, addresses: [198.51.100.10/24] }
              eth1: { zone: dmz, addresses: [10.1.0.10/24] }
          r2:
            roles: [router]
            interfaces:
              upl: { zone: dmz, addresses: [10.1.0.2/24] }
              dn: { zone: inside, addresses: [10.2.0.1/24] }
          app: { roles: [app], interfaces: { eth0: { zone: inside, addresses: [10.2.0.21/24] } } }
        services: { http: tcp/80, https: tcp/443, app: tcp/8080 }
        firewall:
          allow: [{ from: any, to: gateway, services: [http, https] }]
          deny: [{ id: lost, \(denied) }]
        gateway:
          listen: [{ port: 443, tls: { certificates: [a.b] } }, { port: 80, redirect: https }]
          routes: [{ hosts: [a.b], pool: web }]
          pools: { web: { servers: [{ host: app, service: app }] } }
        certificates: { a.b: { names: [a.b], issuer: internal } }
        """
    }

    @Test("a gateway reaches its servers there by the interface that leads to the router")
    func servers() throws {
        func unreached(_ denied: String) throws -> [String] {
            PolicyCheck.findings(try site(Self.gateway(denied)), file: "site.yaml", now: 0).map(\.message)
                .filter { $0.contains("cannot reach its server `app`") }
        }
        let leak = "from: any, to: private, out: outside"
        #expect(try unreached(leak) == [])
        let open = try #require(try Self.proofs(Self.gateway(leak))["pool-web"])
        #expect(open.isProved, "\(open.summary)")
        let quiet = "from: lb, to: app, out: dmz"
        #expect(try unreached(quiet).count == 1)
        let closed = try #require(try Self.proofs(Self.gateway(quiet))["pool-web"])
        #expect(closed.word == "void", "\(closed.summary)")
    }
}
