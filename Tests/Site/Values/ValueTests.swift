import Testing

@testable import Site

/// The value, or the fault in words.
private func read<Value>(_ parse: () throws -> Value) -> Result<Value, ValueFault> {
    do {
        return .success(try parse())
    } catch {
        return .failure(error as? ValueFault ?? ValueFault("\(error)"))
    }
}

private func fails<Value>(_ result: Result<Value, ValueFault>) -> Bool {
    if case .failure = result { return true }
    return false
}

@Suite struct DurationTests {
    @Test(arguments: [
        ("0s", 0), ("1ms", 1), ("250ms", 250), ("2s", 2000), ("5m", 300_000), ("1h", 3_600_000),
        ("365d", 31_536_000_000),
        ("10 s", 10_000), ("007s", 7000),
    ])
    func reads(text: String, milliseconds: Int) throws {
        #expect(try Duration(siteText: text) == .milliseconds(milliseconds))
    }

    @Test(arguments: [
        "", "s", "5", "-1s", "1.5s", "1s ", "1  s", "1m30s", "1S", "1us", "99999999999999999999s",
        "9223372036854775807d",
    ])
    func refuses(text: String) {
        #expect(fails(read { try Duration(siteText: text) }))
    }

    @Test func saysOfAFractionThatItIsNoWholeNumber() {
        for text in ["1.5s", "1,5s"] {
            guard case .failure(let fault) = read({ try Duration(siteText: text) }) else {
                Issue.record("\(text) is taken")
                continue
            }
            #expect(fault.problem.contains("no whole number"), "\(fault)")
        }
    }

    @Test(arguments: [
        ("0s", "0s"), ("1000ms", "1s"), ("1500ms", "1500ms"), ("60s", "1m"), ("90s", "90s"), ("24h", "1d"),
    ])
    func writes(text: String, canonical: String) throws {
        #expect(try Duration(siteText: text).siteText == canonical)
    }
}

@Suite struct ByteSizeTests {
    @Test(arguments: [
        ("0", 0), ("512", 512), ("1B", 1), ("8 KiB", 8192), ("8KiB", 8192), ("64MiB", 64 << 20), ("1GiB", 1 << 30),
        ("1TiB", 1 << 40),
        ("1kB", 1000), ("2MB", 2_000_000), ("1 GB", 1_000_000_000), ("1TB", 1_000_000_000_000),
    ])
    func reads(text: String, bytes: Int) throws {
        #expect(try ByteSize(siteText: text).bytes == bytes)
    }

    @Test(arguments: [
        "", "B", "-1", "1K", "1k", "1KB", "1kb", "1mib", "1.5MiB", "1 KiB ", "99999999999999999999", "9999999999TiB",
    ])
    func refuses(text: String) {
        #expect(fails(read { try ByteSize(siteText: text) }))
    }

    @Test(arguments: [
        (0, "0 B"), (1, "1 B"), (1000, "1000 B"), (8192, "8 KiB"), (16 << 20, "16 MiB"), ((1 << 20) + 1, "1048577 B"),
    ])
    func writes(bytes: Int, text: String) {
        #expect(ByteSize(bytes).description == text)
    }
}

@Suite struct IPAddressTests {
    /// Written, canonical (RFC 5952), and the bytes in network order.
    @Test(arguments: [
        ("0.0.0.0", "0.0.0.0", [0, 0, 0, 0]), ("255.255.255.255", "255.255.255.255", [255, 255, 255, 255]),
        ("10.10.0.21", "10.10.0.21", [10, 10, 0, 21]),
        ("::", "::", Array(repeating: 0, count: 16)), ("::1", "::1", Array(repeating: 0, count: 15) + [1]),
        ("2001:DB8::00a0", "2001:db8::a0", [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xa0]),
        ("1:0:0:2:0:0:0:3", "1:0:0:2::3", [0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3]),
        ("1:0:0:2:3:0:0:4", "1::2:3:0:0:4", [0, 1, 0, 0, 0, 0, 0, 2, 0, 3, 0, 0, 0, 0, 0, 4]),
        ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7", [0, 1, 0, 0, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7]),
        ("64:ff9b::192.0.2.33", "64:ff9b::c000:221", [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, 192, 0, 2, 33]),
        ("1::", "1::", [0, 1] + Array(repeating: 0, count: 14)),
        ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0", [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 0]),
    ])
    func readsAndWrites(text: String, canonical: String, bytes: [UInt8]) throws {
        let address = try IPAddress(text: text)
        #expect(address.description == canonical)
        #expect(address.bytes == bytes)
        #expect(try IPAddress(text: canonical) == address)
    }

    @Test(arguments: [
        "", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", "+1.2.3.4", "1..3.4", "a.b.c.d",
        "0x7f.0.0.1",
        ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "12345::", "g::", "::1%eth0",
        "::ffff:1.2.3.4", "1.2.3.4::", "::1.2.3", "1:2:3:4:5:6:7:1.2.3.4", "[::1]", ":1", "1:", "::+1", "١.2.3.4",
    ])
    func refuses(text: String) {
        #expect(fails(read { try IPAddress(text: text) }))
    }

    @Test func roundTripsAtRandom() throws {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<2000 {
            // Masks leave runs of zeros, which is where texts of addresses differ.
            let mask =
                UInt128.random(in: .min ... .max, using: &generator) & .random(in: .min ... .max, using: &generator)
            let address = IPAddress.v6(mask & .random(in: .min ... .max, using: &generator))
            guard (try? IPAddress(text: address.description)) == address else {
                Issue.record("\(address) does not come back; seed \(seed)")
                return
            }
        }
    }
}

@Suite struct IPNetworkTests {
    @Test(arguments: [
        ("10.0.0.0/8", "10.255.255.255"), ("0.0.0.0/0", "255.255.255.255"), ("192.0.2.7", "192.0.2.7"),
        ("192.0.2.6/31", "192.0.2.7"), ("::/0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2001:db8::/127", "2001:db8::1"),
        ("2001:db8::1/128", "2001:db8::1"),
    ])
    func readsAndEnds(text: String, last: String) throws {
        let network = try IPNetwork(text: text)
        #expect(network.last == (try IPAddress(text: last)))
        #expect(network.contains(network.address) && network.contains(network.last))
        #expect(try IPNetwork(text: network.description) == network)
    }

    @Test(arguments: [
        "10.0.0.1/8", "2001:db8::1/64", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/08", "10.0.0.0/-1",
        "10.0.0.0/8/8", "/8",
    ])
    func refuses(text: String) {
        #expect(fails(read { try IPNetwork(text: text) }))
    }

    @Test func saysWhatWasMeantByHostBits() {
        guard case .failure(let fault) = read({ try IPNetwork(text: "10.10.0.21/24") }) else {
            Issue.record("accepted")
            return
        }
        #expect(fault.help == "write `10.10.0.0/24` for the network, or `10.10.0.21` for the address")
    }

    @Test func mappedNetworksAreWrittenByThemselves() {
        for (text, help) in [
            ("::ffff:0:0/96", "write `0.0.0.0/0`"), ("::ffff:10.0.0.0/104", "write `10.0.0.0/8`"),
            ("::ffff:0:0/90", "name networks of IPv4 by themselves"), ("::ffff:10.0.0.1", "write `10.0.0.1`"),
        ] {
            guard case .failure(let fault) = read({ try IPNetwork(text: text) }) else {
                Issue.record("\(text) is accepted")
                continue
            }
            #expect(fault.help == help, "\(text)")
        }
    }

    @Test func containsOnlyItsOwnFamily() throws {
        let network = try IPNetwork(text: "0.0.0.0/0")
        #expect(!network.contains(.v6(0)))
        #expect(!(try IPNetwork(text: "10.0.0.0/8")).contains(try IPAddress(text: "11.0.0.0")))
    }

    @Test func addressOfAnInterfaceKeepsItsHostBits() throws {
        let address = try InterfaceAddress(text: "10.10.0.21/24")
        #expect(address.description == "10.10.0.21/24")
        #expect(address.network.description == "10.10.0.0/24")
        #expect(fails(read { try InterfaceAddress(text: "10.10.0.21") }))
    }
}

@Suite struct HostPatternTests {
    @Test func readsItsThreeForms() throws {
        #expect(try HostPattern(text: "WWW.Foobar.com") == .exact("www.foobar.com"))
        #expect(try HostPattern(text: "*.foobar.com") == .wildcard("foobar.com"))
        #expect(try HostPattern(text: "*") == .any)
        #expect(try HostPattern(text: "localhost") == .exact("localhost"))
    }

    @Test(arguments: [
        "", ".", "a..b", "a.", "-a.b", "a-.b", "a_b.c", "a b", "münchen.de", "*.", "*foo.com", "a.*.b", "**.a",
        "10.0.0.1", "::1",
        "a.b:80", String(repeating: "a", count: 64) + ".b", String(repeating: "a.", count: 127) + "b",
    ])
    func refuses(text: String) {
        #expect(fails(read { try HostPattern(text: text) }))
    }

    @Test func aWildcardStandsForOneLabel() {
        let pattern = HostPattern.wildcard("foobar.com")
        #expect(pattern.matches("www.foobar.com"))
        #expect(!pattern.matches("foobar.com"))
        #expect(!pattern.matches("a.b.foobar.com"))
        #expect(!pattern.matches(".foobar.com"))
        #expect(HostPattern.any.matches("x"))
        #expect(HostPattern.exact("x").matches("x") && !HostPattern.exact("x").matches("y"))
    }
}

@Suite struct ServiceTests {
    @Test(arguments: [
        ("tcp/443", SiteService.ports(.tcp, 443...443)), ("udp/60000-61000", .ports(.udp, 60_000...61_000)),
        ("tcp/1-65535", .ports(.tcp, 1...65_535)), ("sctp/2905", .ports(.sctp, 2905...2905)), ("ah", .whole(51)),
        ("esp", .whole(50)), ("gre", .whole(47)), ("igmp", .whole(2)), ("ospf", .whole(89)), ("sctp", .whole(132)),
        ("vrrp", .whole(112)), ("ip/4", .whole(4)), ("ip/103", .whole(103)), ("ip/255", .whole(255)),
    ])
    func readsAndWrites(text: String, service: SiteService) throws {
        #expect(try SiteService(text: text) == service)
        #expect(service.description == text)
    }

    @Test func aProtocolIsTheSameByItsNumber() throws {
        #expect(try SiteService(text: "ip/112") == SiteService(text: "vrrp"))
        #expect(try SiteService(text: "ip/132").description == "sctp")
    }

    @Test(arguments: [
        "", "443", "tcp", "tcp/", "tcp/0", "tcp/65536", "tcp/2-1", "tcp/1-", "tcp/-1", "tcp/080", "sctp/0", "TCP/80",
        "tcp/80/81", "ip", "ip/", "ip/256", "ip/-1", "ip/007", "ip/1-5", "ip/esp", "ip/6", "ip/17", "ip/1", "ip/58",
        "ip/0", "ip/43", "ip/44", "ip/60", "IP/112", "ESP", "esp/500", "esp/", "ip/112/1", "ipip", "ip/ 4",
    ])
    func refuses(text: String) {
        #expect(fails(read { try SiteService(text: text) }))
    }
}
