import Firewall
import Site
import Testing

/// Services that are whole protocols, from the site file's words to packets, claims and differences.
@Suite("Services of any protocol")
struct ProtocolTests {
    /// A router with tunnels to a partner, beside another with which it shares an address and routes.
    static let text = """
        site: a.b
        networks: { isp: 198.51.100.0/24, partner: [198.51.100.7, "2001:db8:7::7"], peers: 10.1.0.0/29 }
        hosts:
          gate:
            roles: [router]
            interfaces:
              wan: { zone: outside, addresses: [203.0.113.2/24, "2001:db8:1::2/64"] }
              lan: { zone: inside, addresses: [10.1.0.1/24] }
          vpn: { interfaces: { eth0: { zone: inside, addresses: [10.1.0.9/24] } } }
        services: { ipsec: [esp, ah, udp/500, udp/4500], sigtran: [sctp/2905, sctp/3868] }
        firewall:
          deny:
            - { id: no-tunnel, from: 198.51.100.66, to: gate, services: [ip/4, gre], reject: true }
          allow:
            - { id: ipsec, from: partner, to: gate, services: ipsec }
            - { id: tunnels, from: [partner, 198.51.100.66], to: gate, services: [gre, ip/4, ip/41], limit: 6/m }
            - { id: vrrp, from: peers, to: 224.0.0.18, services: vrrp, in: inside }
            - { id: ospf, from: peers, to: [224.0.0.5, 224.0.0.6, peers], services: ospf, in: inside }
            - { id: peering, from: partner, to: gate, services: [tcp/179, sigtran] }
            - { id: media, from: isp, to: gate, services: [sctp, udp/1-65535] }
          forward:
            - { id: l2tp, from: partner, service: ip/115, to: vpn }
            - { id: diameter, from: partner, service: sctp/3868, to: vpn, port: 3869 }

        """

    private static func packet(
        _ site: SiteModel,
        _ from: String,
        _ to: String,
        _ number: UInt8,
        _ port: UInt16 = 0,
        by interface: String? = nil
    ) throws -> Packet {
        Explanation.packets(
            from: try #require(IPAddress(from)),
            to: try #require(IPAddress(to)),
            ProtocolNumber(rawValue: number),
            detail: port,
            at: try #require(site.hosts["gate"]),
            by: interface
        )[0]
    }

    @Test(
        "a line is about its protocols and about no other",
        arguments: [
            ("198.51.100.7", "203.0.113.2", 50, 0, "ipsec"), ("198.51.100.7", "203.0.113.2", 51, 0, "ipsec"),
            ("2001:db8:7::7", "2001:db8:1::2", 50, 0, "ipsec"), ("198.51.100.7", "203.0.113.2", 17, 4500, "ipsec"),
            ("198.51.100.9", "203.0.113.2", 50, 0, nil), ("198.51.100.7", "203.0.113.2", 49, 0, nil),
            ("198.51.100.7", "203.0.113.2", 52, 0, nil), ("2001:db8:7::7", "2001:db8:1::2", 41, 0, "tunnels"),
            ("198.51.100.7", "203.0.113.2", 47, 0, "tunnels"), ("198.51.100.7", "203.0.113.2", 94, 0, nil),
            ("198.51.100.66", "203.0.113.2", 47, 0, "no-tunnel"), ("198.51.100.66", "203.0.113.2", 41, 0, "tunnels"),
            ("10.1.0.2", "224.0.0.18", 112, 0, "vrrp"), ("10.1.0.2", "224.0.0.18", 103, 0, nil),
            ("10.1.0.9", "224.0.0.18", 112, 0, nil), ("10.1.0.2", "224.0.0.5", 89, 0, "ospf"),
            ("10.1.0.1", "10.1.0.2", 89, 0, "ospf"), ("10.1.0.1", "224.0.0.18", 112, 0, "vrrp"),
            ("198.51.100.7", "203.0.113.2", 132, 2905, "peering"), ("198.51.100.9", "203.0.113.2", 132, 2905, "media"),
            ("2001:db8:7::7", "2001:db8:1::2", 132, 2906, nil), ("2001:db8:7::7", "2001:db8:1::2", 6, 179, "peering"),
        ] as [(String, String, UInt8, UInt16, String?)]
    )
    func deciding(from: String, to: String, number: UInt8, port: UInt16, id: String?) throws {
        let site = try site(Self.text)
        let packet = try Self.packet(site, from, to, number, port)
        #expect(Intent(of: site).host("gate")?.rule(for: packet)?.id == id, "\(packet.text)")
    }

    @Test("a protocol is forwarded to a host behind, and a port of SCTP to another")
    func forwarded() throws {
        let site = try site(Self.text)
        let intent = Intent(of: site)
        func journey(_ number: UInt8, _ port: UInt16) throws -> Journey {
            let packet = try Self.packet(site, "198.51.100.7", "203.0.113.2", number, port, by: "wan")
            return Journey.every(packet, at: try #require(intent.host("gate")), of: intent, site)[0]
        }
        let tunnel = try journey(115, 0)
        #expect(tunnel.redirection?.id == "l2tp" && tunnel.isLetThrough)
        #expect(tunnel.decision.packet.text.hasPrefix("ip/115 198.51.100.7 -> 10.1.0.9 in by wan out by lan, new"))
        let diameter = try journey(132, 3868)
        #expect(diameter.redirection?.id == "diameter" && diameter.decision.packet.detail == 3869)
        #expect(diameter.isLetThrough)
        #expect(try journey(114, 0).redirection == nil)
    }

    /// The claim that a line of `allow` about these services is.
    private static func claim(_ services: String) throws -> Claim {
        let text = try #require(text.split(separator: "  deny:").first)
        let line = "  allow: [{ from: any, to: vpn, services: [\(services)] }]"
        return try #require(Intent(of: try site(text + line)).claims.first)
    }

    @Test("a line without an id is named by its services as they are written, and a number by its name")
    func names() throws {
        #expect(try Self.claim("ip/50, ip/4, tcp/22, sctp/7-9").id == "any_vpn_esp.ip-4.tcp-22.sctp-7-9")
    }

    @Test("traffic is told in the words of the site file")
    func words() throws {
        #expect(try Self.claim("ipsec").traffic.text == "udp/500, udp/4500, esp, ah")
        #expect(try Self.claim("ip/4, vrrp, sctp, sctp/1").traffic.text == "ip/4, vrrp, sctp")
        #expect(try Self.claim("ip/99, ip/100").traffic.text == "protocols 99-100")
        let packet = try Self.packet(try site(Self.text), "8.8.8.8", "203.0.113.2", 99)
        #expect(packet.text.hasPrefix("ip/99 8.8.8.8 -> 203.0.113.2"))
    }

    // MARK: - Tests of the file

    private static func findings(_ more: String) throws -> [String] {
        PolicyCheck.findings(try site(text + more), file: "site.yaml", now: 0)
            .filter { $0.severity == .error }.map(\.message)
    }

    @Test("a test of a protocol is one connection for each pair of addresses, and says which it was")
    func tests() throws {
        func found(_ from: String, _ service: String, _ expect: String, to: String = "gate") throws -> [String] {
            try Self.findings("  tests: [{ from: \(from), to: \(to), service: \(service), expect: \(expect) }]\n")
        }
        #expect(try found("198.51.100.7", "ipsec", "accept") == [])
        #expect(try found("198.51.100.7", "ip/50", "accept") == [])
        #expect(try found("\"2001:db8:7::7\"", "ipsec", "accept") == [])
        #expect(try found("198.51.100.7", "sctp/2905", "accept") == [])
        #expect(try found("198.51.100.9", "sctp", "accept") == [])
        #expect(try found("198.51.100.66", "gre", "reject") == [])
        #expect(try found("10.1.0.1", "vrrp", "accept", to: "224.0.0.18") == [])
        #expect(try found("10.1.0.2", "ip/89", "accept", to: "10.1.0.1") == [])
        #expect(
            try found("198.51.100.9", "esp", "accept") == [
                "expected accept, and got drop: esp from 198.51.100.9 to 203.0.113.2, into gate: no rule lets it through"
            ]
        )
        #expect(
            try found("198.51.100.7", "ip/41", "drop") == [
                "expected drop, and got accept: ip/41 from 198.51.100.7 to 203.0.113.2, into gate: by `tunnels` (line 16)"
            ]
        )
        // Of all ports of SCTP these two lines let in some, and the forward one.
        #expect(try found("\"2001:db8:7::7\"", "sctp", "drop").first?.contains("port 2905") == true)
    }

    // MARK: - Claims and differences

    @Test("claims are about protocols, by both ends, and a broken one is shown by a packet")
    func claims() throws {
        let kept = try Self.findings(
            """
              never:
                - { from: internet, to: all, services: [vrrp, ospf, ip/94] }
                - { from: 198.51.100.66, to: gate, services: [gre, ip/4] }
              exactly:
                - { from: 198.51.100.7, to: gate, services: [ipsec, gre, ip/4, ip/41, tcp/179, sctp, udp/1-65535, ip/115] }
                - { from: 198.51.100.8, to: gate, services: [sctp, udp/1-65535] }
            """
        )
        #expect(kept == [])
        let broken = try Self.findings("  never: [{ from: partner, to: gate, services: ah }]")
        #expect(broken.count == 1, "\(broken)")
        let message = try #require(broken.first)
        #expect(message.hasPrefix("the claim `never_partner_gate_ah` is broken: ah from 198.51.100.7 to "))
        #expect(message.hasSuffix("is let through by `ipsec` (line 15)"))
        func exactly(_ from: String, _ services: String) throws -> [String] {
            try Self.findings("  exactly: [{ from: \(from), to: gate, services: [\(services)] }]")
        }
        let wanting = try exactly("198.51.100.9", "sctp, udp/1-65535, ip/46")
        #expect(wanting.count == 1 && wanting[0].contains("ip/46 from 198.51.100.9"), "\(wanting)")
        let more = try exactly("198.51.100.7", "ipsec, sctp, udp/1-65535, tcp/179, ip/115, ip/4, ip/41")
        #expect(more.count == 1 && more[0].contains("gre from 198.51.100.7"), "\(more)")
    }

    @Test("a difference of protocols is shown by a packet, and the same protocol by its number is none")
    func differences() throws {
        func hosts(_ change: (String) -> String) throws -> [HostIntent] {
            Intent(of: try site(change(Self.text))).hosts
        }
        let old = try hosts { $0 }
        let numbered = try hosts { $0.replacing("services: vrrp", with: "services: ip/112") }
        #expect(IntentDiff(from: old, to: numbered).changes.isEmpty)
        let wider = try hosts { $0.replacing("ip/41]", with: "ip/41, ip/42]") }
        let diff = IntentDiff(from: old, to: wider)
        #expect(diff.opensAnything && diff.changes.allSatisfy { $0.packet.protocolNumber.rawValue == 42 })
        #expect(!diff.changes.isEmpty && !IntentDiff(from: wider, to: old).opensAnything)
    }

    // MARK: - What the kernel holds

    @Test(
        "protocols are read as nft lists them, by name or by number",
        arguments: [
            (#""vrrp""#, [112]), ("112", [112]), (#""esp""#, [50]), (#"{"set":["gre","ospf",115]}"#, [47, 89, 115]),
            (#"{"set":[{"range":["esp","ah"]},4]}"#, [50, 51, 4]), (#"{"range":[50,51]}"#, [50, 51]),
            (#""ipip""#, [94]), (#""ipencap""#, [4]),
        ] as [(String, [UInt8])]
    )
    func held(right: String, numbers: [UInt8]) throws {
        let listing = Listing.json(Listing.match(#"{"meta":{"key":"l4proto"}}"#, "==", right))
        let site = try site(Self.text)
        for number in Set(numbers).union([2, 4, 6, 46, 49, 52, 103, 132, 255]) {
            let packet = try Self.packet(site, "198.51.100.7", "203.0.113.2", number, by: "wan")
            let expected: Outcomes = numbers.contains(number) ? .accept : .drop
            #expect(try Listing.outcomes(listing, packet, isInventoried: true) == expected, "\(packet.text)")
        }
    }
}
