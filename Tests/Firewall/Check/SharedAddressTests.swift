import Firewall
import Site
import Testing

/// An address that two hosts have in turn: rules take it for each one's own, and what is said of it holds at both.
@Suite("Addresses that hosts share")
struct SharedAddressTests {
    static let text = """
        site: vip.example
        networks: { vrrp-group: 224.0.0.18 }
        hosts:
          lb-01:
            roles: [gateway]
            interfaces: { eth0: { zone: outside, addresses: [198.51.100.10/24], shared: [198.51.100.100/24] } }
          lb-02:
            roles: [gateway]
            interfaces: { eth0: { zone: outside, addresses: [198.51.100.11/24], shared: [198.51.100.100/24] } }
          db: { addresses: [198.51.100.30/24] }
        services: { https: tcp/443, ssh: tcp/22, mysql: tcp/3306 }
        firewall:
          allow:
            - { id: web, from: any, to: gateway, services: https }
            - { id: data, from: gateway, to: db, services: mysql }
            - { id: pair, from: gateway, to: vrrp-group, services: vrrp }
            - { id: one, from: any, to: lb-02, services: ssh }
            - { id: leaves, from: lb-02, to: db, services: ssh }

        """

    private static func model(_ more: String = "") throws -> SiteModel { try site(text + more) }

    @Test("each host lets in and out by it what its lines say")
    func compiled() throws {
        let intent = Intent(of: try Self.model())
        func decides(
            _ host: String,
            _ route: PacketRoute,
            _ from: String,
            _ to: String,
            _ port: UInt16
        ) throws -> String? {
            let (source, destination) = (try #require(IPAddress(from)), try #require(IPAddress(to)))
            let packet = Packet(route, from: source, to: destination, .tcp, detail: port)
            return intent.host(host)?.rule(for: packet)?.id
        }
        let shared = "198.51.100.100"
        for host in ["lb-01", "lb-02"] {
            #expect(try decides(host, .input(by: "eth0"), "9.9.9.9", shared, 443) == "web")
            #expect(try decides(host, .output(by: "eth0"), shared, "198.51.100.30", 3306) == "data")
        }
        #expect(try decides("lb-01", .input(by: "eth0"), "9.9.9.9", shared, 22) == nil)
        #expect(try decides("lb-02", .input(by: "eth0"), "9.9.9.9", shared, 22) == "one")
        #expect(try decides("db", .input(by: "eth0"), shared, "198.51.100.30", 3306) == "data")
    }

    @Test("a test of it holds where it holds at each host; one of a host is about that host's own")
    func tests() throws {
        func failed(_ from: String, _ to: String, _ service: String, _ expected: String) throws -> [String] {
            let test = "  tests: [{ from: \(from), to: \(to), service: \(service), expect: \(expected) }]\n"
            return PolicyCheck.failedTests(try Self.model(test), file: "f", now: 0).map(\.message)
        }
        #expect(try failed("9.9.9.9", "198.51.100.100", "https", "accept").isEmpty)
        #expect(try failed("9.9.9.9", "198.51.100.100", "mysql", "drop").isEmpty)
        #expect(try failed("9.9.9.9", "198.51.100.100", "ssh", "accept").first?.contains("into lb-01") == true)
        #expect(try failed("9.9.9.9", "198.51.100.100", "ssh", "drop").first?.contains("into lb-02") == true)
        #expect(try failed("9.9.9.9", "lb-02", "ssh", "accept").isEmpty)
        #expect(try failed("198.51.100.100", "db", "mysql", "accept").isEmpty)
        #expect(try failed("198.51.100.100", "db", "ssh", "drop").count == 1)
        #expect(try failed("198.51.100.100", "db", "ssh", "accept").count == 1)
    }

    @Test("a claim about it is asked of each host, and what differs is not proved")
    func claims() throws {
        let never = """
              never:
                - { id: enters, from: internet, to: 198.51.100.100, services: ssh }
                - { id: shut, from: internet, to: 198.51.100.100, services: mysql }
                - { id: sends, from: 198.51.100.100, to: db, services: ssh }
                - { id: silent, from: 198.51.100.100, to: db, services: https }

            """
        let answers = try Self.model(never).answers().byID
        func word(_ id: String) -> String? { answers[id]?.word }
        let said = answers.values.map(\.summary).sorted().joined(separator: "\n")
        for id in ["web", "data", "one", "leaves", "shut", "silent"] { #expect(word(id) == "proved", "\(id)\n\(said)") }
        #expect(answers["enters"]?.answer == .refuted && answers["sends"]?.answer == .unknown, "\(said)")
    }

    @Test("the address alone tells of no machine which host it is, and is none that the site file lacks")
    func machine() throws {
        let site = try Self.model()
        let (own, shared) = (try #require(IPAddress("198.51.100.11")), try #require(IPAddress("198.51.100.100")))
        #expect(site.host(bearingAnyOf: [own, shared])?.name == "lb-02" && site.host(bearingAnyOf: [shared]) == nil)
        let host = try #require(site.hosts["lb-02"])
        let speaking = [own, shared].map { (interface: "eth0", address: $0) }
        #expect(UnnamedAddresses.warnings(host, speaking: speaking, file: "f").isEmpty)
    }
}
