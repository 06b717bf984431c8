import Firewall
import Site
import Testing

/// Claims about connections that routers of the site pass on, and whose addresses they change.
@Suite("Claims through routers")
struct RouterClaimTests {
    /// A router between guests and servers, both of which the site file describes.
    private static func model(_ firewall: String) throws -> SiteModel { try site(text(firewall)) }

    private static func text(_ firewall: String) -> String {
        """
        site: a.b
        networks: { guests: 10.2.0.128/25, servers: 10.1.0.0/24 }
        hosts:
          gate:
            roles: [router]
            interfaces:
              wan: { zone: outside, addresses: [198.51.100.2/24] }
              dmz: { zone: servers, addresses: [10.1.0.1/24] }
              wifi: { zone: guests, addresses: [10.2.0.1/24] }
          db: { roles: [database], addresses: [10.1.0.5/24] }
        services: { mysql: tcp/3306, ssh: tcp/22, web: tcp/443, way-in: tcp/2222 }
        firewall:
        \(firewall)
        """
    }

    private static func proofs(
        _ site: SiteModel,
        held: [String: HeldRuleset] = [:]
    ) -> [Claim.Kind: [ClaimProof]] {
        Dictionary(grouping: site.answers(held: held)) { $0.claim.kind }
    }

    private static func never(_ firewall: String) throws -> ClaimProof {
        let proofs = proofs(try model(firewall))
        return try #require(proofs[.never]?.first)
    }

    private static func describe(_ proof: ClaimProof) -> String { proof.summary }

    @Test("every claim of the office's router is proved")
    func office() throws {
        let proofs = Self.proofs(try policySite("office-router.yaml"))
        #expect(Set(proofs.keys) == [.allow, .never])
        for proof in proofs.values.joined() {
            #expect(proof.answer == .proved, "\(Self.describe(proof))")
        }
    }

    @Test("between strangers the router decides")
    func strangers() throws {
        let lines = "  allow: [{ from: guests, to: internet, services: [web] }]\n"
        let kept = try Self.never(lines + "  never: [{ from: guests, to: internet, services: [ssh] }]")
        #expect(kept.answer == .proved, "\(Self.describe(kept))")
        let broken = try Self.never(lines + "  never: [{ from: guests, to: internet, services: [web] }]")
        #expect(broken.answer == .refuted, "\(Self.describe(broken))")
        #expect(broken.host == "gate")
        #expect(broken.packet?.path == .forward)
        #expect(broken.packet?.inputInterface == "wifi" && broken.packet?.outputInterface == "wan")
    }

    @Test("an allow that the router between does not pass on is broken, and names the router")
    func between() throws {
        let site = try Self.model("  allow: [{ from: guests, to: db, services: [mysql] }]")
        let open = try #require(Self.proofs(site)[.allow]?.first)
        #expect(open.answer == .proved, "\(Self.describe(open))")
        let stopped = try #require(Self.proofs(site, held: ["gate": .dropping(at: .forward)])[.allow]?.first)
        #expect(stopped.answer == .refuted, "\(Self.describe(stopped))")
        #expect(stopped.host == "gate")
    }

    @Test("what the hosts need goes out through the router, too")
    func needs() throws {
        let site = try Self.model("  needs: { dns: [9.9.9.9] }")
        let proof = try #require(Self.proofs(site)[.allow]?.first)
        #expect(proof.answer == .proved, "\(Self.describe(proof))")
    }

    @Test("a forwarded port counts as reached where it leads")
    func forwarded() throws {
        let lines = "  forward: [{ from: internet, service: way-in, to: db, port: 22 }]\n"
        let router = try Self.never(lines + "  never: [{ from: internet, to: gate, services: [way-in] }]")
        #expect(router.answer == .refuted, "\(Self.describe(router))")
        #expect(router.packet?.destination == IPAddress("10.1.0.5"))
        let host = try Self.never(lines + "  never: [{ from: internet, to: db, services: [ssh] }]")
        #expect(host.answer == .refuted, "\(Self.describe(host))")
        #expect(host.host == "db")
        let other = try Self.never(lines + "  never: [{ from: internet, to: [gate, db], services: [mysql] }]")
        #expect(other.answer == .proved, "\(Self.describe(other))")
    }

    @Test("an exactly about a forwarded port is proved where the host behind lets it in")
    func exactlyForwarded() throws {
        func exactly(_ services: String, held: [String: HeldRuleset] = [:]) throws -> ClaimProof {
            let site = try Self.model(
                """
                  forward: [{ from: any, service: way-in, to: db, port: 22 }]
                  exactly: [{ from: internet, to: gate, services: [\(services)] }]
                """
            )
            return try #require(Self.proofs(site, held: held)[.exactly]?.first)
        }
        let proved = try exactly("way-in")
        #expect(proved.isProved, "\(Self.describe(proved))")
        for services in ["ssh", "way-in, ssh"] {
            let broken = try exactly(services)
            #expect(broken.answer == .refuted, "\(Self.describe(broken))")
        }
        var closed = HeldRuleset()
        closed.chains = [
            HeldChain(family: .inet, table: "t", name: "i", base: .init(hook: .input, priority: 0, drops: true))
        ]
        let stopped = try exactly("way-in", held: ["db": closed])
        #expect(stopped.answer == .refuted, "\(Self.describe(stopped))")
    }

    @Test("a forwarded port opens the way by the router's port, and not the one to the host behind itself")
    func direct() throws {
        let site = try Self.model(
            """
              forward: [{ from: internet, service: way-in, to: 10.1.0.9, port: 22 }]
              never: [{ from: internet, to: 10.1.0.9, services: [ssh] }]
              tests:
                - { from: 8.8.8.8, to: gate, service: way-in, expect: accept }
                - { from: 8.8.8.8, to: 10.1.0.9, service: ssh, expect: drop }
            """
        )
        let proof = try #require(Self.proofs(site)[.never]?.first)
        #expect(proof.answer == .refuted && proof.host == "gate", "\(Self.describe(proof))")
        #expect(proof.packet?.oddities == .redirected, "\(Self.describe(proof))")
        // The claim is broken by the router's port, and every test holds.
        let found = PolicyCheck.findings(site, file: "site.yaml", now: 0)
        #expect(found.map(\.code) == [.claim], "\(found)")
    }

    /// A router that strangers come by, another behind it, and a host behind that one.
    private static func row(_ zone: String, to target: String, _ lines: String = "") throws -> SiteModel {
        try site(
            SiteText.of(
                SiteText.router(
                    "border",
                    "wan: { zone: outside, addresses: [198.51.100.2/24] }",
                    "core: { zone: core, addresses: [10.0.0.1/24] }"
                ),
                SiteText.router(
                    "mid",
                    "up: { zone: \(zone), addresses: [10.0.0.2/24] }",
                    "floor: { zone: floor, addresses: [10.1.0.1/24] }"
                ),
                "files: { addresses: [10.1.0.5/24] }",
                networks: "partner: 203.0.113.0/24",
                firewall: """
                      forward: [{ id: f, from: partner, service: way, to: \(target), port: 22 }]
                      defences: { bogons: false }
                    \(lines)
                    """
            )
        )
    }

    @Test("a line of forward to a host behind a second router is proved where that one lets it through")
    func behindSecond() throws {
        func proof(_ lines: String, to target: String = "files") throws -> ClaimProof {
            try #require(try Self.row("core", to: target, lines).answers().byID["f"])
        }
        for target in ["files", "10.1.0.9"] {
            let stopped = try proof("", to: target)
            #expect(stopped.answer == .refuted && stopped.host == "mid", "\(Self.describe(stopped))")
            #expect(stopped.packet?.route == .forward(by: "up", to: "floor"), "\(Self.describe(stopped))")
            #expect(stopped.rule == nil && stopped.packet?.oddities == [], "\(Self.describe(stopped))")
            let open = try proof("  allow: [{ from: partner, to: \(target), services: ssh }]", to: target)
            #expect(open.isProved, "\(Self.describe(open))")
        }
        let deny = "  deny: [{ id: d, from: partner, to: files, services: ssh, in: core, out: floor }]"
        let denied = try proof(deny + "\n  allow: [{ from: partner, to: files, services: ssh }]")
        #expect(denied.word == "void" && denied.host == "mid" && denied.rule?.id == "d", "\(Self.describe(denied))")
        let hidden = try proof(
            """
              masquerade: [{ from: partner, out: core }]
              allow: [{ from: partner, to: files, services: ssh }]
            """
        )
        #expect(hidden.answer == .unknown, "\(Self.describe(hidden))")
    }

    @Test("a second router that carries a line of forward out, too, knows nothing of what the first sends on")
    func carriedOutTwice() throws {
        for target in ["mid", "files"] {
            let proof = try #require(try Self.row("outside", to: target).answers().byID["f"])
            #expect(proof.answer == .unknown && proof.host == "mid", "\(Self.describe(proof))")
            #expect(proof.rule == nil && proof.packet?.oddities == [], "\(Self.describe(proof))")
        }
    }

    @Test("of an exactly over a forwarded port it is said who stops it behind the router")
    func stoppedBehind() throws {
        for (zone, target) in [("core", "files"), ("outside", "mid")] {
            let exactly = "  exactly: [{ id: e, from: partner, to: border, services: way }]"
            let site = try Self.row(zone, to: target, exactly)
            let proof = try #require(site.answers().byID["e"])
            #expect(proof.answer == .refuted && proof.host == "mid" && proof.rule == nil, "\(Self.describe(proof))")
            let found = PolicyCheck.findings(site, file: "site.yaml", now: 0).filter { $0.code == .claim }
            #expect(found.count == 1, "\(found)")
            #expect(found.first?.message.contains("is let through by no rule") == true, "\(found)")
        }
    }

    @Test("a forwarded port that leads to another of the router's own opens that one to nobody else")
    func ownPort() throws {
        let forward = "  forward: [{ from: internet, service: way-in, to: gate, port: 22 }]\n"
        let site = try Self.model(
            forward + """
                  tests:
                    - { from: 8.8.8.8, to: 198.51.100.2, service: way-in, expect: accept }
                    - { from: 8.8.8.8, to: gate, service: ssh, expect: drop }
                """
        )
        #expect(PolicyCheck.findings(site, file: "site.yaml", now: 0).isEmpty)
        let forwards = site.answers()
        #expect(!forwards.isEmpty)
        for proof in forwards {
            #expect(proof.answer == .proved && proof.isVoid == false, "\(Self.describe(proof))")
        }
        let way = try Self.never(forward + "  never: [{ from: internet, to: gate, services: [way-in] }]")
        #expect(way.answer == .refuted && way.packet?.path == .input, "\(Self.describe(way))")
        let other = try Self.never(forward + "  never: [{ from: internet, to: gate, services: [web] }]")
        #expect(other.answer == .proved, "\(Self.describe(other))")
        let exact = "  exactly: [{ from: internet, to: gate, services: [way-in, ssh] }]"
        let own = try #require(Self.proofs(try Self.model(forward + exact))[.exactly]?.first)
        #expect(own.answer == .refuted && own.packet?.detail == 22, "\(Self.describe(own))")
    }

    @Test("a port of a router whose address is not known is one of its own addresses, and not everybody's")
    func dynamic() throws {
        func proofs(_ lines: String) throws -> [ClaimProof] {
            let known = "wan: { zone: outside, addresses: [198.51.100.2/24] }"
            let text = Self.text(lines).replacing(known, with: "wan: { zone: outside }")
            return Self.proofs(try site(text)).values.joined().filter { $0.claim.kind != .allow || $0.claim.id == "a" }
        }
        let lines = """
              forward: [{ from: internet, service: way-in, to: db, port: 22 }]
              allow: [{ id: a, from: internet, to: 10.2.0.9, services: [way-in] }]
            """
        func answer(_ never: String) throws -> ClaimProof {
            let proofs = try proofs("\(lines)\n  never: [{ from: internet, to: \(never) }]\n")
            return try #require(proofs.first { $0.claim.kind == .never })
        }
        let router = try answer("gate, services: [way-in]")
        #expect(router.answer == .refuted && router.packet?.destination == IPAddress("10.1.0.5"))
        let other = try answer("10.2.0.7, services: [way-in]")
        #expect(other.answer == .unknown, "\(Self.describe(other))")
        let host = try answer("db, services: [way-in]")
        #expect(host.answer == .proved, "\(Self.describe(host))")
        // Nobody is known to bear 10.2.0.9; who is, has it to itself.
        for (destination, expected) in [("10.2.0.9", ProofAnswer.unknown), ("db", .proved)] {
            let allow = try proofs(lines.replacing("10.2.0.9", with: destination)).first { $0.claim.id == "a" }
            #expect(allow?.answer == expected, "\(destination): \(allow.map(Self.describe) ?? "")")
        }
    }

    @Test("what may come with the router's own address is not proved to be kept out")
    func masqueraded() throws {
        let lines = """
              masquerade: [{ from: guests, out: servers }]
              never: [{ from: guests, to: db, services: [mysql] }]
              allow: [{ from: gate, to: db, services: [mysql] }
            """
        let kept = try Self.never(lines + "]")
        #expect(kept.answer == .proved, "\(Self.describe(kept))")
        // The router passes on what the database would not let in, but for the address that it then has.
        let passed = try Self.never(lines + ", { from: guests, to: 10.1.0.0/29, services: [mysql], in: guests }]")
        #expect(passed.answer == .unknown, "\(Self.describe(passed))")
        let reason = "another source (line 13), 10.1.0.1, from which `gate_db_mysql` lets it in"
        #expect(passed.reason?.hasSuffix(reason) == true, "\(Self.describe(passed))")
    }

    @Test("nothing is proved where a kernel changes addresses otherwise than is meant")
    func changed() throws {
        let site = try Self.model("  never: [{ from: internet, to: db }]")
        var held = HeldRuleset()
        held.chains = [
            HeldChain(
                family: .inet,
                table: "other",
                name: "nat",
                base: .init(hook: .prerouting, priority: -100, drops: false, isTranslation: true),
                rules: [HeldRule([.translation(.destination("10.1.0.5"))])]
            ),
            HeldChain(family: .inet, table: "t", name: "i", base: .init(hook: .input, priority: 0, drops: true)),
        ]
        let proof = try #require(Self.proofs(site, held: ["gate": held])[.never]?.first)
        #expect(proof.answer == .unknown, "\(Self.describe(proof))")
        #expect(proof.reason?.contains("gate") == true)
    }
}
