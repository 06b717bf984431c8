import Testing

@testable import Linux

@Suite("Routes")
struct RouteTests {
    @Test("what is for this machine stays on its loopback interface")
    func loopback() throws {
        let way = try #require(try Route.to([127, 0, 0, 1]))
        #expect(way == Route(interfaces: ["lo"], source: [127, 0, 0, 1]))
        #expect(try Route.to([127, 0, 0, 1], from: [127, 0, 0, 1])?.interfaces == ["lo"])
    }

    @Test("where no way leads there is none: to many, by an interface that is not there, to an address of nobody")
    func none() throws {
        #expect(try Route.to([224, 0, 0, 1], by: "lo") == nil)
        #expect(try Route.to([127, 0, 0, 1], by: "nobody/9") == nil)
        #expect(try Route.to([0xFF, 2] + [UInt8](repeating: 0, count: 13) + [1], by: "lo") == nil)
        // What is spoken from an address that is not this machine's (RFC 5737) is none of its own.
        #expect(try Route.to([127, 0, 0, 1], from: [192, 0, 2, 99]) == nil)
    }

    @Test("the interfaces of a way over several are read, and what is cut short is left out")
    func hops() {
        let hops: [UInt8] = [8, 0, 0, 0, 2, 0, 0, 0] + [16, 0, 0, 0, 3, 1, 0, 0] + [8, 0, 5, 0, 10, 0, 0, 1]
        #expect(Route.nextHops(hops[...]) == [2, 259])
        for length in hops.indices {
            #expect(Route.nextHops(hops[..<length]) == (length < 8 ? [] : [2]), "\(length)")
        }
    }
}
