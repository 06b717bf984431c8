import Firewall
import Site
import Testing

/// Who may reach whom, by the rules that each host is meant to have.
@Suite("Intent")
struct IntentTests {
    private let site: SiteModel
    private let reference: Intent

    init() throws {
        site = try policySite("foobar.com.yaml")
        reference = Intent(of: site)
    }

    @Test(
        "the reference site lets through what it says, at both ends",
        arguments: [
            // from, to, port: lb-01 faces everyone with 80 and 443.
            ("198.41.0.4", "lb-01", 443, true), ("198.41.0.4", "lb-01", 80, true), ("198.41.0.4", "lb-01", 22, false),
            ("198.41.0.4", "lb-01", 8080, false), ("app-01", "lb-01", 443, true),
            // MySQL answers the app hosts, and the primary its replica.
            ("app-01", "db-01", 3306, true), ("app-02", "db-02", 3306, true), ("db-02", "db-01", 3306, true),
            ("db-01", "db-02", 3306, false), ("lb-01", "db-01", 3306, false), ("198.41.0.4", "db-01", 3306, false),
            ("203.0.113.7", "db-01", 3306, false),
            // SSH comes from the office.
            ("203.0.113.7", "db-01", 22, true), ("203.0.113.7", "lb-01", 22, true), ("app-01", "db-01", 22, false),
            // What the gateway needs is derived.
            ("lb-01", "app-01", 8080, true), ("lb-01", "app-02", 8080, true), ("lb-01", "db-01", 8080, false),
            ("app-01", "app-02", 8080, false),
        ]
    )
    func reference(from: String, to: String, port: Int, isLet: Bool) throws {
        func address(_ text: String) throws -> IPAddress {
            try #require(IPAddress(text) ?? site.hosts[text]?.allAddresses.first?.address)
        }
        // The gateway has an address on the inside, too.
        let source = from == "lb-01" ? "10.10.0.10" : from
        let connection = Connection(from: try address(source), to: try address(to), .tcp, detail: UInt16(port))
        let decisions = Rehearsal(site, reference).decisions(connection)
        #expect((decisions.last?.verdict == .accept) == isLet, "\(decisions)")
        let ends = [from, to].filter { site.hosts[$0] != nil }
        #expect(!isLet || decisions.map(\.host) == ends)
    }

    @Test("rules have the names of what they say, the same on every host")
    func names() throws {
        func ids(_ host: String, _ path: PacketPath) throws -> [String] {
            try #require(reference.host(host)).rules(path).compactMap { rule in
                switch rule.origin {
                case .written, .derived: rule.id
                case .defence, .baseline: nil
                }
            }
        }
        #expect(try ids("lb-01", .input) == ["any_gateway_http.https", "office_all_ssh"])
        #expect(try ids("lb-01", .output) == ["any_gateway_http.https", "pool-web"])
        #expect(try ids("app-01", .input) == ["office_all_ssh", "pool-web"])
        #expect(
            try ids("db-01", .input) == [
                "app_mysql-primary.mysql-replica_mysql", "mysql-replica_mysql-primary_mysql", "office_all_ssh",
            ]
        )
        #expect(try ids("db-01", .output) == ["any_gateway_http.https"])
        #expect(try #require(reference.host("lb-01")).forward.isEmpty)
    }

    @Test("claims have what they speak of")
    func claims() throws {
        let never = try #require(reference.claims.first { $0.kind == .never })
        #expect(never.sources.contains(.v4(0x0808_0808)))
        // The office and the hosts are not the internet, the neighbours of a host are.
        for (text, isInternet) in [("203.0.113.7", false), ("10.10.0.21", false), ("10.10.0.99", true)] {
            #expect(never.sources.contains(try #require(IPAddress(text))) == isInternet)
        }
        #expect(never.traffic == never.scope && !never.traffic.contains(.icmp, detail: 0x800))
        let exactly = try #require(reference.claims.first { $0.kind == .exactly })
        #expect(exactly.traffic == TrafficSet(.tcp, details: 80...80).union(TrafficSet(.tcp, details: 443...443)))
        #expect(exactly.scope.contains(.tcp, detail: 22) && !exactly.scope.contains(.icmpv6, detail: 128 << 8))
        #expect(reference.claims.count { $0.kind == .allow } == 5)
    }
}
