import Firewall
import Site
import Testing

/// What a person asks about one packet, in the words of the site file.
@Suite("Words about a packet")
struct PacketWordsTests {
    private static let text = """
        site: a.b
        hosts:
          gate:
            roles: [router]
            interfaces:
              wan: { zone: outside, addresses: [198.51.100.2/24, "2001:db8:1::2/64"] }
              lan: { zone: people, addresses: [10.2.0.1/24] }
          pc: { addresses: ["2001:db8:9::5/64", 10.2.0.5/24] }
          phone: { interfaces: { eth0: { zone: people } } }
        services: { ssh: tcp/22, dns: [udp/53, tcp/53], range: tcp/8000-8010, vpn: [esp, ah], tunnel: ip/4 }
        firewall:
          allow:
            - { from: pc, to: gate, services: ssh }
            - { from: pc, to: internet, services: dns }
        """

    private static func packet(
        _ from: String,
        _ to: String,
        _ port: String? = "22",
        _ transport: String? = nil,
        by interface: String? = nil
    ) throws -> Packet {
        let site = try site(text)
        let words = PacketWords(from: from, to: to, transport: transport, port: port, interface: interface)
        return try words.packets(at: try #require(site.hosts["gate"]), of: site)[0]
    }

    private static func problem(
        _ from: String,
        _ to: String,
        _ port: String?,
        _ transport: String? = nil,
        by interface: String? = nil
    ) throws -> String {
        do {
            return "no problem: \(try packet(from, to, port, transport, by: interface).text)"
        } catch let problem as PacketWords.Problem {
            return problem.description
        }
    }

    @Test("hosts and services go by their names, and the addresses of one network before others")
    func names() throws {
        let packet = try Self.packet("pc", "gate", "ssh")
        #expect(packet.text == "tcp 10.2.0.5:40000 -> 10.2.0.1:22 in by lan, new")
        #expect(try Self.packet("pc", "9.9.9.9", "dns", "udp").text.hasPrefix("udp 10.2.0.5:40000 -> 9.9.9.9:53"))
        #expect(try Self.packet("8.8.8.8", "gate", "tcp/25").text.contains("198.51.100.2:25 in by wan"))
        #expect(try Self.packet("8.8.8.8", "gate", "icmp").text.hasPrefix("icmp type 8 8.8.8.8"))
        #expect(try Self.packet("2620:fe::9", "gate", nil, "icmpv6").text.hasPrefix("icmpv6 type 128 2620:fe::9"))
        #expect(try Self.packet("8.8.8.8", "gate", nil, "47").text.hasPrefix("gre 8.8.8.8"))
        for word in ["esp", "ip/50"] {
            #expect(try Self.packet("8.8.8.8", "gate", word).text.hasPrefix("esp 8.8.8.8 -> 198.51.100.2 in by wan"))
            #expect(try Self.packet("8.8.8.8", "gate", nil, word).text.hasPrefix("esp 8.8.8.8"))
        }
        #expect(try Self.packet("8.8.8.8", "gate", "tunnel").text.hasPrefix("ip/4 8.8.8.8 -> 198.51.100.2"))
        #expect(try Self.packet("8.8.8.8", "gate", "vpn", "ah").text.hasPrefix("ah 8.8.8.8"))
        #expect(try Self.packet("8.8.8.8", "gate", "sctp/5").text.hasPrefix("sctp 8.8.8.8:40000"))
    }

    @Test("a word that says too little or nothing is an error with what to write")
    func problems() throws {
        #expect(try Self.problem("pc", "gate", nil).contains("--port: a number, or a service of the site"))
        #expect(try Self.problem("pc", "gate", "dns").contains("it is tcp/53, udp/53; say one of them"))
        #expect(try Self.problem("pc", "gate", "range").contains("tcp/8000-8010; say one of them"))
        #expect(try Self.problem("pc", "gate", "ssh", "udp").contains("nothing of udp; leave --proto out"))
        #expect(try Self.problem("pc", "gate", "shh").contains("which has dns, range, ssh"))
        #expect(try Self.problem("pc", "gate", "vpn").contains("it is esp, ah; say one of them"))
        #expect(try Self.problem("pc", "gate", "sctp").contains("it is sctp; say one of them"))
        #expect(try Self.problem("pc", "gate", "tunnel", "esp").contains("nothing of esp"))
        #expect(try Self.problem("pc", "gate", "70000").contains("neither a port nor a service"))
        #expect(try Self.problem("pc", "gate", "22", "47").contains("has no ports"))
        #expect(try Self.problem("pc", "gate", "256", "icmp").contains("0 to 255"))
        #expect(try Self.problem("pc", "gate", "22", "tpc").contains("--proto tpc: write tcp"))
        #expect(try Self.problem("pcc", "gate", "22").contains("which has gate, pc, phone"))
        #expect(try Self.problem("phone", "gate", "22").contains("has no address of this host"))
        let families = try Self.problem("8.8.8.8", "2001:db8::1", "22")
        #expect(families.hasSuffix("no addresses of one family, IPv4 or IPv6; name ends that have"), "\(families)")
        #expect(try Self.problem("pc", "gate", "22", by: "nope").contains("it has wan, lan, lo"))
    }

    @Test("a host that is followed itself stands for whichever address it has by DHCP")
    func leased() throws {
        let site = try site(Self.text.replacing("from: pc, to: internet", with: "from: [pc, phone], to: internet"))
        let phone = try #require(site.hosts["phone"])
        let sends = PacketWords(from: "phone", to: "9.9.9.9", port: "tcp/53")
        let sent = try sends.packets(at: phone, of: site)[0]
        #expect(sent.route == .output(by: "eth0") && sent.oddities.isEmpty)
        let words = "192.0.2.1 stands for an address that phone has by DHCP on eth0"
        #expect(sends.lease(sent, at: phone) == words)
        #expect(Explanation(sent, at: try #require(Intent(of: site).host("phone"))).isAccepted)
        let gets = PacketWords(from: "2620:fe::9", to: "phone", port: "22")
        let got = try gets.packets(at: phone, of: site)[0]
        #expect(got.route == .input(by: "eth0") && got.oddities == .toOwnAddress && got.destination.width == 128)
        #expect(gets.lease(got, at: phone)?.hasPrefix("2001:db8::1 stands for") == true)
        // What is sent between two others it neither sends nor gets.
        let foreign = PacketWords(from: "10.2.0.77", to: "9.9.9.9", port: "22")
        let problem = #expect(throws: PacketWords.Problem.self) { _ = try foreign.packets(at: phone, of: site) }
        #expect(problem?.description.contains("write `--from phone` for what it sends") == true)
    }

    @Test("a router has its address by DHCP where that is not another host's")
    func leasedRouter() throws {
        let known = ", addresses: [198.51.100.2/24, \"2001:db8:1::2/64\"]"
        let far = "  far: { addresses: [10.9.0.5/24] }\n"
        let site = try site(Self.text.replacing(known, with: "").replacing("  phone:", with: "\(far)  phone:"))
        let gate = try #require(site.hosts["gate"])
        func packet(_ from: String, _ to: String) throws -> Packet {
            try PacketWords(from: from, to: to, port: "22").packets(at: gate, of: site)[0]
        }
        #expect(try packet("203.0.113.7", "far").path == .forward)
        #expect(try packet("203.0.113.7", "10.9.0.6").oddities == .toOwnAddress)
        #expect(try packet("pc", "gate").destination == IPAddress("10.2.0.1"))
        let sent = try packet("gate", "9.9.9.9")
        #expect(sent.route == .output(by: "wan") && sent.source == IPAddress("192.0.2.1"))
        #expect(try packet("203.0.113.7", "gate").oddities == .toOwnAddress)
    }

    @Test("what goes no farther than a link or than the host itself is never forwarded")
    func links() throws {
        #expect(try Self.packet("198.51.100.2", "198.51.100.2").route == .input(by: "lo"))
        #expect(try Self.packet("gate", "10.2.0.1").route == .input(by: "lo"))
        #expect(try Self.packet("0.0.0.0", "255.255.255.255", "67", "udp").path == .input)
        #expect(try Self.packet("10.2.0.5", "10.2.0.255", "137", "udp").route == .input(by: "lan"))
        #expect(try Self.packet("10.2.0.5", "224.0.0.251", "5353", "udp").route == .input(by: "lan"))
        #expect(try Self.packet("fe80::1", "fe80::2", "135", "icmpv6").path == .input)
        #expect(try Self.packet("2620:fe::9", "ff02::1:ff00:2", "135", "icmpv6", by: "wan").path == .input)
        #expect(try Self.packet("gate", "255.255.255.255", "67", "udp").path == .output)
        #expect(try Self.packet("10.2.0.5", "10.3.0.255").path == .forward)
        // Also at a host of which the site file names no interface.
        let site = try site(Self.text)
        let words = PacketWords(from: "10.2.0.9", to: "10.2.0.255", transport: "udp", port: "137")
        #expect(try words.packets(at: try #require(site.hosts["pc"]), of: site).map(\.path) == [.input])
    }

    @Test("the nearest rule is one that a new packet of that family can meet, and that it lacks the least of")
    func nearest() throws {
        let site = try site(Self.text)
        let intent = try #require(Intent(of: site).host("gate"))
        func nearest(_ packet: Packet) -> String? { Explanation(packet, at: intent).nearest?.rule.id }
        #expect(nearest(try Self.packet("8.8.8.8", "gate", nil, "47")) != "neighbours")
        #expect(nearest(try Self.packet("10.2.0.9", "gate", "22")) == "pc_gate_ssh")
        #expect(nearest(try Self.packet("8.8.8.8", "198.51.100.2", "5353", "udp")) == "pc_gate_ssh")
        // What only lets answers in, or what the host says to itself, is near to nothing that begins.
        #expect(nearest(try Self.packet("gate", "9.9.9.9", "25")) != "established")
        let other = Explanation(try Self.packet("10.2.0.5", "gate", "22", "udp"), at: intent).nearest
        #expect(other?.rule.id == "pc_gate_ssh" && other?.reasons == ["it is udp, not tcp"])
    }
}
