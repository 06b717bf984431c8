import Firewall
import Site
import Testing

/// The file's own tests where an end is no address of a host in the site file.
@Suite("Tests of the file: groups, and hosts by DHCP")
struct FileTestsTests {
    private static let start = """
        site: a.b
        networks: { office: 203.0.113.0/24, vrrp: 224.0.0.18, lan: 10.10.0.0/24 }
        hosts:
          h: { roles: [web], interfaces: { eth0: { zone: outside } } }
          k: { roles: [db], addresses: [10.0.0.5/24] }
          a: { roles: [pair], interfaces: { eth0: { zone: lan, addresses: [10.10.0.21/24] } } }
          b: { roles: [pair], interfaces: { eth0: { zone: lan, addresses: [10.10.0.22/24] } } }
          c: { interfaces: { eth0: { zone: dmz, addresses: [10.10.0.23/24] } } }
        services: { ssh: tcp/22, http: tcp/80, wol: udp/9 }
        firewall:
          allow:
            - { id: web, from: any, to: h, services: http }
            - { id: adm, from: [office, k], to: h, services: ssh }
            - { id: out, from: h, to: k, services: ssh }
            - { id: pair, from: pair, to: vrrp, services: wol }
            - { id: zoned, from: lan, to: 10.10.0.255, services: wol, in: lan }
          tests:

        """

    /// The messages of a test, with what stands in for the file's own.
    private static func messages(_ test: String, _ start: String = Self.start) throws -> [String] {
        let site = try site(start + "    - \(test)\n")
        return PolicyCheck.failedTests(site, file: "site.yaml", now: 0).map(\.message)
    }

    @Test(
        "a test of a host by DHCP holds when it is proved of every address",
        arguments: [
            "{ from: 8.8.8.8, to: h, service: http, expect: accept }",
            "{ from: 8.8.8.8, to: h, service: ssh, expect: drop }",
            "{ from: 8.8.8.8, to: h, service: tcp/23, expect: reject }",
            "{ from: 203.0.113.7, to: h, service: ssh, expect: accept }",
        ]
    )
    func leased(test: String) throws {
        #expect(try Self.messages(test) == [])
    }

    @Test(
        "one that does not hold is told with a packet",
        arguments: [
            ("{ from: 8.8.8.8, to: h, service: ssh, expect: accept }", "expected accept, and tcp from 8.8.8.8 to "),
            ("{ from: 8.8.8.8, to: h, service: ssh, expect: accept }", "by DHCP on eth0, is let through by no rule"),
            ("{ from: 203.0.113.7, to: h, service: ssh, expect: drop }", "is let through by `adm` (line 13)"),
            ("{ from: 8.8.8.8, to: h, service: tcp/80-90, expect: accept }", "port 81, to an address"),
            // Nobody else of the site knows which addresses to let out to it.
            ("{ from: k, to: h, service: ssh, expect: accept }", "has by DHCP on eth0, is let through by no rule"),
        ]
    )
    func broken(test: String, words: String) throws {
        let found = try Self.messages(test)
        #expect(found.count == 1 && found[0].contains(words), "\(found)")
    }

    @Test("what goes to a group is asked of its source and of each host that gets it")
    func groups() throws {
        func expect(_ ends: String, _ expected: String, _ words: String? = nil) throws {
            let found = try Self.messages("{ \(ends), expect: \(expected) }")
            #expect(found.count == (words == nil ? 0 : 1) && found.first?.contains(words ?? "") != false, "\(found)")
        }
        try expect("from: a, to: 224.0.0.18, service: wol", "accept")
        let accepted = "got accept: udp from 10.10.0.21 to 224.0.0.18 port 9, into b"
        try expect("from: a, to: 224.0.0.18, service: wol", "drop", accepted)
        try expect("from: 10.10.0.99, to: 224.0.0.18, service: wol", "drop")
        let dropped = "got drop: udp from 10.10.0.23 to 224.0.0.18 port 9, out of c"
        try expect("from: c, to: 224.0.0.18, service: wol", "accept", dropped)
        // Of three hosts that get it one does not let it in.
        try expect("from: 10.10.0.99, to: 10.10.0.255, service: wol", "accept", "into c: no rule lets it through")
        try expect("from: 10.10.0.99, to: 10.10.0.255, service: wol", "drop", "got accept")
        // A port that a host that gets it knows is tried of a range.
        try expect("from: 10.10.0.99, to: 10.10.0.255, service: udp/1-20", "drop", "port 9")
    }

    @Test("an address that no host is known to bear may be one by DHCP, which is said")
    func unknown() throws {
        let site = try site(Self.start + "    - { from: 8.8.8.8, to: 198.51.100.9, service: ssh, expect: drop }\n")
        let found = PolicyCheck.failedTests(site, file: "site.yaml", now: 0)
        let connection = "tcp from 8.8.8.8 to 198.51.100.9 port 22"
        #expect(found.map(\.message) == ["no host of the site is on the way of \(connection)"])
        let help = try #require(found.first?.help)
        #expect(help.hasSuffix("; `h` by name, since no address that it gets by DHCP is known here"), "\(help)")
    }
}
