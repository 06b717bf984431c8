import Firewall
import Linux
import Site
import Testing

@Suite("Ways of marked packets")
struct MarkedWaysTests {
    @Test("rules of routing that ask for marks are told where the defence that does not know them is on")
    func warnings() throws {
        let site = try policySite("office-router.yaml")
        let host = try #require(site.hosts["router"])
        let router = try #require(Intent(of: site).host("router"))
        func warnings(_ intent: HostIntent, _ rules: [RoutingRule]) -> [Diagnostic] {
            MarkedWays.warnings(host, intent, rules: rules, file: "f")
        }
        let plain = [RoutingRule(priority: 0, asksForMark: false), RoutingRule(priority: 32_766, asksForMark: false)]
        let marked = [RoutingRule(priority: 32_764, asksForMark: true), RoutingRule(priority: 10, asksForMark: true)]
        #expect(warnings(router, plain).isEmpty)
        let found = warnings(router, plain + marked + marked)
        #expect(found.count == 1 && found.first?.line == host.position.line, "\(found)")
        #expect(found.first?.message.contains("(10, 32764), and the defence `spoofing`") == true, "\(found)")
        var without = router
        without.input.removeAll { $0.origin == .defence("spoofing") }
        #expect(warnings(without, marked).isEmpty)
    }
}
