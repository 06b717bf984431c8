import Firewall
import Site
import Testing

@Suite("Promises that are not made any more")
struct PromiseDiffTests {
    private static func model(_ firewall: String, office: String = "203.0.113.0/24") throws -> SiteModel {
        try site(
            """
            site: a.b
            networks: { office: \(office) }
            hosts: { a: { addresses: [10.0.0.1/24] }, b: { addresses: [10.0.0.2/24] } }
            services: { ssh: tcp/22, http: tcp/80 }
            firewall:
            \(firewall)
            """
        )
    }

    private static func notes(_ old: String, _ new: String, office: String = "203.0.113.0/24") throws -> [String] {
        PromiseDiff.notes(from: (try model(old), "old"), to: (try model(new, office: office), "new"))
    }

    private static let never = "  never: [{ id: shut, from: office, to: all, services: [ssh, http] }]"

    @Test("a claim that is gone or says less is told with its place; one that says the same or more is not")
    func claims() throws {
        let gone = ["the claim `shut` (old:6) is not made any more"]
        #expect(try Self.notes(Self.never, "  allow: []") == gone)
        let less = "  never: [{ id: shut, from: office, to: all, services: ssh }]"
        #expect(try Self.notes(Self.never, less) == ["the claim `shut` (old:6) says something else now (new:6)"])
        #expect(try Self.notes(less, Self.never).isEmpty && Self.notes(Self.never, "\n" + Self.never).isEmpty)
        #expect(try Self.notes(Self.never, Self.never.replacing("shut", with: "other")).isEmpty)
        // What its names stand for shows in packets.
        #expect(try Self.notes(Self.never, Self.never, office: "203.0.113.0/25").isEmpty)
        let exact = "  exactly: [{ id: only, from: office, to: a, services: ssh }]"
        #expect(try Self.notes(exact, exact).isEmpty)
        let wider = exact.replacing("services: ssh", with: "services: [ssh, http]")
        #expect(try Self.notes(exact, wider) == ["the claim `only` (old:6) says something else now (new:6)"])
    }

    @Test("a test that is gone or expects something else is told with its place")
    func tests() throws {
        let test = "  tests: [{ from: 203.0.113.1, to: a, service: ssh, expect: drop }]"
        #expect(try Self.notes(test, "\n\n" + test).isEmpty)
        let note = ["the test at old:6 is not made any more"]
        #expect(try Self.notes(test, test.replacing("drop", with: "accept")) == note)
        #expect(try Self.notes(test, "  allow: []") == note && Self.notes("  allow: []", test).isEmpty)
    }
}
