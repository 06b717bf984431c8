import Firewall
import Linux
import Site
import Testing

@Suite("Ways of marked packets")
struct MarkedWaysTests {
    @Test("rules of routing that ask for marks are told where the defence that does not know them is on")
    func warnings() throws {
        let router = try #require(Intent(of: try policySite("office-router.yaml")).host("router"))
        let plain = [RoutingRule(priority: 0, asksForMark: false), RoutingRule(priority: 32_766, asksForMark: false)]
        let marked = [RoutingRule(priority: 32_764, asksForMark: true), RoutingRule(priority: 10, asksForMark: true)]
        #expect(MarkedWays.warning(router, rules: plain) == nil)
        let warning = try #require(MarkedWays.warning(router, rules: plain + marked + marked))
        #expect(warning.contains("(10, 32764), and the defence `spoofing`"), "\(warning)")
        var without = router
        without.input.removeAll { $0.origin == .defence("spoofing") }
        #expect(MarkedWays.warning(without, rules: marked) == nil)
    }
}
