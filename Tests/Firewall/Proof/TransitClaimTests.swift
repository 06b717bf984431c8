import Firewall
import Site
import Testing

/// Claims about connections that may pass a router which is attached to neither of their ends, or leave one by the interface
/// that they came by.
@Suite("Claims through routers between others")
struct TransitClaimTests {
    enum Middle: String, CaseIterable {
        /// Between the two others.
        case row = "left: { zone: way, addresses: [10.2.0.2/24] }, right: { zone: out, addresses: [10.3.0.2/24] }"
        /// Beside their wire.
        case oneArmed = "eth0: { zone: out, addresses: [10.2.0.2/24] }"

        var address: String { self == .row ? "10.3.0.2" : "10.2.0.2" }
    }

    private static func model(_ middle: Middle, _ firewall: String) throws -> SiteModel {
        try site(
            SiteText.of(
                "h1: { addresses: [10.1.0.21/24] }",
                SiteText.router(
                    "r1",
                    "dn: { zone: way, addresses: [10.1.0.1/24] }",
                    "up: { zone: up, addresses: [10.2.0.1/24] }"
                ),
                SiteText.router("r2", middle.rawValue),
                SiteText.router(
                    "r3",
                    "near: { zone: way, addresses: [\(middle == .row ? "10.3.0.3" : "10.2.0.3")/24] }",
                    "srv: { zone: srv, addresses: [10.4.0.1/24] }"
                ),
                "db: { addresses: [10.4.0.31/24] }",
                networks: "lan: 10.1.0.0/24, far: 10.4.0.0/24",
                firewall: firewall
            )
        )
    }

    /// The host lets in the router between, and not who asks it.
    private static func hidden(_ middle: Middle, masqueraded: String, _ more: String = "") -> String {
        """
          allow:
            - { from: h1, to: db, services: https, in: way }
            - { from: h1, to: db, services: https, in: out }
            - { from: \(middle.address), to: db, services: https }
          masquerade: [{ from: \(masqueraded), out: out }]
          never: [{ id: n, from: h1, to: db, services: https }]
        \(more)
        """
    }

    @Test("what it masquerades is asked with both addresses, and the answer names it", arguments: Middle.allCases)
    func masqueraded(middle: Middle) throws {
        func answer(_ masqueraded: String) throws -> ClaimProof {
            let proofs = try Self.model(middle, Self.hidden(middle, masqueraded: masqueraded)).answers().byID
            return try #require(proofs["n"])
        }
        let hidden = try answer("lan")
        #expect(hidden.answer == .unknown, "\(hidden.summary)")
        #expect(hidden.reason?.contains("`r2` may have given it another source (line ") == true, "\(hidden.summary)")
        for other in ["10.1.0.99", "far"] {
            let plain = try answer(other)
            #expect(plain.isProved, "\(other): \(plain.summary)")
        }
    }

    @Test("so is what is to be let through", arguments: Middle.allCases)
    func allowed(middle: Middle) throws {
        func answer(_ masqueraded: String, _ others: String = "") throws -> ClaimProof {
            let lines = """
                  allow: [{ id: a, from: h1, to: db, services: https }\(others)]
                  masquerade: [{ from: \(masqueraded), out: out }]
                """
            return try #require(try Self.model(middle, lines).answers().byID["a"])
        }
        let hidden = try answer("lan")
        #expect(hidden.answer == .unknown, "\(hidden.summary)")
        let plain = try answer("10.1.0.99")
        #expect(plain.isProved, "\(plain.summary)")
        let open = try answer("lan", ", { from: \(middle.address), to: db, services: https }")
        #expect(open.isProved, "\(open.summary)")
    }

    @Test("where a host that is named has further addresses it says what helps, and `check` ends as `apply` does")
    func furtherAddresses() throws {
        /// A gateway with NAT, and a host that has a network besides the common one, to which no router is attached.
        func model(_ destination: String) throws -> SiteModel {
            try site(
                SiteText.of(
                    SiteText.router(
                        "gw",
                        "eth0: { zone: outside, addresses: [198.51.100.10/24] }",
                        "eth1: { zone: inside, addresses: [10.20.0.1/24] }"
                    ),
                    "app: { addresses: [10.20.0.21/24] }",
                    SiteText.router(
                        "db1",
                        role: "db",
                        "eth0: { zone: inside, addresses: [10.20.0.31/24] }",
                        "eth1: { zone: own, addresses: [10.30.0.31/24] }"
                    ),
                    networks: "lan: 10.20.0.0/24",
                    firewall: """
                          allow: [{ from: app, to: db1, services: mysql }]
                          masquerade: [{ from: lan, out: outside }]
                          exactly: [{ id: e, from: app, to: \(destination), services: [mysql] }]
                        """
                )
            )
        }
        let named = try model("db1")
        let proof = try #require(named.answers().byID["e"])
        #expect(proof.answer == .unknown && proof.packet?.destination == IPAddress("10.30.0.31"), "\(proof.summary)")
        let words = "; if 10.30.0.31 is not meant, write out the addresses of db1 that are"
        #expect(proof.reason?.hasSuffix(words) == true, "\(proof.summary)")
        let found = PolicyCheck.findings(named, file: "site.yaml", now: 0).filter { $0.code == .claim }
        #expect(found.map(\.severity) == [.error] && found.first?.message.contains(words) == true, "\(found)")
        let written = try model("10.20.0.31")
        #expect(written.answers().byID["e"]?.isProved == true)
        #expect(!PolicyCheck.findings(written, file: "site.yaml", now: 0).contains { $0.code == .claim })
    }

    @Test("the file's tests cannot tell either", arguments: Middle.allCases)
    func tested(middle: Middle) throws {
        func failed(_ masqueraded: String, _ expected: String) throws -> [String] {
            let test = "  tests: [{ from: h1, to: db, service: https, expect: \(expected) }]"
            let model = try Self.model(middle, Self.hidden(middle, masqueraded: masqueraded, test))
            return PolicyCheck.failedTests(model, file: "site.yaml", now: 0).map(\.message)
        }
        for expected in ["drop", "accept"] {
            let found = try failed("lan", expected)
            #expect(found.count == 1 && found[0].contains("cannot tell what becomes of it"), "\(found)")
            #expect(found.first?.contains("into db: whether it passes r2, where line ") == true, "\(found)")
        }
        #expect(try failed("10.1.0.99", "drop").isEmpty)
    }

    @Test("what neighbours of one network send each other passes none of them")
    func neighbours() throws {
        let lines = """
              allow: [{ id: a, from: h1, to: 10.1.0.22, services: https }]
              masquerade: [{ from: any, out: out }]
            """
        let proof = try #require(try Self.model(.oneArmed, lines).answers().byID["a"])
        #expect(proof.isProved, "\(proof.summary)")
    }
}
