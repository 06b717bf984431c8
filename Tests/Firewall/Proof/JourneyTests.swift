import Firewall
import Site
import Testing

/// Packets that a router sends elsewhere, changes and passes on, followed to the host that they are for.
@Suite("Journeys of packets")
struct JourneyTests {
    private static let text = """
        site: a.b
        networks: { guests: 10.2.0.128/25, partner: 203.0.113.0/24 }
        hosts:
          gate:
            roles: [router]
            interfaces:
              wan: { zone: outside, addresses: [198.51.100.2/24, "2001:db8:1::2/64"] }
              dmz: { zone: servers, addresses: [10.1.0.1/24, "2001:db8:2::1/64"] }
              wifi: { zone: guests, addresses: [10.2.0.1/24] }
          web: { roles: [server], addresses: [10.1.0.5/24, "2001:db8:2::5/64"] }
        services: { ssh: tcp/22, way-in: tcp/2222, https: tcp/443 }
        firewall:
          allow:
            - { id: guests-web, from: guests, to: 10.1.0.0/29, services: https }
          masquerade: [{ id: hide, from: guests, out: servers }]
          forward: [{ id: in, from: partner, service: way-in, to: web, port: 22 }]
        """

    private static func journey(
        _ site: SiteModel,
        _ from: String,
        _ to: String,
        _ port: UInt16,
        by interface: String? = nil
    ) throws -> Journey {
        let intent = Intent(of: site)
        let (source, destination) = (try #require(IPAddress(from)), try #require(IPAddress(to)))
        let packets = Explanation.packets(
            from: source,
            to: destination,
            .tcp,
            detail: port,
            at: try #require(site.hosts["gate"]),
            by: interface
        )
        return Journey.every(packets[0], at: try #require(intent.host("gate")), of: intent, site)[0]
    }

    @Test("a forwarded port is followed to its host, in both families, and names the line")
    func forwarded() throws {
        let site = try site(Self.text)
        let journey = try Self.journey(site, "203.0.113.9", "198.51.100.2", 2222)
        #expect(journey.packet.path == .input && journey.redirection?.id == "in")
        #expect(journey.redirection?.position.line == 16)
        #expect(journey.decision.packet.route == .forward(by: "wan", to: "dmz"))
        #expect(journey.decision.packet.destination == IPAddress("10.1.0.5") && journey.decision.packet.detail == 22)
        #expect(journey.decision.isAccepted && journey.decision.rule?.id == "in")
        #expect(journey.sourceChange == nil)
        let arrival = try #require(journey.arrival?.decision)
        #expect(arrival.host == "web" && arrival.isAccepted && arrival.rule?.id == "in")
        #expect(arrival.packet.source == IPAddress("203.0.113.9") && arrival.packet.path == .input)
        #expect(journey.isLetThrough)
        let other = try Self.journey(site, "203.0.113.9", "198.51.100.2", 22)
        #expect(other.redirection == nil && other.decision.packet.path == .input && !other.isLetThrough)
        let stranger = try Self.journey(site, "198.18.5.5", "198.51.100.2", 2222)
        #expect(stranger.redirection == nil && !stranger.isLetThrough && stranger.arrival == nil)
        #expect(stranger.nearestRedirection?.translation.id == "in")
        #expect(stranger.nearestRedirection?.reason == "its source is 198.18.5.5, not of 203.0.113.0/24")
        #expect(try Self.journey(site, "198.18.5.5", "198.51.100.2", 25).nearestRedirection == nil)
    }

    @Test("what a deny of the forwarded port takes is decided about where it was sent, by that line")
    func denied() throws {
        let deny = "deny: [{ id: rude, from: 203.0.113.9, to: gate, services: way-in }]"
        let site = try site(Self.text.replacing("  masquerade:", with: "  \(deny)\n  masquerade:"))
        let journey = try Self.journey(site, "203.0.113.9", "198.51.100.2", 2222)
        #expect(journey.redirection == nil && journey.nearestRedirection == nil && !journey.isLetThrough)
        #expect(journey.decision.packet.path == .input && journey.decision.rule?.id == "rude")
        #expect(try Self.journey(site, "203.0.113.10", "198.51.100.2", 2222).isLetThrough)
        // One that ends lets it be forwarded from then on.
        var intent = try #require(Intent(of: site).host("gate"))
        intent.translations[0].expires = 1_900_000_000
        #expect(intent.at(1_899_999_999).translations.first?.kind == .unchanged)
        #expect(intent.at(1_900_000_000).translations.first?.kind != .unchanged)
    }

    @Test("to whom no interface is known to lead it goes by any, and where these differ nobody can tell")
    func anyWay() throws {
        let text = Self.text.replacing("zone: outside", with: "zone: fibre")
            .replacing("to: web, port: 22", with: "to: 10.9.0.5, port: 22, in: fibre")
        func journeys(_ text: String) throws -> [Journey] {
            let site = try site(text)
            let intent = Intent(of: site)
            let words = PacketWords(from: "203.0.113.9", to: "198.51.100.2", port: "way-in", interface: "wan")
            return try words.journeys(at: try #require(intent.host("gate")), of: intent, site)
        }
        let open = try journeys(text)
        let ways = open.map(\.decision.packet.route)
        #expect(ways == [.forward(by: "wan", to: "dmz"), .forward(by: "wan", to: "wifi")], "\(ways)")
        #expect(open.allSatisfy { $0.isLetThrough && $0.redirection?.id == "in" })
        let deny = "deny: [{ from: partner, to: 10.9.0.5, services: ssh, out: guests }]"
        let split = text.replacing("  masquerade:", with: "  \(deny)\n  masquerade:")
        let problem = #expect(throws: PacketWords.Problem.self) { _ = try journeys(split) }
        #expect(problem?.description.contains("but not as tcp 203.0.113.9") == true, "\(problem?.description ?? "")")
        #expect(problem?.description.contains("out by wifi") == true, "\(problem?.description ?? "")")
    }

    @Test("IPv6 is forwarded as the line of its family says")
    func sixes() throws {
        let text = Self.text.replacing("partner: 203.0.113.0/24", with: "partner: \"2001:db8:9::/48\"")
        let journey = try Self.journey(try site(text), "2001:db8:9::7", "2001:db8:1::2", 2222)
        #expect(journey.decision.packet.destination == IPAddress("2001:db8:2::5"))
        #expect(journey.isLetThrough && journey.arrival?.decision?.packet.oddities == .throughRouter)
    }

    @Test("a masqueraded source is that of the interface, and the host behind is asked about it")
    func masqueraded() throws {
        let journey = try Self.journey(try site(Self.text), "10.2.0.130", "10.1.0.5", 443)
        #expect(journey.redirection == nil && journey.decision.isAccepted)
        let change = try #require(journey.sourceChange)
        #expect(change.translation.id == "hide" && change.source == IPAddress("10.1.0.1") && change.interface == "dmz")
        let arrival = try #require(journey.arrival?.decision)
        #expect(arrival.packet.source == IPAddress("10.1.0.1") && !arrival.isAccepted)
        #expect(!journey.isLetThrough)
        let open = Self.text.replacing(
            "  masquerade:",
            with: "    - { from: gate, to: web, services: https }\n  masquerade:"
        )
        #expect(try Self.journey(try site(open), "10.2.0.130", "10.1.0.5", 443).isLetThrough)
        // Without the line the host sees who it is.
        let plain = Self.text.replacing("  masquerade: [{ id: hide, from: guests, out: servers }]\n", with: "")
        let seen = try Self.journey(try site(plain), "10.2.0.130", "10.1.0.5", 443)
        #expect(seen.sourceChange == nil && seen.isLetThrough)
    }

    @Test("where the router's addresses come by DHCP, what comes from outside is for it, and its own is not known")
    func dynamic() throws {
        let known = ", addresses: [198.51.100.2/24, \"2001:db8:1::2/64\"]"
        let text = Self.text.replacing(known, with: "")
        let journey = try Self.journey(try site(text), "203.0.113.9", "192.0.2.77", 2222)
        #expect(journey.packet.route == .input(by: "wan") && journey.packet.oddities == .toOwnAddress)
        #expect(journey.redirection?.id == "in" && journey.isLetThrough)
        let hidden = text.replacing(", addresses: [10.1.0.1/24, \"2001:db8:2::1/64\"]", with: "")
        let through = try Self.journey(try site(hidden), "10.2.0.130", "10.1.0.5", 443)
        #expect(through.decision.packet.outputInterface == "wan")
        let back = try site(hidden.replacing("out: servers", with: "out: outside"))
        let unknown = try Self.journey(back, "10.2.0.130", "10.1.0.5", 443)
        #expect(unknown.sourceChange?.interface == "wan" && unknown.sourceChange?.source == nil)
        #expect(unknown.arrival?.host == "web" && unknown.arrival?.decision == nil && !unknown.isLetThrough)
    }

    @Test("a kernel that sends the packet elsewhere makes it unknown, and one that does as is meant does not")
    func held() throws {
        let site = try site(Self.text)
        let intent = try #require(Intent(of: site).host("gate"))
        let journey = try Self.journey(site, "203.0.113.9", "198.51.100.2", 2222)
        func ruleset(_ target: String?) -> HeldRuleset {
            var held = HeldRuleset()
            held.chains = [
                HeldChain(
                    family: .inet,
                    table: "t",
                    name: "f",
                    base: .init(hook: .forward, priority: 0, drops: false)
                )
            ]
            guard let target else { return held }
            held.chains.append(
                HeldChain(
                    family: .inet,
                    table: "t",
                    name: "nat",
                    base: .init(hook: .prerouting, priority: -100, drops: false, isTranslation: true),
                    rules: [HeldRule([.translation(.destination(target))])]
                )
            )
            return held
        }
        #expect(intent.translations.count == 2)
        let right = ruleset("10.1.0.5:22")
        #expect(journey.trace(in: right).outcomes == .accept)
        #expect(journey.trace(in: right).described(in: right).contains { $0.contains("destination to 10.1.0.5:22") })
        #expect(journey.trace(in: ruleset("10.1.0.6:22")).outcomes == [.accept, .drop])
        #expect(journey.trace(in: ruleset(nil)).outcomes == [.accept, .drop])
    }
}
