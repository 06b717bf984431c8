import Firewall
import Site
import Testing

/// Claims about hosts that get addresses by DHCP, of which the site file gives none.
@Suite("Claims about addresses by DHCP")
struct LeaseClaimTests {
    private static func text(_ firewall: String) -> String {
        """
        site: a.b
        networks: { office: 203.0.113.0/24 }
        hosts:
          h: { roles: [web], interfaces: { eth0: { zone: outside } } }
          k: { roles: [db], addresses: [10.0.0.5/24] }
          r:
            roles: [router]
            interfaces: { eth0: { zone: outside }, eth1: { zone: lan, addresses: [10.10.0.10/24] } }
          s: { interfaces: { eth0: { zone: lan, addresses: [10.10.0.21/24, "fd00:1::21/64"] } } }
        services: { ssh: tcp/22, http: tcp/80, mysql: tcp/3306 }
        firewall:
        \(firewall)
        """
    }

    private static func proofs(_ firewall: String, held: [String: HeldRuleset] = [:]) throws -> [ClaimProof] {
        try site(text(firewall)).answers(held: held)
    }

    private static func proof(_ kind: Claim.Kind, _ firewall: String) throws -> ClaimProof {
        try #require(try proofs(firewall).first { $0.claim.kind == kind })
    }

    private static func describe(_ proof: ClaimProof) -> String { proof.summary }

    @Test(
        "what is let in to an address by DHCP breaks a claim about its host, and says so",
        arguments: [
            ("{ from: any, to: h, services: [mysql] }", "{ from: internet, to: all, services: mysql }", "h"),
            ("{ from: any, to: h, services: [mysql] }", "{ from: internet, to: [db, web], services: mysql }", "h"),
            ("{ from: any, to: h, services: [mysql] }", "{ from: office, to: any, services: mysql }", "h"),
            ("{ from: any, to: web }", "{ from: internet, to: h }", "h"),
            // The site file gives addresses of the other family, or of another interface.
            ("{ from: \"2000::/3\", to: r, services: [mysql] }", "{ from: internet, to: r, services: mysql }", "r"),
            ("{ from: 8.8.8.8, to: r, services: [mysql], in: outside }", "{ from: internet, to: r }", "r"),
            // One host of the site sends to it.
            ("{ from: any, to: any, services: [mysql] }", "{ from: k, to: h, services: mysql }", "h"),
        ]
    )
    func letIn(line: String, claim: String, host: String) throws {
        let proof = try Self.proof(.never, "  allow: [\(line)]\n  never: [\(claim)]")
        #expect(proof.answer == .refuted && proof.host == host, "\(Self.describe(proof))")
        if proof.packet?.destination.width == 128 || host == "h" {
            #expect(proof.lease == "to an address that \(host) has by DHCP on eth0", "\(Self.describe(proof))")
        }
    }

    @Test(
        "what is let out of an address by DHCP breaks a claim about its host, and says so",
        arguments: [
            ("{ from: h, to: internet, services: [mysql] }", "{ from: h, to: internet, services: mysql }", "h"),
            ("{ from: r, to: \"2000::/3\", services: [mysql] }", "{ from: r, to: internet, services: mysql }", "r"),
            ("{ from: any, to: k, services: [mysql] }", "{ from: h, to: k, services: mysql }", "k"),
            ("{ from: any, to: any, services: [mysql] }", "{ from: all, to: internet, services: mysql }", nil),
        ]
    )
    func letOut(line: String, claim: String, host: String?) throws {
        let proof = try Self.proof(.never, "  allow: [\(line)]\n  never: [\(claim)]")
        #expect(proof.answer == .refuted, "\(Self.describe(proof))")
        guard let host else { return }
        #expect(proof.host == host, "\(Self.describe(proof))")
        let source = host == "r" ? "r" : "h"
        #expect(proof.lease == "from an address that \(source) has by DHCP on eth0", "\(Self.describe(proof))")
    }

    @Test("between two hosts by DHCP both ends are said")
    func both() throws {
        let proof = try Self.proof(
            .never,
            "  allow: [{ from: any, to: any, services: [ssh] }]\n  never: [{ from: r, to: h, services: ssh }]"
        )
        #expect(proof.answer == .refuted, "\(Self.describe(proof))")
        #expect(proof.lease?.hasSuffix("to an address that h has by DHCP on eth0") == true, "\(Self.describe(proof))")
    }

    @Test(
        "what no line opens is proved closed",
        arguments: [
            "{ from: internet, to: all, services: mysql }", "{ from: internet, to: h, services: ssh }",
            "{ from: k, to: [h, r] }", "{ from: [h, r], to: k }", "{ from: r, to: internet }",
            "{ from: internet, to: r }",
        ]
    )
    func closed(claim: String) throws {
        let lines = "  allow: [{ from: any, to: h, services: [http] }, { from: office, to: h, services: [ssh] }]\n"
        let proof = try Self.proof(.never, lines + "  never: [\(claim)]")
        #expect(proof.isProved, "\(Self.describe(proof))")
    }

    @Test(
        "what hangs on an address that a network of the site has is not known",
        arguments: ["{ from: h, to: k, services: ssh }", "{ from: web, to: [db, s] }"]
    )
    func perhaps(claim: String) throws {
        let lines = "  allow: [{ from: office, to: k, services: [ssh] }, { from: h, to: any, services: [ssh] }]\n"
        let proof = try Self.proof(.never, lines + "  never: [\(claim)]")
        #expect(proof.answer == .unknown, "\(Self.describe(proof))")
        #expect(proof.lease?.hasPrefix("from an address that ") == true, "\(Self.describe(proof))")
    }

    /// With a network that `h` may be in, and that none of the file's addresses is in.
    private static func written(_ claim: String) throws -> ClaimProof {
        let lines = "  allow: [{ from: any, to: h, services: [ssh] }, { from: h, to: any, services: [http] }]\n"
        let text = text(lines + "  never: [\(claim)]")
            .replacing("office: 203.0.113.0/24", with: "office: 203.0.113.0/24, cloud: 198.51.100.0/24")
        return try #require(try site(text).answers().first { $0.claim.kind == .never })
    }

    @Test(
        "whether a host by DHCP has one of the addresses that a claim writes out is not known",
        arguments: [
            ("{ from: internet, to: cloud, services: ssh }", "to"),
            ("{ from: 8.8.8.8, to: 198.51.100.23, services: ssh }", "to"),
            ("{ from: 8.8.8.8, to: 192.0.2.23, services: ssh }", "to"),
            ("{ from: cloud, to: internet }", "from"),
            ("{ from: 192.0.2.23, to: 8.8.8.8, services: http }", "from"),
            ("{ from: cloud, to: any, services: http }", "from"),
        ]
    )
    func perhapsWritten(claim: String, end: String) throws {
        let proof = try Self.written(claim)
        #expect(proof.answer == .unknown && proof.host == "h", "\(Self.describe(proof))")
        let words = "\(end) an address that h has by DHCP on eth0"
        #expect(proof.lease == words, "\(proof.lease ?? "no lease"): \(Self.describe(proof))")
    }

    @Test(
        "what it lets through to none of them is proved, and the word internet means no host of the site",
        arguments: [
            "{ from: internet, to: cloud, services: http }", "{ from: cloud, to: internet, services: ssh }",
            "{ from: office, to: internet, services: ssh }", "{ from: cloud, to: k }",
        ]
    )
    func closedWritten(claim: String) throws {
        let proof = try Self.written(claim)
        #expect(proof.isProved, "\(Self.describe(proof))")
    }

    @Test(
        "what a host does that may have an address of a network by DHCP is not proved not to be done there",
        arguments: [
            ("{ from: internet, to: office, services: ssh }", "to"),
            ("{ from: 8.8.8.8, to: 203.0.113.7 }", "to"), ("{ from: office, to: internet }", "from"),
            ("{ from: 203.0.113.7, to: 9.9.9.9, services: http }", "from"),
        ]
    )
    func networks(claim: String, direction: String) throws {
        let lines = "  allow: [{ from: any, to: h, services: [ssh] }, { from: h, to: any, services: [http] }]\n"
        let proof = try Self.proof(.never, lines + "  never: [\(claim)]")
        #expect(proof.answer == .unknown && proof.host == "h", "\(Self.describe(proof))")
        #expect(proof.lease == "\(direction) an address that h has by DHCP on eth0", "\(Self.describe(proof))")
        let closed = try Self.proof(.never, "  never: [\(claim)]")
        #expect(closed.answer == .proved, "\(Self.describe(closed))")
    }

    @Test(
        "a line about a host by DHCP is proved",
        arguments: [
            "{ from: any, to: h, services: [http] }", "{ from: office, to: h, services: [ssh] }",
            "{ from: h, to: internet, services: [http] }",
            "{ from: internet, to: [h, r], services: [http], in: outside }",
            "{ from: h, to: 9.9.9.9, services: [http], out: outside }", "{ from: all, to: all, services: [ssh] }",
            "{ from: internet, to: all, services: [http] }", "{ from: all, to: internet, services: [http] }",
            "{ from: any, to: any, services: [http] }",
        ]
    )
    func line(line: String) throws {
        let proof = try Self.proof(.allow, "  allow: [\(line)]")
        #expect(proof.isProved, "\(Self.describe(proof))")
    }

    @Test("a line whose other end does not know the addresses by DHCP lets nothing through, and says why")
    func unknownPeer() throws {
        for line in ["{ from: k, to: h, services: [ssh] }", "{ from: h, to: k, services: [ssh] }"] {
            let proof = try Self.proof(.allow, "  allow: [\(line)]")
            #expect(proof.isVoid, "\(Self.describe(proof))")
            #expect(proof.reason?.hasSuffix("addresses h has by DHCP the other end does not know") == true)
        }
    }

    @Test("a kernel that closes what a line opens to an address by DHCP breaks the line")
    func held() throws {
        let closed = HeldRuleset.dropping(at: .input, .output)
        let lines = ["{ from: any, to: h, services: [http] }", "{ from: h, to: internet, services: [http] }"]
        let proofs = try Self.proofs("  allow: [\(lines.joined(separator: ", "))]", held: ["h": closed])
        #expect(Set(proofs.map(\.claim.id)).count == 2)
        for proof in proofs {
            #expect(proof.answer == .refuted && proof.host == "h" && proof.lease != nil, "\(Self.describe(proof))")
        }
    }

    @Test("exactly what is listed is let in to an address by DHCP, beside what brings the address")
    func exactly() throws {
        let lines = "  allow: [{ from: any, to: [h, r], services: [http] }]\n"
        let kept = try Self.proof(.exactly, lines + "  exactly: [{ from: internet, to: [h, r], services: http }]")
        #expect(kept.isProved, "\(Self.describe(kept))")
        let more = try Self.proof(.exactly, lines + "  exactly: [{ from: internet, to: h, services: [http, ssh] }]")
        #expect(more.answer == .refuted && more.claim.kind == .exactly, "\(Self.describe(more))")
        let less = try Self.proof(.exactly, lines + "  exactly: [{ from: internet, to: h, services: ssh }]")
        #expect(less.answer == .refuted, "\(Self.describe(less))")
        let unknown = try Self.proof(
            .exactly,
            "  allow: [{ from: k, to: h, services: [ssh] }]\n  exactly: [{ from: k, to: h, services: ssh }]"
        )
        #expect(unknown.answer == .refuted && unknown.host == "k", "\(Self.describe(unknown))")
    }

    @Test("a forwarded port of a router by DHCP breaks a claim about the router")
    func forwarded() throws {
        let lines = "  forward: [{ from: internet, service: mysql, to: s, port: 22 }]\n"
        let proof = try Self.proof(.never, lines + "  never: [{ from: internet, to: r, services: mysql }]")
        #expect(proof.answer == .refuted && proof.packet?.oddities == .redirected, "\(Self.describe(proof))")
    }

    @Test("`check` says which address it is")
    func check() throws {
        let text = Self.text(
            "  allow: [{ from: any, to: h, services: [mysql] }]\n  never: [{ from: internet, to: all, services: mysql }]"
        )
        let found = PolicyCheck.findings(try site(text), file: "site.yaml", now: 0)
        #expect(found.map(\.code) == [.claim] && found.map(\.severity) == [.error], "\(found)")
        let words = ", to an address that h has by DHCP on eth0, is let through by `any_h_mysql`"
        #expect(found.first?.message.contains(words) == true, "\(found)")
    }

    @Test("what opens to an address by DHCP is a difference")
    func difference() throws {
        let old = Intent(of: try site(Self.text("  allow: [{ from: office, to: h, services: [ssh] }]")))
        let new = Intent(of: try site(Self.text("  allow: [{ from: any, to: h, services: [ssh] }]")))
        #expect(IntentDiff(from: old.hosts, to: new.hosts).opensAnything)
        #expect(!IntentDiff(from: new.hosts, to: old.hosts).opensAnything)
    }
}
