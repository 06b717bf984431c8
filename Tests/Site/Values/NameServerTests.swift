import Testing

@testable import Site

@Suite struct NameServerTests {
    @Test(arguments: [
        ("10.0.0.53", "10.0.0.53:53"), ("10.0.0.53:5353", "10.0.0.53:5353"), ("2001:db8::53", "[2001:db8::53]:53"),
        ("[2001:DB8::53]:1", "[2001:db8::53]:1"), ("::1", "[::1]:53"),
    ])
    func reads(text: String, written: String) throws {
        let server = try NameServer(text: text)
        #expect(server.description == written)
        #expect(try NameServer(text: written) == server)
    }

    @Test(arguments: [
        "", ":", "10.0.0.53:", "10.0.0.53:0", "10.0.0.53:65536", "10.0.0.53:x", "dns.example.com", "[2001:db8::53]",
        "[2001:db8::53", "2001:db8::53]:53", "[10.0.0.53:53", "[]:53", "10.0.0:53", "10.0.0.53 53",
    ])
    func refuses(text: String) {
        #expect(throws: ValueFault.self) { try NameServer(text: text) }
    }

    @Test func addressesOfHosts() {
        for text in ["127.0.0.1", "10.0.0.1", "223.255.255.255", "::1", "2001:db8::1", "fd00::1"] {
            #expect(IPAddress(text)?.isOfAHost == true, "\(text)")
        }
        for text in ["0.0.0.0", "0.1.2.3", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "ff02::1", "fe80::1"] {
            #expect(IPAddress(text)?.isOfAHost == false, "\(text)")
        }
        #expect(IPAddress(bytes: [1, 2, 3, 4])?.description == "1.2.3.4")
        #expect(IPAddress(bytes: [UInt8](repeating: 0, count: 15) + [1])?.description == "::1")
        #expect(IPAddress(bytes: [1, 2, 3]) == nil)
    }
}
