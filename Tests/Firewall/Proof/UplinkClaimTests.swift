import Firewall
import Site
import Testing

/// Claims about routers of which the site file does not say by which interface they reach what is in no network of theirs:
/// with several uplinks, or with none in the zone `outside`.
@Suite("Claims about routers with uplinks of any zone")
struct UplinkClaimTests {
    private static let inner = "eth1: { zone: lan, addresses: [10.1.0.1/24] }"

    private static func text(_ uplinks: String, _ firewall: String) -> String {
        SiteText.of(
            SiteText.router("r1", uplinks, inner),
            "h1: { addresses: [10.1.0.21/24] }",
            "s1: { interfaces: { eth0: { zone: srv, addresses: [172.20.0.9/16] } } }",
            networks: "lan: 10.1.0.0/24, abroad: 8.0.0.0/8",
            firewall: firewall
        )
    }

    private static func proofs(_ text: String) throws -> [String: ClaimProof] { try site(text).answers().byID }

    private static func describe(_ proof: ClaimProof?) -> String { proof?.summary ?? "no such claim" }

    @Test(
        "a forwarded port of any uplink breaks a never of those who may come by it",
        arguments: [
            ("eth0: { zone: wan, addresses: [198.51.100.5/24] }", "wan"),
            ("eth0: { zone: wan, addresses: [198.51.100.5/32] }", "wan"),
            (
                "fibre: { zone: outside, addresses: [198.51.100.5/24] }, eth0: { zone: backup, addresses: [192.0.2.5/24] }",
                "backup"
            ),
        ]
    )
    func forwarded(uplinks: String, zone: String) throws {
        let lines = """
              forward: [{ from: any, service: way, to: h1, port: 22, in: \(zone) }]
              never:
                - { id: abroad, from: abroad, to: r1 }
                - { id: internet, from: internet, to: r1 }
                - { id: inner, from: lan, to: r1 }
                - { id: other, from: abroad, to: r1, services: https }
            """
        let proofs = try Self.proofs(Self.text(uplinks, lines))
        for id in ["abroad", "internet"] {
            let proof = proofs[id]
            #expect(proof?.answer == .refuted, "\(Self.describe(proof))")
            #expect(proof?.packet?.destination == IPAddress("10.1.0.21"), "\(Self.describe(proof))")
            #expect(proof?.packet?.inputInterface == "eth0", "\(Self.describe(proof))")
        }
        for id in ["inner", "other"] { #expect(proofs[id]?.isProved == true, "\(Self.describe(proofs[id]))") }
    }

    @Test("a source that any uplink masquerades is asked with both addresses", arguments: ["backup", "outside"])
    func masqueraded(zone: String) throws {
        let uplinks =
            "fibre: { zone: outside, addresses: [198.51.100.5/24] }, eth0: { zone: \(zone), addresses: [192.0.2.5/24] }"
        func proofs(_ masqueraded: String) throws -> [String: ClaimProof] {
            try Self.proofs(
                Self.text(
                    uplinks,
                    """
                      allow:
                        - { from: 192.0.2.5, to: s1, services: https }
                        - { from: h1, to: s1, services: https, in: lan }
                      masquerade: [{ from: \(masqueraded), out: \(zone) }]
                      never: [{ id: n, from: h1, to: s1, services: https }]
                    """
                )
            )
        }
        let hidden = try proofs("lan")
        #expect(hidden["n"]?.answer == .unknown, "\(Self.describe(hidden["n"]))")
        let plain = try proofs("10.1.0.99")
        #expect(plain["n"]?.isProved == true, "\(Self.describe(plain["n"]))")
    }

    @Test("what a router sends itself is asked with the source that it masquerades it with")
    func ownMasqueraded() throws {
        func answer(_ masqueraded: String) throws -> ClaimProof? {
            try Self.proofs(
                Self.text(
                    "eth0: { zone: outside, addresses: [198.51.100.5/24] }",
                    """
                      allow:
                        - { from: 10.1.0.1, to: s1, services: https, in: lan, out: outside }
                        - { from: 198.51.100.5, to: s1, services: https, out: srv }
                      masquerade: [{ from: \(masqueraded), out: outside }]
                      never: [{ id: n, from: r1, to: s1, services: https }]
                    """
                )
            )["n"]
        }
        let hidden = try answer("any")
        #expect(hidden?.answer == .unknown, "\(Self.describe(hidden))")
        let plain = try answer("h1")
        #expect(plain?.isProved == true, "\(Self.describe(plain))")
    }

    private static let wan = "eth0: { zone: wan, addresses: [198.51.100.5/24] }"

    @Test("a router whose uplink is in no zone called outside decides all the same")
    func between() throws {
        let lines = """
              allow:
                - { id: out, from: h1, to: internet, services: https }
                - { id: door, from: abroad, to: h1, services: ssh }
            """
        let open = try Self.proofs(Self.text(Self.wan, lines))
        for id in ["out", "door"] { #expect(open[id]?.isProved == true, "\(Self.describe(open[id]))") }
        let denied = "\n  deny: [{ id: noweb, from: lan, to: internet, services: https, in: lan }]"
        let closed = try Self.proofs(Self.text(Self.wan, lines + denied))
        #expect(closed["out"]?.word == "void", "\(Self.describe(closed["out"]))")
        #expect(closed["door"]?.isProved == true, "\(Self.describe(closed["door"]))")
    }

    @Test("the file's tests ask it, too")
    func tests() throws {
        func failed(_ lines: String, _ test: String) throws -> [String] {
            try site(Self.text(Self.wan, "\(lines)\n  tests: [{ \(test) }]")).failedTests
        }
        let denied = """
              allow: [{ from: h1, to: internet, services: https }]
              deny: [{ id: noweb, from: lan, to: internet, services: https, in: lan }]
            """
        for source in ["h1", "10.1.0.77"] {
            let found = try failed(denied, "from: \(source), to: 9.9.9.9, service: https, expect: drop")
            #expect(found.isEmpty, "\(found)")
        }
        let lost = try failed(denied, "from: h1, to: 9.9.9.9, service: https, expect: accept")
        #expect(lost.count == 1 && lost[0].contains("through r1: by `noweb`"), "\(lost)")
        let forward = "  forward: [{ from: any, service: way, to: h1, port: 22, in: wan }]"
        #expect(try failed(forward, "from: 8.8.8.8, to: 198.51.100.5, service: way, expect: accept").isEmpty)
        let got = try failed(forward, "from: 8.8.8.8, to: 198.51.100.5, service: way, expect: drop")
        #expect(got.count == 1 && got[0].contains("got accept"), "\(got)")
    }

    /// Two networks and an uplink, none of which is in the zone `outside`.
    private static let three = "\(wan), eth2: { zone: lab, addresses: [10.3.0.1/24] }"

    @Test("what none of several interfaces is known to lead to may be behind each")
    func amongSeveral() throws {
        let lines = """
              allow:
                - { id: out, from: h1, to: internet, services: https }
                - { id: door, from: abroad, to: h1, services: ssh }
            """
        func proofs(_ denied: String) throws -> [String: ClaimProof] {
            try Self.proofs(Self.text(Self.three, lines + denied))
        }
        let open = try proofs("")
        for id in ["out", "door"] { #expect(open[id]?.isProved == true, "\(Self.describe(open[id]))") }
        let closed = try proofs("\n  deny: [{ id: noweb, from: lan, to: internet, services: https, in: lan }]")
        #expect(closed["out"]?.word == "void", "\(Self.describe(closed["out"]))")
        #expect(closed["door"]?.isProved == true, "\(Self.describe(closed["door"]))")
        let leaving = try proofs("\n  deny: [{ id: noweb, from: lan, to: internet, services: https, out: lab }]")
        #expect(leaving["out"]?.answer == .unknown, "\(Self.describe(leaving["out"]))")
        #expect(leaving["out"]?.host == "r1" && leaving["out"]?.packet?.outputInterface == "eth2")
        let coming = try proofs("\n  deny: [{ id: nodoor, from: abroad, to: lan, services: ssh, in: wan }]")
        #expect(coming["door"]?.answer == .unknown, "\(Self.describe(coming["door"]))")
        #expect(coming["out"]?.isProved == true, "\(Self.describe(coming["out"]))")
    }

    @Test("a test holds where each of several interfaces decides alike, and else nobody can tell")
    func testsAmongSeveral() throws {
        func failed(_ zones: String, _ expected: String) throws -> [String] {
            let lines = """
                  allow: [{ from: h1, to: internet, services: https }]
                  deny: [{ id: noweb, from: lan, to: internet, services: https, \(zones) }]
                  tests: [{ from: h1, to: 9.9.9.9, service: https, expect: \(expected) }]
                """
            return try site(Self.text(Self.three, lines)).failedTests
        }
        #expect(try failed("in: lan", "drop").isEmpty)
        let lost = try failed("in: lan", "accept")
        #expect(lost.count == 1 && lost[0].contains("through r1: by `noweb`"), "\(lost)")
        for expected in ["accept", "drop"] {
            let found = try failed("out: lab", expected)
            #expect(found.count == 1 && found[0].contains("cannot tell what becomes of it"), "\(found)")
            #expect(found.first?.contains("which interface of r1 leads to") == true, "\(found)")
        }
    }

    @Test("so it is with what begins or ends at such a router itself", arguments: ["r1", "h2"])
    func testsAtItself(name: String) throws {
        func failed(_ zone: String, _ lines: String, _ test: String) throws -> [String] {
            let text = Self.text(
                "eth0: { zone: \(zone), addresses: [198.51.100.5/24] }",
                "  allow: [{ \(lines) }]\n  tests: [{ \(test) }]"
            )
            // A host that is no router.
            let other = text.replacing("r1: { roles: [router],", with: "h2: {")
            return try site(name == "r1" ? text : other).failedTests
        }
        for (line, test) in [
            ("from: abroad, to: \(name), services: ssh, in", "from: 8.8.8.8, to: 198.51.100.5, service: ssh"),
            ("from: \(name), to: internet, services: ssh, out", "from: 198.51.100.5, to: 9.9.9.9, service: ssh"),
        ] {
            for expected in ["accept", "drop"] {
                let found = try failed("wan", "\(line): wan", "\(test), expect: \(expected)")
                #expect(found.count == 1 && found[0].contains("cannot tell what becomes of it"), "\(found)")
                #expect(found.first?.contains("which interface of \(name) leads to") == true, "\(found)")
            }
            #expect(try failed("outside", "\(line): outside", "\(test), expect: accept").isEmpty)
            // Where each of them decides alike, it is known.
            let unbound = line.split(separator: ", ").dropLast().joined(separator: ", ")
            #expect(try failed("wan", unbound, "\(test), expect: accept").isEmpty)
        }
    }

    @Test("what comes to the address of another uplink may come by that one")
    func testsAtUplinks() throws {
        let uplinks =
            "fibre: { zone: outside, addresses: [198.51.100.5/24] }, eth0: { zone: backup, addresses: [185.0.2.5/24] }"
        func failed(_ test: String, in zone: String = ", in: backup") throws -> [String] {
            let lines = "  allow: [{ from: abroad, to: r1, services: ssh\(zone) }]\n  tests: [{ \(test) }]"
            return try site(Self.text(uplinks, lines)).failedTests
        }
        for expected in ["accept", "drop"] {
            let found = try failed("from: 8.8.8.8, to: 185.0.2.5, service: ssh, expect: \(expected)")
            #expect(found.count == 1 && found[0].contains("cannot tell what becomes of it"), "\(found)")
        }
        #expect(try failed("from: 8.8.8.8, to: 185.0.2.5, service: https, expect: drop").isEmpty)
        #expect(try failed("from: 8.8.8.8, to: 185.0.2.5, service: ssh, expect: accept", in: "").isEmpty)
        #expect(try failed("from: 8.8.8.8, to: 198.51.100.5, service: ssh, expect: drop").isEmpty)
    }
}
