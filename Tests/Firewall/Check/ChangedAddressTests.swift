import Firewall
import Site
import Testing

/// What `check` says of connections whose addresses a router changes.
@Suite("Checks of changed addresses")
struct ChangedAddressTests {
    private static let known = ", addresses: [198.51.100.2/24]"

    private static func model(
        _ firewall: String,
        wan: String = known,
        roles: String = "router"
    ) throws -> SiteModel {
        try site(
            """
            site: a.b
            networks: { lan: 10.1.0.0/24, guests: 10.2.0.0/24, partner: 203.0.113.0/24 }
            hosts:
              gate:
                roles: [\(roles)]
                interfaces:
                  wan: { zone: outside\(wan) }
                  lan: { zone: lan, addresses: [10.1.0.1/24] }
                  wifi: { zone: guests, addresses: [10.2.0.1/24] }
              files: { interfaces: { eth0: { zone: lan, addresses: [10.1.0.5/24] } } }
            services: { ssh: tcp/22, http: tcp/80, way-in: tcp/2222 }
            firewall:
            \(firewall)
            """
        )
    }

    private static func findings(
        _ firewall: String,
        wan: String = known,
        roles: String = "router"
    ) throws -> [String] {
        let model = try Self.model(firewall, wan: wan, roles: roles)
        return PolicyCheck.findings(model, file: "site.yaml", now: 0).map { finding in
            "\(finding.line) \(finding.severity) \(finding.message)" + (finding.help.map { "; \($0)" } ?? "")
        }
    }

    /// Guests who come to the router's port are masqueraded, so that the answers go back by the router.
    private static let reflected = """
          masquerade: [{ from: guests, to: files, out: lan }]
          forward: [{ id: f, from: guests, in: guests, service: http, to: files }]

        """

    @Test("the file's tests know what a router makes of a source, as `explain` does")
    func masqueraded() throws {
        func test(_ expected: String) -> String {
            "  tests: [{ from: 10.2.0.50, to: gate, service: http, expect: \(expected) }]\n"
        }
        // The host behind sees the router, which no line lets in.
        #expect(try Self.findings(Self.reflected + test("drop")).isEmpty)
        let lost = try Self.findings(Self.reflected + test("accept"))
        #expect(lost.count == 1 && lost[0].contains("expected accept, and got drop"), "\(lost)")
        #expect(lost[0].contains("into files: no rule lets it through"), "\(lost)")
        let open = "  allow: [{ from: gate, to: files, services: http }]\n" + Self.reflected
        #expect(try Self.findings(open + test("accept")).isEmpty)
        // So it is with what goes to the host itself.
        let through = """
              allow: [{ id: a, from: guests, to: 10.1.0.0/29, services: ssh }]
              masquerade: [{ from: guests, out: lan }]
              tests: [{ from: 10.2.0.50, to: files, service: "tcp/20-30", expect: drop }]
            """
        // What `check` warns of besides, unless the host lets the router in.
        let taken = try Self.findings(through)
        let comes = "to 10.1.0.5 port 22 (files) comes there from 10.1.0.1, as line 14 has it, and is let through by no"
        #expect(taken.count == 1 && taken[0].contains("\(comes) rule"), "\(taken)")
        #expect(taken.first?.contains("13 warning of the rule `a` not all is let through: tcp from 10.2.0.") == true)
        let more = ", { from: gate, to: files, services: ssh }]"
        let got = try Self.findings(through.replacing("services: ssh }]", with: "services: ssh }" + more))
        #expect(got.count == 1 && got[0].contains("got accept: tcp from 10.2.0.50 to 10.1.0.5 port 22"), "\(got)")
    }

    @Test("a change tells which lines let less through since a masquerade changes the source")
    func lost() throws {
        let line = "{ id: a, from: guests, to: files, services: ssh }"
        let masquerade = "  masquerade: [{ from: guests, to: files, out: lan }]\n"
        let open = try Self.model("  allow: [\(line)]\n")
        let masked = try Self.model("  allow: [\(line)]\n" + masquerade)
        let allowed = try Self.model("  allow: [\(line), { from: gate, to: files, services: ssh }]\n" + masquerade)
        let bare = try Self.model("  allow: [{ id: b, from: guests, to: files, services: http }]\n" + masquerade)
        for old in [open, allowed] {
            let losses = PolicyCheck.losses(from: old, to: masked, at: 0)
            let sentence = losses.first?.sentence ?? ""
            #expect(losses.map(\.host) == ["files"] && losses.allSatisfy { !$0.opens }, "\(losses)")
            #expect(sentence.hasPrefix("`a` lets less through: tcp from 10.2.0."), "\(sentence)")
            let fate = "comes there from 10.1.0.1, as line 14 has it, and is let through by no rule"
            #expect(sentence.hasSuffix("to 10.1.0.5 port 22 (files) \(fate)"), "\(sentence)")
        }
        // Nothing closes that was not let through, nor what the host lets the router do as well.
        for (old, new) in [(masked, masked), (bare, masked), (masked, open), (open, allowed)] {
            #expect(PolicyCheck.losses(from: old, to: new, at: 0).isEmpty)
        }
        func warned(_ host: String) -> [Int] {
            PolicyCheck.maskedLines(masked, host: host, file: "site.yaml", now: 0).map(\.line)
        }
        #expect(warned("gate") == [13] && warned("files") == [13] && warned("another").isEmpty)
    }

    @Test(
        "a change tells which lines let less through since a port is forwarded",
        arguments: [", addresses: [198.51.100.2/24]", ""]
    )
    func diverted(wan: String) throws {
        let lines = "{ id: s, from: partner, to: gate, services: ssh }, { id: l, from: lan, to: gate, services: ssh }"
        func model(_ forward: String) throws -> SiteModel {
            try Self.model("  allow: [\(lines)]\n" + forward, wan: wan)
        }
        let forward = "  forward: [{ id: f, from: any, service: ssh, to: files }]\n"
        let (plain, taking) = (try model(""), try model(forward))
        let losses = PolicyCheck.losses(from: plain, to: taking, at: 0)
        #expect(losses.map(\.host) == ["gate"] && losses.allSatisfy { !$0.opens }, "\(losses)")
        let sentence = losses.first?.sentence ?? ""
        #expect(sentence.hasPrefix("`s` lets less through: tcp from 203.0.113."), "\(sentence)")
        #expect(sentence.hasSuffix(" is sent to 10.1.0.5 by `f` (line 14)"), "\(sentence)")
        // What was sent elsewhere before, or comes to another port.
        let other = try model(forward.replacing("service: ssh", with: "service: way-in"))
        let named = try model(forward.replacing("id: f", with: "id: g"))
        for (old, new) in [(taking, taking), (taking, named), (plain, other), (taking, plain)] {
            #expect(PolicyCheck.losses(from: old, to: new, at: 0).isEmpty)
        }
    }

    @Test("a source that the site file does not know fails a test, whatever it expects")
    func unknown() throws {
        let lines = """
              allow: [{ from: guests, to: 198.51.100.9, services: ssh }]
              masquerade: [{ from: guests, out: outside }]
              tests: [{ from: 10.2.0.50, to: box, service: ssh, expect: EXPECTED }]
            """
        for expected in ["accept", "drop"] {
            let model = try site(
                """
                site: a.b
                networks: { guests: 10.2.0.0/24 }
                hosts:
                  gate:
                    roles: [router]
                    interfaces: { wan: { zone: outside }, wifi: { zone: guests, addresses: [10.2.0.1/24] } }
                  box: { addresses: [198.51.100.9/24] }
                services: { ssh: tcp/22 }
                firewall:
                \(lines.replacing("EXPECTED", with: expected))
                """
            )
            let found = PolicyCheck.findings(model, file: "site.yaml", now: 0).map(\.message)
            let part = "expected \(expected), and cannot tell what becomes of it"
            #expect(found.contains { $0.hasPrefix(part) && $0.contains("line 11 gives it a source") }, "\(found)")
        }
    }

    @Test("a deny of a router's port keeps it from being forwarded, for tests, claims and warnings")
    func denied() throws {
        func found(_ deny: String, _ others: String = "", wan: String = Self.known) throws -> [String] {
            try Self.findings(
                """
                  deny: [\(deny)]
                  forward: [{ id: fw, from: partner, service: way-in, to: files, port: 22 }]
                \(others)
                """,
                wan: wan
            )
        }
        func test(_ source: String, _ expected: String) -> String {
            "  tests: [{ from: \(source), to: gate, service: way-in, expect: \(expected) }]\n"
        }
        let denies = [
            "from: 203.0.113.8, to: gate, services: way-in", "from: 203.0.113.8, to: gate",
            "from: 203.0.113.8, to: gate, services: way-in, in: outside", "from: 203.0.113.8, to: [gate, files]",
            "from: 203.0.113.8, to: files, services: ssh", "from: 203.0.113.8, to: any",
        ]
        for deny in denies {
            #expect(try found("{ \(deny) }", test("203.0.113.8", "drop")).isEmpty, "\(deny)")
            #expect(try found("{ \(deny) }", test("203.0.113.9", "accept")).isEmpty, "\(deny)")
        }
        for deny in ["from: 203.0.113.8, to: gate, services: ssh", "from: guests, to: gate, services: way-in"] {
            #expect(try found("{ \(deny) }", test("203.0.113.8", "accept")).isEmpty, "\(deny)")
        }
        let never = "  never: [{ from: 203.0.113.8, to: gate }]\n"
        #expect(try found("{ from: 203.0.113.8, to: gate, services: way-in }", never).isEmpty)
        #expect(try found("{ from: 203.0.113.9, to: gate, services: way-in }", never).count == 1)
        // By whichever address that the router gets.
        #expect(try found("{ from: 203.0.113.8, to: gate, services: way-in }", never, wan: "").isEmpty)
        let all = try found("{ from: 203.0.113.0/25, to: gate }, { from: partner, to: gate, services: way-in }")
        #expect(all == ["14 warning line 13 denies all of it before this line is asked; \(Self.remedy)"], "\(all)")
        let forATime = "{ from: partner, to: gate, services: way-in, expires: 2030-01-01T00:00:00Z }"
        #expect(try found(forATime).isEmpty)
    }

    @Test("a port forward that takes what a gateway on the router listens for is named")
    func listeners() throws {
        func found(_ allow: String, _ forward: String) throws -> [String] {
            try Self.findings(
                """
                  allow: [\(allow)]
                  forward: [{ id: f, \(forward) }]
                gateway:
                  listen: [{ port: 80 }]
                  pools: { web: { servers: [{ address: 10.1.0.5, port: 8080 }] } }
                  routes: [{ hosts: ["*"], pool: web }]
                """,
                roles: "gateway, router"
            )
        }
        let open = "{ from: any, to: gateway, services: http }"
        let outside = "{ from: any, to: gateway, services: http, in: outside }"
        let (all, some) = ("from: any, service: http, to: files", "from: partner, service: http, to: files, port: 8080")
        // Those inside still come to it.
        let part = "warning the gateway listens on port 80, and not all that the policy lets in comes there: tcp from"
        let most = try found(open, all)
        #expect(
            most.count == 1
                && most[0].contains("\(part) 8.8.8.8 to 198.51.100.2 port 80 is sent to 10.1.0.5 by `f` (line 14)"),
            "\(most)"
        )
        let few = try found(outside, some)
        #expect(few.count == 1 && few[0].contains("\(part) 203.0.113.7 to 198.51.100.2"), "\(few)")
        #expect(few.first?.contains("is sent to 10.1.0.5 port 8080 by `f`") == true, "\(few)")
        let nobody = try found(outside, all)
        let error = "error the gateway listens on port 80, and the policy lets nobody reach it: tcp from 8.8.8.8 to"
        #expect(
            nobody.count == 1 && nobody[0].contains("\(error) 198.51.100.2 port 80 is sent to 10.1.0.5 by `f`"),
            "\(nobody)"
        )
        // What comes to another port, or by another interface, takes nothing from it, and may lead to it.
        #expect(try found(open, "from: any, service: way-in, to: files, port: 80") == [])
        #expect(try found("{ from: guests, to: gateway, services: http }", all) == [])
        let inwards = "from: any, service: way-in, to: gate, port: 80"
        #expect(try found("{ from: guests, to: gate, services: ssh }", inwards) == [])
    }

    private static let remedy = "remove one of the lines, or have them name different sources or services"
}
