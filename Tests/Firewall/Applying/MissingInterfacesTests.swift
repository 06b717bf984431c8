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

    @Test("an address on another interface than the file says is named with both; one of loopback is not")
    func misplaced() throws {
        typealias Own = (interface: String, address: IPAddress)
        let router = try #require(try policySite("office-router.yaml").hosts["router"])
        let all: [Own] = router.interfaces.flatMap { interface in
            interface.addresses.map { (interface: interface.name, address: $0.address) }
        }
        func moved(to name: String) -> [Own] { all.map { (interface: name, address: $0.address) } }
        func warnings(_ own: [Own]) -> [Diagnostic] {
            MisplacedAddresses.warnings(router, own: own, file: "site.yaml")
        }
        #expect(!all.isEmpty && warnings(all).isEmpty && warnings([]).isEmpty)
        #expect(warnings(moved(to: "lo")).isEmpty && warnings(all + moved(to: "x")).isEmpty)
        let found = warnings(moved(to: "x"))
        #expect(found.count == all.count)
        #expect(found[0].message == "this machine bears \(all[0].address) on `x`, not on `\(all[0].interface)`")
        #expect(found[0].line == router.interfaces.first { $0.name == all[0].interface }?.position.line)
    }

    @Test("an address that is leased is told of, unless its interface is said to ask for it, or routers made it")
    func unrenewed() throws {
        func warnings(_ host: String, _ leases: [(String, Int, String)]) throws -> [Diagnostic] {
            let text = """
                site: a.b
                hosts:
                  h:
                    interfaces: { eth0: { addresses: [10.0.0.5/24, "2001:db8::5/64"]\(host) }, eth1: {} }
                    addresses: [10.1.0.5/24]
                """
            let found = try leases.compactMap { address, length, interface in
                let address = try #require(IPAddress(address))
                return UnrenewedAddresses.Lease(address, prefixLength: length, on: interface, left: 3_600)
            }
            return UnrenewedAddresses.warnings(try #require(try site(text).hosts["h"]), leases: found, file: "f")
        }
        let (four, six) = (("10.0.0.5", 24, "eth0"), ("2001:db8::5", 128, "eth0"))
        let found = try warnings("", [four, six, ("10.0.0.6", 24, "eth0")])
        #expect(found.map(\.line) == [4, 4] && found.allSatisfy { $0.severity == .warning && $0.column > 0 })
        #expect(found[0].message.hasPrefix("`eth0` has 10.0.0.5 by DHCP for 3600 s more, and "), "\(found)")
        #expect(found[1].help == "write `dhcp: true` at `eth0` of `h`")
        #expect(try warnings("", [("2001:db8::5", 64, "eth0")]).isEmpty)
        #expect(try warnings(", dhcp: true", [four, six]).isEmpty)
        #expect(try warnings(", dhcp: false", [four]).count == 1)
        #expect(try warnings("", [("10.1.0.5", 24, "eth1")]).isEmpty)
        let other = try warnings("", [("10.1.0.5", 24, "eth2")])
        #expect(other.first?.help?.contains("`interfaces: { eth2: { addresses: [10.1.0.5/24], dhcp: true } }`") == true)
    }
}
