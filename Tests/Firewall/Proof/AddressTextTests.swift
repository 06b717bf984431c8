import Site
import Testing

@testable import Firewall

@Suite("Addresses in words")
struct AddressTextTests {
    private static func set(_ words: [String]) throws -> AddressSet {
        AddressSet(
            try words.map { word in
                let address = IPAddress(word).map { IPNetwork(containing: $0, prefixLength: $0.width) }
                return try #require(address ?? IPNetwork(word), "\(word)")
            }
        )
    }

    @Test(
        "networks stand as such, ranges only where they are more than two",
        arguments: [
            (["10.0.0.0/8"], "10.0.0.0/8"), (["10.0.0.1"], "10.0.0.1"),
            (["10.0.0.0/24", "10.0.1.0/25"], "10.0.0.0/24, 10.0.1.0/25"),
            (["10.0.0.1", "10.0.0.2/31"], "10.0.0.1, 10.0.0.2/31"),
            (["10.0.0.1", "10.0.0.2/31", "10.0.0.4"], "10.0.0.1-10.0.0.4"),
            (["0.0.0.0/0"], "any IPv4 address"), (["::/0"], "any IPv6 address"),
            (["0.0.0.0/0", "::/0"], "any address"),
            (["2001:db8::/33", "2001:db8:8000::/34"], "2001:db8::/33, 2001:db8:8000::/34"), ([], "none"),
        ] as [([String], String)]
    )
    func own(words: [String], text: String) throws {
        #expect(try Self.set(words).text == text)
    }

    @Test("what is most of a family is all but the rest")
    func most() throws {
        func but(_ words: String...) throws -> String { AddressSet.all.subtracting(try Self.set(words)).text }
        #expect(try but("127.0.0.0/8", "::1") == "any IPv4 address but 127.0.0.0/8, any IPv6 address but ::1")
        #expect(try but("10.0.0.0/8", "127.0.0.0/8", "::/0") == "any IPv4 address but 10.0.0.0/8 and 127.0.0.0/8")
        #expect(try but("0.0.0.0/1", "::/0") == "128.0.0.0/1")
        #expect(AddressSet.all.subtracting(SpecialAddresses.bogons).text == "any address but bogons")
        let claimed = SpecialAddresses.bogons.subtracting(try Self.set(["10.10.0.0/24"]))
        #expect(AddressSet(v4: AddressSet.all.subtracting(claimed).v4).text == "any IPv4 address but bogons")
        // The ends of all addresses are not all but the middle.
        #expect(try Self.set(["0.0.0.0", "255.255.255.255"]).text == "0.0.0.0, 255.255.255.255")
    }
}
