import Firewall
import Site
import Testing

/// By which interface a host has its peer, and what comes of it that the site file may not say: the file's own tests and
/// `explain` go by the same.
@Suite("Peers and the interfaces that lead to them")
struct UnplacedPeerTests {
    private static func failed(
        _ text: String,
        _ from: String,
        _ to: String,
        _ service: String,
        _ expected: String
    ) throws -> [String] {
        let test = "\n  tests: [{ from: \(from), to: \(to), service: \(service), expect: \(expected) }]\n"
        return try site(text + test).failedTests
    }

    private static func journeys(_ text: String, at host: String, _ words: PacketWords) throws -> [Journey] {
        let site = try site(text)
        let intent = Intent(of: site)
        return try words.journeys(at: try #require(intent.host(host)), of: intent, site)
    }

    /// A host with two interfaces.
    private static func two(_ role: String, zone: String) -> String {
        SiteText.of(
            SiteText.router(
                "h",
                role: role,
                "eth0: { zone: \(zone), addresses: [198.51.100.5/24] }",
                "eth1: { zone: lan, addresses: [10.1.0.1/24] }"
            ),
            firewall: """
                  allow:
                    - { from: h, to: internet, services: dns, out: \(zone) }
                    - { from: internet, to: h, services: ssh, in: \(zone) }
                    - { from: any, to: h, services: http }
                """
        )
    }

    @Test("what hangs on an interface that the site file does not say fails a test, whatever it expects")
    func ends() throws {
        for role in ["router", "web"] {
            let text = Self.two(role, zone: "wan")
            for (from, to, service) in [("9.9.9.9", "198.51.100.5", "ssh"), ("198.51.100.5", "9.9.9.9", "dns")] {
                for expected in ["accept", "drop"] {
                    let found = try Self.failed(text, from, to, service, expected)
                    #expect(found.count == 1, "\(found)")
                    #expect(found.first?.contains("cannot tell what becomes of it") == true, "\(found)")
                    #expect(found.first?.contains("which interface of h leads to") == true, "\(found)")
                }
            }
            // Where all of them decide alike, and where it is known which it is, there is an answer.
            #expect(try Self.failed(text, "9.9.9.9", "h", "http", "accept") == [])
            #expect(try Self.failed(text, "9.9.9.9", "h", "http", "drop").first?.contains("got accept") == true)
            #expect(try Self.failed(text, "9.9.9.9", "h", "tcp/23", "drop") == [])
            #expect(try Self.failed(text, "10.1.0.9", "h", "ssh", "drop") == [])
            let known = Self.two(role, zone: "outside")
            for (from, to, service) in [("9.9.9.9", "198.51.100.5", "ssh"), ("198.51.100.5", "9.9.9.9", "dns")] {
                #expect(try Self.failed(known, from, to, service, "accept") == [])
                #expect(try Self.failed(known, from, to, service, "drop").first?.contains("got accept") == true)
            }
        }
    }

    @Test("explain asks for the interface there, and follows a packet of which all decide alike")
    func explained() throws {
        func words(_ port: String, by interface: String? = nil) -> PacketWords {
            PacketWords(from: "9.9.9.9", to: "h", port: port, interface: interface)
        }
        for role in ["router", "web"] {
            let text = Self.two(role, zone: "wan")
            let problem = #expect(throws: PacketWords.Problem.self) {
                _ = try Self.journeys(text, at: "h", words("ssh"))
            }
            let said = problem?.description ?? ""
            #expect(said.contains("22 in by eth0, new, but not as "), "\(said)")
            #expect(said.hasSuffix("or write --interface"), "\(said)")
            #expect(try Self.journeys(text, at: "h", words("ssh", by: "eth0")).map(\.isLetThrough) == [true])
            #expect(try Self.journeys(text, at: "h", words("ssh", by: "eth1")).map(\.isLetThrough) == [false])
            #expect(try Self.journeys(text, at: "h", words("http")).map(\.isLetThrough) == [true, true])
            #expect(try Self.journeys(text, at: "h", words("tcp/23")).map(\.isLetThrough) == [false, false])
            let known = Self.two(role, zone: "outside")
            #expect(try Self.journeys(known, at: "h", words("ssh")).map(\.isLetThrough) == [true])
        }
    }

    @Test("of networks within each other the narrower leads to a peer, and to everything else the uplink by DHCP")
    func nested() throws {
        let text = SiteText.of(
            SiteText.router(
                "r",
                "lan: { zone: lan, addresses: [10.0.0.1/8] }",
                "lab: { zone: lab, addresses: [10.5.0.1/24] }",
                "up: { zone: up }"
            ),
            firewall: """
                  allow:
                    - { from: any, to: r, services: ssh, in: lab }
                    - { from: any, to: r, services: http, in: lan }
                    - { from: any, to: r, services: https, in: up }
                """
        )
        let services = ["lab": "ssh", "lan": "http", "up": "https"]
        for (source, interface) in [("10.5.0.9", "lab"), ("10.6.0.9", "lan"), ("9.9.9.9", "up")] {
            for (zone, service) in services {
                let isLet = zone == interface
                let found = try Self.failed(text, source, "10.0.0.1", service, isLet ? "accept" : "drop")
                #expect(found == [], "\(source) \(service)")
                let words = PacketWords(from: source, to: "10.0.0.1", port: service)
                let journeys = try Self.journeys(text, at: "r", words)
                #expect(journeys.map(\.isLetThrough) == [isLet], "\(source) \(service)")
                #expect(journeys.map(\.packet.inputInterface) == [interface], "\(source) \(service)")
            }
        }
    }

    @Test("a host that a router passes a packet on to may have it by any interface, too")
    func arrival() throws {
        let target = "eth0: { zone: one, addresses: [10.2.0.5/24] }, eth1: { zone: two, addresses: [10.3.0.5/24] }"
        let text = SiteText.of(
            SiteText.router(
                "r1",
                "lan: { zone: lan, addresses: [10.1.0.1/24] }",
                "up: { zone: outside, addresses: [198.51.100.5/24] }"
            ),
            "t: { interfaces: { \(target) } }",
            networks: "people: 10.1.0.0/24",
            firewall: """
                  allow: [{ from: people, to: t, services: [ssh, http] }]
                  deny: [{ from: people, to: t, services: ssh, in: two }]
                """
        )
        for expected in ["accept", "drop"] {
            let found = try Self.failed(text, "10.1.0.9", "10.2.0.5", "ssh", expected)
            #expect(found.count == 1 && found[0].contains("which interface of t leads to"), "\(found)")
        }
        #expect(try Self.failed(text, "10.1.0.9", "10.2.0.5", "http", "accept") == [])
        func journey(_ port: String) throws -> Journey {
            let words = PacketWords(from: "10.1.0.9", to: "10.2.0.5", port: port)
            return try #require(try Self.journeys(text, at: "r1", words).first)
        }
        let lost = try journey("ssh")
        #expect(lost.decision.isAccepted && lost.arrival?.host == "t" && lost.arrival?.decision == nil)
        #expect(!lost.isLetThrough)
        #expect(try journey("http").isLetThrough)
    }

    @Test("a port that one interface forwards, and another lets in, is nobody's to tell")
    func forwarded() throws {
        func failed(_ deny: String, _ expected: String) throws -> [String] {
            let text = SiteText.of(
                SiteText.router(
                    "r1",
                    "eth0: { zone: wan, addresses: [198.51.100.5/24] }",
                    "eth1: { zone: lan, addresses: [10.1.0.1/24] }"
                ),
                "h1: { addresses: [10.1.0.21/24] }",
                firewall: """
                      allow: [{ from: any, to: r1, services: way, in: lan }]
                      \(deny)
                      forward: [{ from: any, service: way, to: h1, port: 22, in: wan }]
                    """
            )
            return try Self.failed(text, "8.8.8.8", "198.51.100.5", "way", expected)
        }
        #expect(try failed("", "accept") == [])
        let denied = try failed("deny: [{ from: any, to: h1, services: ssh }]", "drop")
        #expect(denied.count == 1 && denied[0].contains("which interface of r1 leads to"), "\(denied)")
    }
}
