import Firewall
import Foundation
import Site
import Testing

/// Two hosts that both have the internet, and a network in common: what the other has by its own provider is the internet.
@Suite("Two borders with a network in common")
struct TwoBordersTests {
    /// Two offices with a tunnel.
    private static func offices(_ firewall: String) -> String {
        SiteText.of(
            SiteText.router(
                "hq",
                "wan: { zone: outside, addresses: [198.51.100.5/24] }",
                "lan: { zone: inside, addresses: [10.1.0.1/24] }",
                "wg0: { zone: vpn, addresses: [10.8.0.1/30] }"
            ),
            SiteText.router(
                "br",
                "wan: { zone: outside, addresses: [192.0.2.5/24] }",
                "lan: { zone: inside, addresses: [10.2.0.1/24] }",
                "wg0: { zone: vpn, addresses: [10.8.0.2/30] }"
            ),
            firewall: firewall
        )
    }

    private static func failed(_ text: String, _ test: String, _ expected: String) throws -> [String] {
        try site("\(text)\n  tests: [{ \(test), expect: \(expected) }]").failedTests
    }

    @Test("the tunnel is carried over the internet, not over itself")
    func carrier() throws {
        let text = Self.offices("  allow: [{ id: c, from: br, to: hq, services: https, in: outside, out: outside }]")
        let proof = try #require(try site(text).answers().byID["c"])
        #expect(proof.isProved, "\(proof.summary)")
        let between = "from: 192.0.2.5, to: 198.51.100.5, service: https"
        #expect(try Self.failed(text, between, "accept") == [])
        let site = try site(text)
        let intent = Intent(of: site)
        let words = PacketWords(from: "192.0.2.5", to: "198.51.100.5", port: "https")
        let journeys = try words.journeys(at: try #require(intent.host("hq")), of: intent, site)
        #expect(journeys.map(\.isLetThrough) == [true] && journeys.map(\.packet.inputInterface) == ["wan"])
    }

    @Test("what is denied from outside is closed, though the tunnel has it")
    func denied() throws {
        let text = Self.offices(
            """
              deny: [{ from: br, to: hq, services: https, in: outside }]
              allow: [{ from: br, to: hq, services: https }]
              exactly: [{ id: e, from: 192.0.2.5, to: 198.51.100.5, services: https }]
            """
        )
        let proof = try #require(try site(text).answers().byID["e"])
        #expect(!proof.isProved, "\(proof.summary)")
        #expect(try Self.failed(text, "from: 192.0.2.5, to: 198.51.100.5, service: https", "drop") == [])
        // The networks within are behind the tunnel all the same.
        #expect(try Self.failed(text, "from: 10.8.0.2, to: 10.1.0.1, service: https", "accept") == [])
    }

    @Test("strangers come to what is behind an inner router of one by that one's provider, not by the tunnel")
    func behind() throws {
        let inner = SiteText.router(
            "r2",
            "up: { zone: inside, addresses: [10.2.0.3/24] }",
            "dn: { zone: inside, addresses: [10.3.0.1/24] }"
        )
        let text = Self.offices(
            """
              deny: [{ from: internet, to: any, in: outside, out: vpn }]
              allow:
                - { from: internet, to: h2, services: https }
                - { from: h2, to: internet, services: http, in: inside }
              exactly:
                - { id: in, from: 8.8.8.8, to: h2, services: https }
                - { id: out, from: h2, to: 8.8.8.8, services: http }
            """
        ).replacingOccurrences(of: "hosts:\n", with: "hosts:\n  \(inner)\n  h2: { addresses: [10.3.0.5/24] }\n")
        let proofs = try site(text).answers().byID
        for id in ["in", "out"] { #expect(proofs[id]?.isProved == true, "\(proofs[id]?.summary ?? id)") }
        for test in ["from: 8.8.8.8, to: h2, service: https", "from: h2, to: 8.8.8.8, service: http"] {
            #expect(try Self.failed(text, test, "accept") == [])
            let got = try Self.failed(text, test, "drop")
            #expect(got.count == 1 && got[0].contains("got accept"), "\(got)")
        }
        // It asks the office's own border all the same.
        let closed = text.replacingOccurrences(of: "out: vpn", with: "out: inside")
        let proof = try #require(try site(closed).answers().byID["in"])
        #expect(proof.answer == .refuted && proof.host == "br", "\(proof.summary)")
    }

    @Test("where both lead to the inner router, strangers may come by either", arguments: ["one", "two"])
    func either(closed: String) throws {
        func border(_ name: String, _ number: Int) -> String {
            SiteText.router(
                name,
                "wan: { zone: outside, addresses: [\(number == 1 ? "198.51.100" : "192.0.2").5/24] }",
                "lan: { zone: core\(name == closed ? "" : "-open"), addresses: [10.1.0.\(number)/24] }"
            )
        }
        let text = SiteText.of(
            border("one", 1),
            border("two", 2),
            SiteText.router(
                "r2",
                "up: { zone: up, addresses: [10.1.0.3/24] }",
                "dn: { zone: dn, addresses: [10.2.0.1/24] }"
            ),
            "h: { addresses: [10.2.0.5/24] }",
            firewall: """
                  deny: [{ from: internet, to: h, in: outside, out: core }]
                  allow: [{ from: internet, to: h, services: https }]
                  exactly: [{ id: e, from: 8.8.8.8, to: h, services: https }]
                """
        )
        let proof = try #require(try site(text).answers().byID["e"])
        #expect(proof.answer == .refuted && proof.host == closed, "\(proof.summary)")
    }

    @Test("who is a neighbour of the other's provider comes from the internet")
    func neighbour() throws {
        let text = SiteText.of(
            "lb: { interfaces: { eth0: { zone: outside, addresses: [198.51.100.10/24] }, "
                + "eth1: { zone: inside, addresses: [10.10.0.10/24] } } }",
            SiteText.router(
                "r1",
                "wan: { zone: outside, addresses: [192.0.2.5/24] }",
                "lan: { zone: inside, addresses: [10.10.0.1/24] }"
            ),
            firewall: """
                  allow: [{ from: any, to: lb, services: https, in: outside }]
                  exactly: [{ id: e, from: internet, to: lb, services: https }]
                """
        )
        #expect(try Self.failed(text, "from: 192.0.2.77, to: 198.51.100.10, service: https", "accept") == [])
        let proof = try #require(try site(text).answers().byID["e"])
        #expect(proof.isProved, "\(proof.summary)")
    }

    @Test("a named network of the internet comes from there, for claims, too", arguments: ["zone", "deny"])
    func office(kind: String) throws {
        let wrong = "  allow: [{ id: adm, from: office, to: lb, services: ssh, in: inside }]"
        let denied = """
              deny: [{ from: any, to: lb, services: ssh, in: outside }]
              allow: [{ id: adm, from: office, to: lb, services: ssh }]
            """
        let text = SiteText.of(
            "lb: { interfaces: { eth0: { zone: outside, addresses: [198.51.100.10/24] }, "
                + "eth1: { zone: inside, addresses: [10.10.0.10/24] } } }",
            networks: "office: 203.0.113.0/24, clients: 10.99.0.0/24",
            firewall: (kind == "zone" ? wrong : denied)
                + "\n  exactly: [{ id: e, from: office, to: 198.51.100.10, services: ssh }]"
        )
        let proof = try #require(try site(text).answers().byID["e"])
        #expect(!proof.isProved, "\(proof.summary)")
        #expect(try Self.failed(text, "from: 203.0.113.7, to: 198.51.100.10, service: ssh", "drop") == [])
        let right = text.replacingOccurrences(of: "in: inside", with: "in: outside")
        if kind == "zone" { #expect(try site(right).answers().byID["e"]?.isProved == true) }
        // Whose clients these are, and by which tunnel they come, the file does not say.
        let tunnel = text.replacingOccurrences(of: "from: office", with: "from: clients")
        if kind == "zone" { #expect(try site(tunnel).answers().byID["adm"]?.isProved == true) }
    }

    @Test("named groups and addresses of a link may be behind any interface", arguments: ["vrrp", "meta"])
    func groups(network: String) throws {
        let text = SiteText.of(
            "a: { interfaces: { eth0: { zone: outside, addresses: [198.51.100.10/24] }, "
                + "eth1: { zone: inside, addresses: [10.10.0.10/24] } } }",
            "b: { interfaces: { eth0: { zone: outside, addresses: [198.51.100.11/24] }, "
                + "eth1: { zone: inside, addresses: [10.10.0.11/24] } } }",
            networks: "vrrp: 224.0.0.18, meta: 169.254.169.254",
            firewall: "  allow: [{ id: out, from: [a, b], to: \(network), services: dns, out: inside }]"
        )
        let proof = try #require(try site(text).answers().byID["out"])
        #expect(proof.isProved, "\(proof.summary)")
    }

    @Test("an inner router leads to what is behind its uplink, in any zone", arguments: ["up", "outside"])
    func uplink(zone: String) throws {
        let text = SiteText.of(
            SiteText.router(
                "r1",
                "wan: { zone: outside, addresses: [198.51.100.5/24] }",
                "lan: { zone: inside, addresses: [10.1.0.1/24] }",
                "sd: { zone: side, addresses: [10.3.0.1/24] }"
            ),
            SiteText.router(
                "r2",
                "upl: { zone: \(zone), addresses: [10.1.0.2/24] }",
                "dn: { zone: dmz, addresses: [10.2.0.1/24] }"
            ),
            "h: { interfaces: { eth0: { zone: dmz, addresses: [10.2.0.10/24] }, "
                + "eth1: { zone: backup, addresses: [10.9.0.10/24] } } }",
            networks: "side: 10.3.0.0/24",
            firewall: """
                  deny: [{ from: side, to: h, services: https, in: dmz }]
                  allow: [{ from: side, to: h, services: https }]
                  exactly: [{ id: e, from: 10.3.0.77, to: 10.2.0.10, services: https }]
                """
        )
        let proof = try #require(try site(text).answers().byID["e"])
        #expect(proof.answer == .refuted && proof.host == "h", "\(proof.summary)")
        #expect(try Self.failed(text, "from: 10.3.0.77, to: 10.2.0.10, service: https", "drop") == [])
    }

    /// Two routers with the same networks, and addresses that the one has which is up.
    private static func pair(_ firewall: String) -> String {
        func router(_ name: String, _ last: Int) -> String {
            SiteText.router(
                name,
                "eth0: { zone: outside, addresses: [198.51.100.\(last)/24], shared: [198.51.100.100/24] }",
                "eth1: { zone: inside, addresses: [10.20.0.\(last)/24, \"2001:db8:7::\(last)/64\"], "
                    + "shared: [10.20.0.1/24] }"
            )
        }
        return SiteText.of(router("r1", 11), router("r2", 12), networks: "lan: 10.20.0.0/24", firewall: firewall)
    }

    @Test("an address of one of a pair is reached by itself, not through the other")
    func pair() throws {
        let text = Self.pair(
            """
              allow:
                - { from: lan, to: router, services: ssh, in: inside }
                - { from: internet, to: r1, services: https, in: outside }
              exactly: [{ id: e, from: 10.20.0.99, to: 198.51.100.11, services: ssh }]
            """
        )
        let proof = try #require(try site(text).answers().byID["e"])
        #expect(proof.isProved, "\(proof.summary)")
        for test in [
            "from: 10.20.0.99, to: 198.51.100.11, service: ssh", "from: 10.20.0.99, to: 198.51.100.100, service: ssh",
            "from: \"2001:4860:4860::8888\", to: \"2001:db8:7::11\", service: https",
        ] {
            #expect(try Self.failed(text, test, "accept") == [])
            let got = try Self.failed(text, test, "drop")
            #expect(got.count == 1 && got[0].contains("got accept"), "\(got)")
        }
        #expect(try Self.failed(text, "from: 10.20.0.99, to: 198.51.100.11, service: https", "drop") == [])
    }

    @Test("which of two ways out of a network it is nobody can tell", arguments: ["a", "z"])
    func uplinks(second: String) throws {
        let text = SiteText.of(
            SiteText.router(
                "fibre",
                "eth0: { zone: outside, addresses: [198.51.100.2/24] }",
                "eth1: { zone: inside, addresses: [10.1.0.1/24] }"
            ),
            SiteText.router(second, "wwan0: { zone: backup }", "eth1: { zone: inside, addresses: [10.1.0.2/24] }"),
            SiteText.router(
                "r3",
                "upl: { zone: core, addresses: [10.1.0.3/24] }",
                "dn: { zone: lab, addresses: [10.2.0.1/24] }"
            ),
            networks: "lan: [10.1.0.0/24, 10.2.0.0/24]",
            firewall: """
                  allow:
                    - { from: lan, to: internet, services: https, out: outside }
                    - { from: lan, to: internet, services: https, out: core }
                    - { from: lan, to: internet, services: http }
                    - { from: internet, to: lan, services: ssh, in: outside }
                  masquerade: [{ from: lan, out: outside }, { from: lan, out: backup }]
                """
        )
        let (out, back) = ("from: 10.1.0.77, to: 8.8.8.8, service: ", "from: 8.8.8.8, to: 10.1.0.77, service: ")
        // It passes the inner router first.
        let inner = "from: 10.2.0.77, to: 8.8.8.8, service: "
        let both = ["fibre", second].sorted().joined(separator: " or ")
        for expected in ["accept", "drop"] {
            for test in [out + "https", inner + "https", back + "ssh"] {
                let found = try Self.failed(text, test, expected)
                #expect(found.count == 1 && found[0].contains("cannot tell what becomes of it"), "\(found)")
                #expect(found.first?.contains("through \(both): which of them") == true, "\(found)")
            }
        }
        // Where both decide alike, it is known.
        for test in [out + "http", inner + "http"] { #expect(try Self.failed(text, test, "accept") == []) }
        for test in [out + "ssh", inner + "ssh", back + "https"] { #expect(try Self.failed(text, test, "drop") == []) }
    }

    @Test("strangers come to a border by its provider, past another router that is attached there")
    func attached() throws {
        let text = SiteText.of(
            SiteText.router(
                "gw",
                "eth0: { zone: outside, addresses: [198.51.100.11/24] }",
                "eth1: { zone: inside, addresses: [10.20.0.11/24] }"
            ),
            SiteText.router(
                "vpn",
                "eth0: { zone: dmz, addresses: [198.51.100.20/24] }",
                "eth1: { zone: inside, addresses: [10.20.0.20/24] }",
                "wg0: { zone: clients, addresses: [10.40.0.1/24] }"
            ),
            "app: { addresses: [10.20.0.21/24] }",
            firewall: """
                  allow:
                    - { from: internet, to: gw, services: http, in: outside }
                    - { from: 10.40.0.0/24, to: gw, services: https }
                  forward: [{ from: internet, service: way, to: app, port: 22 }]
                """
        )
        for service in ["http", "way"] {
            let test = "from: 93.184.215.7, to: 198.51.100.11, service: \(service)"
            #expect(try Self.failed(text, test, "accept") == [])
            let got = try Self.failed(text, test, "drop")
            #expect(got.count == 1 && got[0].contains("got accept"), "\(got)")
        }
        // Its own clients come through it.
        let lost = try Self.failed(text, "from: 10.40.0.9, to: 198.51.100.11, service: http", "accept")
        #expect(lost.count == 1 && lost[0].contains("through vpn: "), "\(lost)")
    }

    @Test("a line of forward is proved by the border next to the host, though the other office carries it out, too")
    func forwarded() throws {
        for target in ["h", "10.1.0.1"] {
            let text = Self.offices("  forward: [{ id: f, from: internet, service: way, to: \(target), port: 22 }]")
                .replacingOccurrences(of: "hosts:\n", with: "hosts:\n  h: { addresses: [10.1.0.9/24] }\n")
            let proof = try #require(try site(text).answers().byID["f"])
            #expect(proof.isProved, "\(proof.summary)")
            #expect(try Self.failed(text, "from: 8.8.8.8, to: 198.51.100.5, service: way", "accept") == [])
        }
    }
}
