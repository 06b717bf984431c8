import Firewall
import Site
import Testing

/// Claims about connections that pass several routers which change their addresses, one after another.
@Suite("Claims through routers in a row")
struct RowClaimTests {
    /// `first` is at the source, `r2` behind it: what is asked must not hang on which name comes first.
    private static func model(first: String, _ firewall: String) throws -> SiteModel {
        try site(
            SiteText.of(
                "h1: { addresses: [10.2.0.21/24] }",
                SiteText.router(
                    first,
                    "dn: { zone: deep, addresses: [10.2.0.1/24] }",
                    "upl: { zone: up, addresses: [10.1.0.2/24] }"
                ),
                SiteText.router(
                    "r2",
                    "lan: { zone: mid, addresses: [10.1.0.1/24] }",
                    "wan: { zone: outside, addresses: [198.51.100.5/24] }",
                    "opt: { zone: opt, addresses: [10.3.0.1/24] }"
                ),
                "s1: { addresses: [198.51.100.9/24] }",
                "h2: { addresses: [10.3.0.22/24] }",
                networks: "lana: 10.1.0.0/24, lanb: 10.2.0.0/24",
                firewall: firewall.replacing("FIRST", with: first)
            )
        )
    }

    private static func proofs(first: String, _ firewall: String) throws -> [String: ClaimProof] {
        try model(first: first, firewall).answers().byID
    }

    private static func describe(_ proof: ClaimProof?) -> String { proof?.summary ?? "no such claim" }

    @Test("a source that one router masquerades the next may masquerade again", arguments: ["r1", "r9"])
    func masqueradedTwice(first: String) throws {
        func answer(_ masqueraded: String) throws -> ClaimProof? {
            try Self.proofs(
                first: first,
                """
                  allow:
                    - { from: h1, to: s1, services: https, in: deep }
                    - { from: FIRST, to: s1, services: https, in: mid }
                    - { from: 198.51.100.5, to: s1, services: https }
                  masquerade: [{ from: lanb, out: up }, { from: \(masqueraded), out: outside }]
                  never: [{ id: n, from: h1, to: s1, services: https }]
                """
            )["n"]
        }
        let hidden = try answer("lana")
        #expect(hidden?.answer == .unknown, "\(Self.describe(hidden))")
        let plain = try answer("10.1.0.99")
        #expect(plain?.isProved == true, "\(Self.describe(plain))")
    }

    @Test("what one router masquerades the next on the way sees with another source", arguments: ["r1", "r9"])
    func masqueradedOnTheWay(first: String) throws {
        func answers(_ masqueraded: String, _ others: String = "") throws -> [ClaimProof?] {
            let proofs = try Self.proofs(
                first: first,
                """
                  allow: [{ id: a, from: h1, to: internet, services: https }\(others)]
                  masquerade: [{ from: \(masqueraded), out: up }]
                  exactly: [{ id: e, from: h1, to: internet, services: https }]
                """
            )
            return [proofs["a"], proofs["e"]]
        }
        for proof in try answers("lanb") { #expect(proof?.answer == .unknown, "\(Self.describe(proof))") }
        for proof in try answers("10.2.0.99") { #expect(proof?.isProved == true, "\(Self.describe(proof))") }
        let open = try answers("lanb", ", { from: 10.1.0.2, to: internet, services: https }")
        for proof in open { #expect(proof?.isProved == true, "\(Self.describe(proof))") }
    }

    @Test("a forwarded port is asked with the source that a router before it masquerades", arguments: ["r1", "r0"])
    func masqueradedBeforeForward(first: String) throws {
        func lines(_ source: String, _ expected: String) -> String {
            """
              allow: [{ from: h1, to: r2, services: way, in: deep }]
              masquerade: [{ from: lanb, out: up }]
              forward: [{ from: \(source), service: way, to: h2, port: 22, in: mid }]
              never: [{ id: router, from: h1, to: r2 }, { id: host, from: h1, to: h2 }]
              tests: [{ from: h1, to: 10.1.0.1, service: way, expect: \(expected) }]
            """
        }
        func failed(_ source: String, _ expected: String) throws -> [String] {
            try Self.model(first: first, lines(source, expected)).failedTests
        }
        let open = try Self.proofs(first: first, lines("10.1.0.2", "accept"))
        for id in ["router", "host"] { #expect(open[id]?.answer == .unknown, "\(Self.describe(open[id]))") }
        #expect(try failed("10.1.0.2", "accept").isEmpty)
        let got = try failed("10.1.0.2", "drop")
        #expect(got.count == 1 && got[0].contains("got accept"), "\(got)")
        let closed = try Self.proofs(first: first, lines("10.1.0.99", "drop"))
        for id in ["router", "host"] { #expect(closed[id]?.isProved == true, "\(Self.describe(closed[id]))") }
        #expect(try failed("10.1.0.99", "drop").isEmpty)
    }

    @Test("a port forwarded to another router's forwarded port leads where that one does")
    func forwardedTwice() throws {
        let lines = """
              forward:
                - { from: internet, service: way, to: 10.1.0.2, in: outside }
                - { from: internet, service: way, to: h1, port: 22, in: up }
              never: [{ id: n, from: internet, to: r2, services: way }]
            """
        let open = try Self.proofs(first: "r1", lines)["n"]
        #expect(open?.isProved == false, "\(Self.describe(open))")
    }

    @Test("a port that the border forwards to a host behind another router passes that, too", arguments: ["r1", "r9"])
    func forwarded(first: String) throws {
        func failed(_ expected: String, _ allow: String = "") throws -> [String] {
            try Self.model(
                first: first,
                """
                  allow: [\(allow)]
                  forward: [{ from: internet, service: way, to: h1, port: 22 }]
                  tests: [{ from: 8.8.8.8, to: 198.51.100.5, service: way, expect: \(expected) }]
                """
            ).failedTests
        }
        #expect(try failed("drop") == [])
        let lost = try failed("accept")
        #expect(lost.count == 1 && lost[0].contains("through \(first): no rule"), "\(lost)")
        #expect(try failed("accept", "{ from: internet, to: h1, services: ssh }") == [])
    }

    @Test("also where the border gives it a source of its own", arguments: ["r1", "r9"])
    func forwardedAndMasqueraded(first: String) throws {
        func failed(_ expected: String) throws -> [String] {
            try Self.model(
                first: first,
                """
                  forward: [{ from: internet, service: way, to: h1, port: 22 }]
                  masquerade: [{ from: internet, to: h1, out: mid }]
                  tests: [{ from: 8.8.8.8, to: 198.51.100.5, service: way, expect: \(expected) }]
                """
            ).failedTests
        }
        #expect(try failed("drop") == [])
        let lost = try failed("accept")
        #expect(lost.count == 1 && lost[0].contains("through \(first): no rule"), "\(lost)")
    }

    @Test("of two routers side by side behind it, a test holds only if both decide alike")
    func forwardedSideBySide() throws {
        func inner(_ name: String, _ number: Int) -> String {
            SiteText.router(
                name,
                "dn: { zone: deep, addresses: [10.2.0.\(number)/24] }",
                "upl: { zone: \(name)-up, addresses: [10.1.0.\(number + 1)/24] }"
            )
        }
        for expected in ["drop", "accept"] {
            let failed = try site(
                SiteText.of(
                    "h1: { addresses: [10.2.0.21/24] }",
                    inner("ra", 1),
                    inner("rb", 2),
                    SiteText.router(
                        "r2",
                        "lan: { zone: mid, addresses: [10.1.0.1/24] }",
                        "wan: { zone: outside, addresses: [198.51.100.5/24] }"
                    ),
                    firewall: """
                          allow:
                            - { from: internet, to: h1, services: ssh, in: ra-up }
                            - { from: internet, to: h1, services: ssh, in: outside }
                          forward: [{ from: internet, service: way, to: h1, port: 22 }]
                          tests: [{ from: 8.8.8.8, to: 198.51.100.5, service: way, expect: \(expected) }]
                        """
                )
            ).failedTests
            #expect(failed.count == 1 && failed[0].contains("through ra or rb: which"), "\(failed)")
        }
    }

    @Test("so does what explain follows from the border", arguments: ["r1", "r9"])
    func followed(first: String) throws {
        func journey(_ allow: String) throws -> Journey {
            let site = try Self.model(
                first: first,
                "  allow: [\(allow)]\n  forward: [{ from: internet, service: way, to: h1, port: 22 }]"
            )
            let intent = Intent(of: site)
            let words = PacketWords(from: "8.8.8.8", to: "198.51.100.5", port: "way")
            let journeys = try words.journeys(at: try #require(intent.host("r2")), of: intent, site)
            #expect(journeys.count == 1)
            return try #require(journeys.first)
        }
        let lost = try journey("")
        #expect(!lost.isLetThrough && lost.arrival?.host == first && lost.arrival?.decision?.isAccepted == false)
        let passed = try journey("{ from: internet, to: h1, services: ssh }")
        #expect(passed.isLetThrough && passed.arrival?.host == "h1")
    }
}
