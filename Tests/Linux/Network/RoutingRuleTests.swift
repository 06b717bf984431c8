import Testing

@testable import Linux

@Suite("Rules of routing")
struct RoutingRuleTests {
    @Test("a rule is read with whether it asks for a mark; one of multicast is none, nor is what is cut short")
    func message() {
        func rule(_ family: UInt8, _ more: [UInt8]) -> NetlinkMessage {
            let header = [family] + [UInt8](repeating: 0, count: 11)
            let priority = NetlinkMessage.attribute(6, [0xFC, 0x7F, 0, 0])
            return NetlinkMessage(type: 32, flags: 0, body: (header + priority + more)[...])
        }
        let marks = [NetlinkMessage.attribute(10, [0x6C, 0xCA, 0, 0]), NetlinkMessage.attribute(16, [0, 0, 0xFF, 0])]
        for family in [UInt8(2), 10] {
            #expect(RoutingRule(rule(family, [])) == RoutingRule(priority: 32_764, asksForMark: false))
            for mark in marks {
                #expect(RoutingRule(rule(family, mark)) == RoutingRule(priority: 32_764, asksForMark: true))
            }
        }
        #expect(RoutingRule(rule(128, marks[0])) == nil)
        for length in 0..<12 {
            let short = NetlinkMessage(type: 32, flags: 0, body: rule(2, []).body.prefix(length))
            #expect(RoutingRule(short) == nil, "\(length)")
        }
    }

    @Test("the kernel tells of the rules that every network has")
    func all() throws {
        let found = try RoutingRule.all()
        #expect(found.contains(RoutingRule(priority: 0, asksForMark: false)), "\(found)")
    }
}
