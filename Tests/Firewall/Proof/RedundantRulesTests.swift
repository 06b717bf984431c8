import Firewall
import Site
import Testing

/// Lines that decide and could go. Random ones are in RandomPolicyTests.
@Suite("Redundant lines")
struct RedundantRulesTests {
    /// The named lines of a policy for one host, each with the lines that do the same; `-` before those that decide about
    /// nothing.
    private func named(allow: String = "", deny: String = "") throws -> [String: String] {
        let model = try site(
            """
            site: a.example
            networks: { lan: [10.9.0.0/24], part: [10.9.0.16/28], other: [10.8.0.0/24] }
            services: { http: tcp/80, https: tcp/443, web: [http, https] }
            hosts:
              h: { roles: [server], interfaces: { eth0: { zone: outside, addresses: [10.9.0.1/24] } } }
            firewall: { allow: [\(allow)], deny: [\(deny)] }
            """
        )
        let hidden = try HiddenRule.all(in: Intent(of: model).hosts)
        #expect(hidden.allSatisfy { $0.kind == .redundant }, "\(hidden)")
        let pairs = hidden.map { ($0.rule.id, ($0.decides ? "" : "-") + $0.hiding.map(\.id).joined(separator: " ")) }
        return Dictionary(uniqueKeysWithValues: pairs)
    }

    private func line(_ id: String, _ from: String, _ services: String, _ more: String = "") -> String {
        "{ id: \(id), from: \(from), to: server, services: \(services)\(more) }, "
    }

    @Test("a narrow line before a broader one, or before several that hold it together")
    func narrow() throws {
        #expect(try named(allow: line("a", "part", "http") + line("b", "lan", "http")) == ["a": "b"])
        #expect(try named(allow: line("a", "part", "web") + line("b", "lan", "http")) == [:])
        let several = line("a", "part", "web") + line("b", "lan", "http") + line("c", "lan", "https")
        #expect(try named(allow: several) == ["a": "b c"])
        #expect(try named(deny: line("a", "part", "http") + line("b", "lan", "http")) == ["a": "b"])
    }

    @Test("those that are named could go at once")
    func together() throws {
        // Each of the two could go alone, for the other's sake.
        #expect(try named(allow: line("a", "lan", "http") + line("b", "lan", "http")) == ["b": "-a"])
        let chain = line("a", "part", "http") + line("b", "lan", "http") + line("c", "any", "web")
        #expect(try named(allow: chain) == ["a": "c", "b": "c"])
        // The second needs the first's packets of the last, which decides about nothing as long as the second is there.
        let overlap = line("a", "part", "http") + line("b", "[lan, other]", "http") + line("c", "other", "http")
        #expect(try named(allow: overlap) == ["a": "b", "c": "-b"])
    }

    @Test("not one that has a limit, logs, or ends otherwise, nor for the sake of such a one")
    func more() throws {
        for more in [", limit: 5/m", ", log: true"] {
            #expect(try named(allow: line("a", "part", "http", more) + line("b", "lan", "http")) == [:], "\(more)")
            #expect(try named(allow: line("a", "part", "http") + line("b", "lan", "http", more)) == [:], "\(more)")
        }
        #expect(try named(allow: line("a", "part", "http"), deny: line("b", "lan", "https")) == [:])
    }

    @Test("not for the sake of what the house lets through, and a refusal of what nothing lets in stays")
    func house() throws {
        #expect(try named(allow: "{ id: a, from: lan, to: server, services: icmp }") == [:])
        #expect(try named(deny: line("a", "lan", "http")) == [:])
    }

    @Test("not a port forward that is open without it, for it alone sends the port there")
    func forwards() throws {
        func named(_ lines: String) throws -> [String: HiddenRule.Kind] {
            let model = try site(
                """
                site: a.example
                networks: { lan: 10.9.0.0/24, partner: 203.0.113.0/24 }
                services: { ssh: tcp/22, way-in: tcp/2222 }
                hosts:
                  r:
                    roles: [router]
                    interfaces:
                      wan: { zone: outside, addresses: [198.51.100.2/24] }
                      lan: { zone: lan, addresses: [10.9.0.1/24] }
                  files: { interfaces: { eth0: { zone: lan, addresses: [10.9.0.5/24] } } }
                firewall:
                \(lines)
                  forward: [{ id: fw, from: partner, service: way-in, to: files, port: 22 }]
                """
            )
            let hidden = try HiddenRule.all(in: Intent(of: model).hosts).map { ($0.rule.id, $0.kind) }
            return Dictionary(uniqueKeysWithValues: hidden)
        }
        #expect(try named("  allow: [{ id: a, from: [lan, partner], to: all, services: ssh }]") == [:])
        // One that lets nothing through is told of all the same.
        #expect(try named("  deny: [{ id: d, from: partner, to: files }]") == ["fw": .contradicted])
    }
}
