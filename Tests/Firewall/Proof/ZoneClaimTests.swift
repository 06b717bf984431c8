import Firewall
import Site
import Testing

/// Claims of lines that are bound to zones, and claims about packets that come by one side of a host and not by another.
@Suite("Claims by zones")
struct ZoneClaimTests {
    private static func text(_ firewall: String, networks: String = "office: 203.0.113.0/24") -> String {
        """
        site: a.b
        networks: { \(networks) }
        hosts:
          lb:
            roles: [gateway]
            interfaces:
              eth0: { zone: outside, addresses: [198.51.100.10/24] }
              eth1: { zone: inside, addresses: [10.10.0.10/24] }
          a: { addresses: [10.10.0.21/24] }
          b: { addresses: [10.10.0.22/24] }
          q: { interfaces: { e: { zone: dmz, addresses: [10.40.0.1/24] } } }
        services: { http: tcp/80, https: tcp/443, ssh: tcp/22 }
        firewall:
        \(firewall)
        """
    }

    private static func proof(_ kind: Claim.Kind, _ text: String) throws -> ClaimProof {
        try #require(try site(text).answers().first { $0.claim.kind == kind })
    }

    private static func describe(_ proof: ClaimProof) -> String { proof.summary }

    private static func findings(_ text: String) throws -> [String] {
        PolicyCheck.findings(try site(text), file: "site.yaml", now: 0).map {
            "\($0.line) \($0.severity.rawValue) \($0.code.rawValue) \($0.message)"
        }
    }

    @Test(
        "a line with a zone that a host it names has no interface of is broken there, and `check` warns",
        arguments: [
            ("{ from: a, to: b, services: http, in: inside }", "b"),
            ("{ from: a, to: lb, services: http, out: inside }", "a"),
            ("{ from: a, to: b, services: http, out: outside }", "a"),
            ("{ from: office, to: all, services: ssh, in: inside }", "a"),
        ]
    )
    func oneEnd(line: String, host: String) throws {
        let text = Self.text("  allow: [\(line)]")
        let proof = try Self.proof(.allow, text)
        #expect(proof.answer == .refuted && proof.host == host, "\(Self.describe(proof))")
        #expect(proof.rule == nil && proof.packet != nil)
        let found = try Self.findings(text)
        #expect(found.count == 1 && found[0].hasPrefix("14 warning ineffective"), "\(found)")
        #expect(found.first?.contains("says nothing at `\(host)`") == true, "\(found)")
    }

    @Test(
        "a line that no packet can fulfil is void",
        arguments: [
            "{ from: office, to: lb, services: ssh, out: dmz, in: dmz }",
            "{ from: lb, to: internet, services: http, out: dmz }",
            "{ from: office, to: 10.10.0.0/29, services: http, out: dmz }",
            "{ from: 8.8.8.8, to: lb, services: ssh, in: inside }",
            "{ from: office, to: lb, services: ssh, in: inside }",
        ]
    )
    func nothing(line: String) throws {
        let proof = try Self.proof(.allow, Self.text("  allow: [\(line)]"))
        #expect(!proof.isProved, "\(Self.describe(proof))")
    }

    @Test("a line with a zone is about what comes by it, and holds for hosts that it does not name")
    func bound() throws {
        for line in [
            "{ from: any, to: gateway, services: http, in: outside }",
            "{ from: any, to: gateway, services: http, in: inside }",
            "{ from: office, to: lb, services: ssh, in: outside }",
            "{ from: lb, to: any, services: http, out: outside }",
            "{ from: 10.10.0.0/24, to: lb, services: http, in: inside }",
        ] {
            let proof = try Self.proof(.allow, Self.text("  allow: [\(line)]"))
            #expect(proof.isProved, "\(line): \(Self.describe(proof))")
        }
    }

    @Test("what is to be let through exactly is let through by the interface that it comes by")
    func exactly() throws {
        func exactly(_ zone: String) throws -> ClaimProof {
            try Self.proof(
                .exactly,
                Self.text(
                    """
                      allow: [{ from: any, to: gateway, services: [http, https]\(zone) }]
                      exactly: [{ from: internet, to: gateway, services: [http, https] }]
                    """
                )
            )
        }
        let inside = try exactly(", in: inside")
        #expect(inside.answer == .refuted && inside.host == "lb", "\(Self.describe(inside))")
        #expect(inside.packet?.inputInterface == "eth0" && inside.rule == nil, "\(Self.describe(inside))")
        for zone in ["", ", in: outside"] {
            let proof = try exactly(zone)
            #expect(proof.isProved, "\(zone): \(Self.describe(proof))")
        }
    }

    @Test("an allow of a stranger whom a defence stops at the outer side is void")
    func bogon() throws {
        let line = "  allow: [{ from: 203.0.113.7, to: lb, services: ssh }]"
        let stranger = try Self.proof(.allow, Self.text(line, networks: "other: 9.9.9.0/24"))
        #expect(stranger.word == "void" && stranger.rule?.id == "bogons", "\(Self.describe(stranger))")
        #expect(try Self.proof(.allow, Self.text(line)).isProved)
    }

    @Test("a router that has no interface of the zone breaks a line between hosts that it names")
    func between() throws {
        func proof(_ line: String) throws -> ClaimProof {
            try Self.proof(
                .allow,
                SiteText.of(
                    SiteText.router(
                        "r",
                        "lan: { zone: people, addresses: [10.1.0.1/24] }",
                        "dmz: { zone: servers, addresses: [10.2.0.1/24] }"
                    ),
                    "c: { interfaces: { e: { zone: inside, addresses: [10.1.0.5/24] } } }",
                    "d: { interfaces: { e: { zone: inside, addresses: [10.2.0.5/24] } } }",
                    firewall: "  allow: [{ \(line) }]"
                )
            )
        }
        #expect(try proof("from: c, to: d, services: http").isProved)
        let stopped = try proof("from: c, to: d, services: http, in: inside")
        #expect(stopped.answer == .refuted && stopped.host == "r", "\(Self.describe(stopped))")
        #expect(try proof("from: 10.1.0.8/29, to: 10.2.0.8/29, services: http, in: people").isProved)
        let none = try proof("from: 10.1.0.8/29, to: 10.2.0.8/29, services: http, in: servers")
        #expect(none.word == "void", "\(Self.describe(none))")
    }

    @Test("a deny with the zone of one end leaves the other end alone")
    func deny() throws {
        let text = Self.text(
            """
              allow: [{ from: all, to: all, services: http }]
              deny: [{ id: d, from: any, to: lb, services: http, in: outside }, { id: e, from: lb, to: b, out: outside }]
              tests:
                - { from: a, to: lb, service: http, expect: accept }
                - { from: lb, to: b, service: http, expect: accept }
            """
        )
        #expect(try Self.findings(text) == [])
        let hosts = Intent(of: try site(text)).hosts
        func carried(_ id: String) -> [String] {
            hosts.flatMap { host in
                let ways = PacketPath.allCases.filter { host.rules($0).contains { $0.id == id } }
                return ways.map { "\(host.host) \($0.rawValue)" }
            }
        }
        #expect(carried("d") == ["lb input"])
        #expect(carried("e") == ["lb output"])
        #expect(try site(text).answers().allSatisfy(\.isProved))
    }

    @Test(
        "claims about no packet are void: an error where nothing is left to `internet`, else a warning",
        arguments: [
            (#"six: "2001:db8:7::/48""#, "never: [{ from: six, to: a }]", "warning"),
            (#"six: "2001:db8:7::/48""#, "exactly: [{ from: six, to: a }]", "warning"),
            ("other: 192.0.2.0/24", "never: [{ from: a, to: a }]", "warning"),
            ("world: 0.0.0.0/0", "never: [{ from: internet, to: a }]", "error"),
            ("world: [0.0.0.0/1, 128.0.0.0/2, 192.0.0.0/3]", "never: [{ from: internet, to: lb }]", "error"),
        ]
    )
    func empty(network: String, claim: String, severity: String) throws {
        let text = Self.text("  \(claim)", networks: network)
        let proof = try #require(try site(text).answers().last)
        #expect(proof.word == "void" && !proof.isProved, "\(Self.describe(proof))")
        let found = try Self.findings(text)
        #expect(found.count == 1 && found[0].hasPrefix("14 \(severity) claim"), "\(found)")
        #expect(found.first?.contains("is void") == true, "\(found)")
    }

    @Test("what is let in by an interface alone that the site file does not name is shown so, with the line that does")
    func unnamed() throws {
        let lines = """
              allow: [{ id: a, from: a, to: q, services: http }]
              deny: [{ id: d, from: a, to: q, services: http, in: dmz }]
              never: [{ from: a, to: q, services: http }]
            """
        let proof = try Self.proof(.never, Self.text(lines))
        #expect(proof.answer == .refuted && proof.rule?.id == "a", "\(Self.describe(proof))")
        let packet = try #require(proof.packet)
        #expect(packet.text.contains(" in by an interface that the site file does not name, new"), "\(packet.text)")
        #expect(packet.json["in"] == JSONValue.null)
    }
}
