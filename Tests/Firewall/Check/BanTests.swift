import Firewall
import Site
import Testing

/// Claims about the internet beside lines of `deny` that keep some of it out.
@Suite("Bans beside claims")
struct BanTests {
    private static func findings(_ deny: String, networks: String = "office: 203.0.113.0/24") throws -> [Diagnostic] {
        let model = try site(
            """
            site: a.b
            networks: { \(networks) }
            hosts: { lb: { addresses: [10.0.0.1/24] }, app: { addresses: [10.0.0.2/24] } }
            services: { http: tcp/80 }
            firewall:
              deny: [{ \(deny) }]
              allow: [{ from: any, to: lb, services: http }]
              exactly: [{ from: internet, to: lb, services: http }]
            """
        )
        return PolicyCheck.findings(model, file: "site.yaml", now: 0)
    }

    @Test("whoever has a name in `networks` is banned without breaking a claim about the internet")
    func named() throws {
        let networks = "banned: [9.9.9.9, 198.51.100.0/24, \"2001:db8:bad::/48\"]"
        for deny in [
            "from: 9.9.9.9, to: any", "from: banned, to: any", "from: banned, to: any, expires: 2099-01-01T00:00:00Z",
        ] {
            let found = try Self.findings(deny, networks: networks)
            #expect(found == [], "\(deny)")
        }
    }

    @Test("a claim that a ban breaks says so, and one that nobody can fulfil does not")
    func help() throws {
        let narrowing = "narrow that rule, or give up the claim"
        let banned = try Self.findings("from: 9.9.9.9, to: any")
        let name = "whom that rule keeps out, give a name in `networks`, which is no part of `internet`; or "
        #expect(banned.map(\.help) == [name + narrowing], "\(banned)")
        #expect(banned.first?.message.contains("tcp from 9.9.9.9 to 10.0.0.1 port 80 (lb) is refused by") == true)
        // All strangers can have no name.
        let all = try Self.findings("from: internet, to: lb").filter { $0.code == .claim }
        #expect(all.map(\.help) == [narrowing], "\(all)")
    }
}
