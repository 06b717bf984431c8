import Firewall
import Site
import Testing

/// Claims about networks behind next hops: the site file knows no routes, and routers pass such connections on all the
/// same.
@Suite("Claims beyond the routers' networks")
struct UnroutedClaimTests {
    /// A network behind a next hop on the inner side of one router, and another reached by a tunnel.
    private static func beyond(_ firewall: String) -> String {
        SiteText.of(
            SiteText.router(
                "gate",
                "wan: { zone: outside, addresses: [198.51.100.2/24] }",
                "lan0: { zone: lan, addresses: [10.2.0.1/24] }"
            ),
            "files: { addresses: [10.2.0.5/24] }",
            networks: "lan: 10.2.0.0/24, far: 172.20.0.0/16, vpn: 10.99.0.0/24",
            firewall: firewall
        )
    }

    /// Two routers in a row.
    private static func row(_ firewall: String) -> String {
        SiteText.of(
            SiteText.router(
                "one",
                "g0: { zone: guests, addresses: [10.3.0.1/24] }",
                "tr0: { zone: transit, addresses: [10.1.0.1/30] }"
            ),
            SiteText.router(
                "two",
                "tr0: { zone: inner, addresses: [10.1.0.2/30] }",
                "dz0: { zone: dmz, addresses: [10.5.0.1/24] }"
            ),
            networks: "guests: 10.3.0.128/25, dmz: 10.5.0.0/24, printer: 10.5.0.7",
            firewall: firewall
        )
    }

    private static func proofs(_ text: String) throws -> [String: ClaimProof] { try site(text).answers().byID }

    private static func describe(_ proof: ClaimProof?) -> String { proof?.summary ?? "no such claim" }

    @Test("what a router passes to a network behind a next hop breaks a never, whoever it names beside")
    func beyondOne() throws {
        let proofs = try Self.proofs(
            Self.beyond(
                """
                  allow:
                    - { id: x, from: internet, to: far, services: ssh }
                    - { id: y, from: vpn, to: far, services: mysql, in: lan }
                  never:
                    - { id: both, from: internet, to: [far, files], services: ssh }
                    - { id: alone, from: internet, to: far, services: ssh }
                    - { id: inner, from: vpn, to: far, services: mysql }
                    - { id: other, from: internet, to: [far, files], services: mysql }
                    - { id: near, from: lan, to: far }
                    - { id: home, from: 10.2.0.77, to: 10.2.0.78 }
                """
            )
        )
        for id in ["both", "alone", "inner"] {
            let proof = proofs[id]
            #expect(proof?.answer == .refuted && proof?.host == "gate", "\(Self.describe(proof))")
            #expect(proof?.packet?.path == .forward, "\(Self.describe(proof))")
            #expect(proof?.rule?.id == (id == "inner" ? "y" : "x"), "\(Self.describe(proof))")
        }
        #expect(proofs["inner"]?.packet?.inputInterface == "lan0")
        for id in ["x", "y", "other", "near"] {
            #expect(proofs[id]?.isProved == true, "\(Self.describe(proofs[id]))")
        }
        // Between neighbours of one network no router decides.
        #expect(proofs["home"]?.isVoid == true, "\(Self.describe(proofs["home"]))")
    }

    @Test("two routers in a row both decide")
    func twoInARow() throws {
        let claims = """
              never:
                - { id: alone, from: guests, to: printer, services: mysql }
                - { id: both, from: guests, to: [printer, one], services: mysql }
                - { id: other, from: guests, to: printer, services: ssh }
            """
        let open = try Self.proofs(Self.row("  allow: [{ id: a, from: guests, to: dmz, services: mysql }]\n\(claims)"))
        for id in ["alone", "both"] {
            #expect(open[id]?.answer == .refuted && open[id]?.rule?.id == "a", "\(Self.describe(open[id]))")
        }
        for id in ["a", "other"] { #expect(open[id]?.isProved == true, "\(Self.describe(open[id]))") }
        // The second has no interface of that zone, so that no line of it lets anything on.
        let half = "  allow: [{ id: a, from: guests, to: dmz, services: mysql, in: guests }]\n\(claims)"
        let closed = try Self.proofs(Self.row(half))
        for id in ["alone", "both"] { #expect(closed[id]?.isProved == true, "\(Self.describe(closed[id]))") }
        #expect(closed["a"]?.answer == .refuted && closed["a"]?.host == "two", "\(Self.describe(closed["a"]))")
    }

    @Test("what one router masquerades the next sees with another source")
    func masqueraded() throws {
        let masquerade = "  masquerade: [{ from: guests, out: transit }]\n"
        let allow = "  allow: [{ id: a, from: guests, to: dmz, services: mysql }]\n"
        let hidden = try Self.proofs(Self.row(allow + masquerade))
        #expect(hidden["a"]?.answer == .unknown, "\(Self.describe(hidden["a"]))")
        let lines = """
              allow:
                - { from: guests, to: any, services: mysql, out: transit }
                - { from: one, to: dmz, services: mysql }
              never: [{ id: n, from: guests, to: printer, services: mysql }]

            """
        let passed = try Self.proofs(Self.row(lines + masquerade))
        #expect(passed["n"]?.answer == .unknown, "\(Self.describe(passed["n"]))")
        let plain = try Self.proofs(Self.row(lines))
        #expect(plain["n"]?.isProved == true, "\(Self.describe(plain["n"]))")
    }

    @Test("of two routers side by side the one that lets through counts")
    func sideBySide() throws {
        func text(_ line: String) -> String {
            SiteText.of(
                SiteText.router("one", "wan: { zone: outside }", "a0: { zone: lan, addresses: [10.2.0.1/24] }"),
                SiteText.router("two", "up: { zone: up }", "b0: { zone: lan, addresses: [10.2.0.2/24] }"),
                networks: "lan: 10.2.0.0/24, far: 172.20.0.0/16",
                firewall: line + "\n  never: [{ id: n, from: lan, to: far, services: ssh }]"
            )
        }
        let open = try Self.proofs(text("  allow: [{ id: a, from: lan, to: any, services: ssh, out: up }]"))
        #expect(open["n"]?.answer == .refuted && open["n"]?.host == "two", "\(Self.describe(open["n"]))")
        let closed = try Self.proofs(text("  allow: [{ id: a, from: lan, to: 172.21.0.0/16, services: ssh, out: up }]"))
        #expect(closed["n"]?.isProved == true, "\(Self.describe(closed["n"]))")
    }

    @Test("what is to be let through is unknown where one of them lets it through and another drops it")
    func differing() throws {
        func proofs(_ zone: String) throws -> [String: ClaimProof] {
            try Self.proofs(
                SiteText.of(
                    SiteText.router(
                        "one",
                        "w0: { zone: west, addresses: [10.8.0.1/24] }",
                        "a0: { zone: lan, addresses: [10.2.0.1/24] }"
                    ),
                    SiteText.router(
                        "two",
                        "e0: { zone: east, addresses: [10.9.0.1/24] }",
                        "b0: { zone: lan, addresses: [10.2.0.2/24] }"
                    ),
                    networks: "guests: 10.2.0.64/26, far: 172.20.0.0/16",
                    firewall: """
                          allow: [{ id: a, from: guests, to: far, services: ssh\(zone) }]
                          exactly: [{ id: e, from: guests, to: far, services: ssh }]
                        """
                )
            )
        }
        let both = try proofs("")
        for id in ["a", "e"] { #expect(both[id]?.isProved == true, "\(Self.describe(both[id]))") }
        let one = try proofs(", out: east")
        #expect(one["e"]?.answer == .unknown && one["e"]?.host == "one", "\(Self.describe(one["e"]))")
        // A line speaks of the routers of its zone.
        #expect(one["a"]?.isProved == true, "\(Self.describe(one["a"]))")
    }
}
