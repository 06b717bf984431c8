import Firewall
import Site
import Testing

/// Lines to groups: multicast and the broadcast addresses of links, which hosts of the site get.
@Suite("Groups")
struct GroupTests {
    static let text = """
        site: a.b
        networks: { lan: 10.10.0.0/24, vrrp: 224.0.0.18, mdns-groups: [224.0.0.251, "ff02::fb"], link: "fe80::/10" }
        hosts:
          a: { roles: [web], interfaces: { eth0: { zone: lan, addresses: [10.10.0.21/24, "fd00:1::21/64"] } } }
          d: { roles: [web], interfaces: { eth0: { zone: lan, addresses: [10.10.0.31/24, "fd00:1::31/64"] } } }
          far: { interfaces: { eth0: { zone: lan, addresses: [10.20.0.1/24] } } }
          dmz: { interfaces: { eth0: { zone: dmz, addresses: [10.10.0.41/24] } } }
        services: { ssh: tcp/22, mdns: udp/5353, wol: udp/9 }
        firewall:
          allow:
            - { id: vrrp, from: web, to: vrrp, services: vrrp, in: lan }
            - { id: mdns, from: [lan, web, link], to: [mdns-groups, web], services: mdns, in: lan }
            - { id: wol, from: lan, to: [10.10.0.255, 255.255.255.255], services: wol, in: lan }
            - { id: ssh, from: any, to: web, services: ssh }
            - { id: vrrp6, from: [web, link], to: "ff02::12", services: ip/112, in: lan }
        """

    private static func intent(_ change: (String) -> String = { $0 }) throws -> Intent {
        Intent(of: try site(change(text)))
    }

    private static func packet(
        _ path: PacketPath,
        _ source: String,
        _ target: String,
        _ port: UInt16?
    ) throws -> Packet {
        let (from, to) = (try #require(IPAddress(source)), try #require(IPAddress(target)))
        let route = PacketRoute(path, by: "eth0", to: "eth0")
        guard let port else { return Packet(route, from: from, to: to, ProtocolNumber(rawValue: 112), detail: 0) }
        var packet = Packet(route, from: from, to: to, .udp, detail: port)
        packet.sourcePort = 5353
        return packet
    }

    private static func decision(
        _ intent: Intent,
        _ host: String,
        _ path: PacketPath,
        _ source: String,
        _ target: String,
        _ port: UInt16? = nil
    ) throws -> String? {
        let packet = try packet(path, source, target, port)
        return intent.host(host)?.rule(for: packet)?.id
    }

    @Test("a group is let in at each host that is attached to the link, in the line's zone, and at no other")
    func members() throws {
        let intent = try Self.intent()
        #expect(try Self.decision(intent, "a", .output, "10.10.0.21", "224.0.0.18") == "vrrp")
        #expect(try Self.decision(intent, "d", .input, "10.10.0.21", "224.0.0.18") == "vrrp")
        #expect(try Self.decision(intent, "d", .input, "10.10.0.99", "224.0.0.18") == nil)
        #expect(try Self.decision(intent, "far", .input, "10.10.0.21", "224.0.0.18") == nil)
        #expect(try Self.decision(intent, "dmz", .input, "10.10.0.21", "224.0.0.18") == nil)
        #expect(try Self.decision(intent, "d", .input, "10.10.0.99", "224.0.0.251", 5353) == "mdns")
        #expect(try Self.decision(intent, "d", .input, "10.10.0.99", "10.10.0.31", 5353) == "mdns")
        #expect(try Self.decision(intent, "d", .input, "10.10.0.99", "224.0.0.252", 5353) == nil)
        #expect(try Self.decision(intent, "d", .input, "10.20.0.99", "224.0.0.251", 5353) == nil)
    }

    @Test("groups of IPv6 are reached from addresses of the link, where the line names these")
    func local() throws {
        let intent = try Self.intent()
        #expect(try Self.decision(intent, "a", .output, "fe80::1", "ff02::fb", 5353) == "mdns")
        #expect(try Self.decision(intent, "d", .input, "fe80::1", "ff02::fb", 5353) == "mdns")
        #expect(try Self.decision(intent, "a", .output, "fd00:1::21", "ff02::fb", 5353) == "mdns")
        #expect(try Self.decision(intent, "a", .output, "fe80::1", "ff02::fc", 5353) == nil)
        let without = try Self.intent { $0.replacing("[lan, web, link]", with: "[lan, web]") }
        #expect(try Self.decision(without, "a", .output, "fe80::1", "ff02::fb", 5353) == nil)
        #expect(try Self.decision(without, "d", .input, "fe80::1", "ff02::fb", 5353) == nil)
    }

    @Test("a broadcast is let in where it is one")
    func broadcast() throws {
        let intent = try Self.intent()
        for target in ["10.10.0.255", "255.255.255.255"] {
            #expect(try Self.decision(intent, "a", .output, "10.10.0.21", target, 9) == "wol")
            #expect(try Self.decision(intent, "d", .input, "10.10.0.21", target, 9) == "wol")
            #expect(try Self.decision(intent, "far", .input, "10.10.0.21", target, 9) == nil)
        }
    }

    @Test("`any`, `internet` and networks around a group do not mean it")
    func wide() throws {
        for word in ["any", "internet", "0.0.0.0/0", "10.10.0.0/24"] {
            let intent = try Self.intent { $0.replacing("to: [10.10.0.255, 255.255.255.255]", with: "to: \(word)") }
            #expect(try Self.decision(intent, "d", .input, "10.10.0.21", "10.10.0.255", 9) == nil, "\(word)")
            #expect(try Self.decision(intent, "d", .input, "10.10.0.21", "224.0.0.1", 9) == nil, "\(word)")
        }
    }

    @Test("hosts that get groups of IPv4 tell their link so; others do not")
    func membership() throws {
        let intent = try Self.intent()
        func decision(_ host: String, _ path: PacketPath, _ source: String, _ target: String) throws -> String? {
            let (from, to) = (try #require(IPAddress(source)), try #require(IPAddress(target)))
            let packet = Packet(PacketRoute(path, by: "eth0", to: "eth0"), from: from, to: to, .igmp, detail: 0)
            return intent.host(host)?.rule(for: packet)?.id
        }
        #expect(try decision("d", .input, "0.0.0.0", "224.0.0.1") == "multicast-listeners")
        #expect(try decision("d", .output, "10.10.0.31", "224.0.0.22") == "multicast-listeners")
        #expect(try decision("d", .input, "10.10.0.9", "10.10.0.31") == nil)
        #expect(try decision("far", .input, "10.20.0.9", "224.0.0.1") == nil)
        #expect(try decision("dmz", .output, "10.10.0.41", "224.0.0.22") == nil)
    }

    // MARK: - Claims

    private static func proofs(_ more: String, held: [String: HeldRuleset] = [:]) throws -> [ClaimProof] {
        try site(text + "\n" + more).answers(held: held)
    }

    @Test("lines to groups are proved at both ends")
    func proved() throws {
        let proofs = try Self.proofs("")
        #expect(Set(proofs.map(\.claim.id)) == ["vrrp", "mdns", "wol", "ssh", "vrrp6"])
        for proof in proofs { #expect(proof.isProved, "\(proof.summary)") }
    }

    @Test("a kernel that lets no group in breaks the line")
    func held() throws {
        let proofs = try Self.proofs("", held: ["d": .dropping(at: .input)])
        #expect(Set(proofs.map(\.claim.id)) == ["vrrp", "mdns", "wol", "ssh", "vrrp6"])
        for proof in proofs {
            #expect(proof.answer == .refuted && proof.host == "d", "\(proof.summary)")
        }
    }

    @Test("what a host gets by a group breaks a claim about the host, or about the group")
    func claims() throws {
        let broken = try Self.proofs(
            """
              never:
                - { from: 10.10.0.99, to: web, services: wol }
                - { from: lan, to: 224.0.0.0/4, services: mdns }
                - { from: 10.10.0.99, to: all, services: mdns }
            """
        ).filter { $0.claim.kind == .never }
        #expect(broken.count == 3)
        for proof in broken { #expect(proof.answer == .refuted, "\(proof.summary)") }
        let kept = try Self.proofs(
            """
              never:
                - { from: internet, to: 224.0.0.0/4 }
                - { from: 10.20.0.0/24, to: web, services: [wol, mdns] }
                - { from: lan, to: [far, dmz], services: [wol, mdns] }
                - { from: lan, to: dmz, services: mdns }
              exactly:
                - { from: internet, to: web, services: ssh }
            """
        ).filter { $0.claim.kind != .allow }
        #expect(kept.count == 5)
        for proof in kept { #expect(proof.isProved, "\(proof.summary)") }
    }
}
