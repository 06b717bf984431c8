import Firewall
import Site
import Testing

/// What counts as a change of what a kernel holds.
@Suite("Drift")
struct DriftTests {
    private static let input = #""type":"filter","hook":"input","prio":0,"policy":"drop""#
    private static let nat = #""type":"nat","hook":"prerouting","prio":-100,"policy":"accept""#

    /// A table of ours with one chain for input and one that translates.
    private static func listing(
        input: [String] = [],
        nat: [String] = [],
        place: String = Self.nat,
        elements: String = #"["10.0.0.1","10.0.0.2"]"#
    ) throws -> HeldListing {
        let names = #""family":"inet","table":"gatehouse""#
        func rules(_ chain: String, _ rules: [String]) -> [String] {
            rules.enumerated().map { #"{"rule":{\#(names),"chain":"\#(chain)","handle":\#($0),"expr":[\#($1)]}}"# }
        }
        let objects =
            [
                #"{"table":{"family":"inet","name":"gatehouse","handle":1}}"#,
                #"{"map":{\#(names),"name":"m","type":"ipv4_addr","map":"ipv4_addr","elem":[\#(elements)]}}"#,
                #"{"chain":{\#(names),"name":"input",\#(Self.input)}}"#,
                #"{"chain":{\#(names),"name":"nat",\#(place)}}"#,
            ] + rules("input", input) + rules("nat", nat)
        let text = #"{"nftables":[\#(objects.joined(separator: ","))]}"#
        return try #require(HeldListing(Array(text.utf8)))
    }

    private static func findings(_ before: HeldListing, _ after: HeldListing) -> [String] {
        Drift(expected: before, live: after, dynamic: []).findings
    }

    private static let port = Listing.match(Listing.port, "==", "80")
    private static let one = port + #",{"dnat":{"family":"ip","addr":"10.0.0.5"}}"#
    private static let other =
        Listing.match(Listing.source, "==", #""10.0.0.9""#)
        + #",{"dnat":{"family":"ip","addr":"10.0.0.6"}}"#

    @Test("the same, and the same in other words, is none")
    func none() throws {
        let rule = Self.port + #",{"accept":null}"#
        let before = try Self.listing(input: [rule])
        #expect(Self.findings(before, try Self.listing(input: [rule])).isEmpty)
        #expect(Self.findings(before, try Self.listing(input: [rule, rule])).isEmpty)
        #expect(!Self.findings(before, try Self.listing()).isEmpty)
    }

    @Test(
        "what only seems to say the same is drift",
        arguments: [
            Listing.match(Listing.port, "==", "3306") + #",{"continue":null},{"accept":null}"#,
            #"{"vmap":{"key":\#(Listing.port),"data":{"set":[[3306,{"continue":null}]]}}},{"accept":null}"#,
            Listing.match(#"{"meta":{"key":"iifname"}}"#, "!=", #""@none""#) + #",{"accept":null}"#,
        ]
    )
    func seemingly(rule: String) throws {
        #expect(!Self.findings(try Self.listing(), try Self.listing(input: [rule])).isEmpty)
    }

    @Test("where packets are sent is no less than whether they are let through")
    func translations() throws {
        let before = try Self.listing(nat: [Self.one, Self.other])
        #expect(Self.findings(before, try Self.listing(nat: [Self.one, Self.other])).isEmpty)
        let turned = Self.findings(before, try Self.listing(nat: [Self.other, Self.one]))
        #expect(!turned.isEmpty, "rules in another order")
        let exempt = Self.port + #",{"accept":null}"#
        let excepted = Self.findings(before, try Self.listing(nat: [exempt, Self.one, Self.other]))
        #expect(!excepted.isEmpty, "an exception in front")
        let mapped = #"{"dnat":{"family":"ip","addr":{"map":{"key":\#(Listing.source),"data":"@m"}}}}"#
        let led = Self.findings(
            try Self.listing(nat: [mapped]),
            try Self.listing(nat: [mapped], elements: #"["10.0.0.1","10.0.0.3"]"#)
        )
        #expect(!led.isEmpty, "an element that leads elsewhere")
    }

    @Test(
        "an element that another rule than one that decides looks up is drift",
        arguments: [
            #"{"mangle":{"key":{"meta":{"key":"mark"}},"value":{"map":{"key":\#(Listing.source),"data":"@m"}}}}"#,
            Listing.match(Listing.source, "==", #""@m""#) + #",{"log":null}"#,
            Listing.match(Listing.source, "==", #""@m""#) + #",{"reject":null}"#,
        ]
    )
    func elements(rule: String) throws {
        let drop = #"{"drop":null}"#
        let before = try Self.listing(input: [rule, drop])
        #expect(Self.findings(before, before).isEmpty)
        let after = try Self.listing(
            input: [rule, drop],
            elements: #"["10.0.0.1","10.0.0.2"],["10.0.0.7","10.0.0.2"]"#
        )
        #expect(Self.findings(before, after).contains { $0.contains("10.0.0.7") })
    }

    @Test("a chain that is asked at another time is another chain")
    func places() throws {
        let later = Self.nat.replacing("-100", with: "-90")
        #expect(!Self.findings(try Self.listing(), try Self.listing(place: later)).isEmpty)
        let moved = #""type":"filter","hook":"prerouting","prio":-50,"policy":"accept""#
        let raw = #""type":"filter","hook":"prerouting","prio":-300,"policy":"accept""#
        #expect(!Self.findings(try Self.listing(place: raw), try Self.listing(place: moved)).isEmpty)
    }
}
