import Firewall
import Site
import Testing

@Suite("Interfaces that are not there")
struct MissingInterfacesTests {
    @Test("each is named with its place and with what there is; addresses without an interface are none")
    func warnings() throws {
        let site = try policySite("office-router.yaml")
        let router = try #require(site.hosts["router"])
        let found = MissingInterfaces.warnings(router, present: ["lo", "wan", "lan0"], file: "site.yaml")
        #expect(found.map(\.line) == [24, 25] && found.allSatisfy { $0.severity == .warning && $0.column > 0 })
        #expect(found.first?.message == "this machine has no interface `lan`; it has lo, wan, lan0")
        #expect(MissingInterfaces.warnings(router, present: ["wan", "lan", "wifi"], file: "site.yaml").isEmpty)
        #expect(MissingInterfaces.warnings(router, present: [], file: "site.yaml").isEmpty)
        let printer = try #require(site.hosts["printer"])
        #expect(MissingInterfaces.warnings(printer, present: ["lo"], file: "site.yaml").isEmpty)
    }
}
