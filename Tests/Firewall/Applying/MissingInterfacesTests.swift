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

    @Test("an address that the file does not give the host is told by interface, where lines are not about any")
    func unnamed() throws {
        typealias Own = (interface: String, address: IPAddress)
        func warnings(_ host: String, _ speaking: [(String, String)]) throws -> [Diagnostic] {
            let text = "site: a.b\nhosts:\n  h:\n    roles: [app]\n    \(host)\n"
            let own = try speaking.map { name, address -> Own in
                let address = try #require(IPAddress(address))
                return (interface: name, address: address)
            }
            return UnnamedAddresses.warnings(try #require(try site(text).hosts["h"]), speaking: own, file: "f")
        }
        let routed = ("eth0", "2001:db8::5054:ff:fe12:3456")
        let eth0 = #"interfaces: { eth0: { addresses: [10.0.0.5/24, "2001:db8::5/64"] }, eth1: {} }"#
        let named = [("eth0", "10.0.0.5"), ("eth0", "2001:db8::5"), ("eth7", "10.0.0.5"), ("eth1", "10.9.0.1")]
        let elsewhere = [("lo", "192.0.2.1"), ("eth7", "127.0.0.2"), ("eth0", "fe80::1"), ("eth0", "169.254.0.9")]
        #expect(try warnings(eth0, named + elsewhere).isEmpty)

        let more = [("eth0", "10.0.0.6"), ("eth7.3", "fd00::1"), ("eth8", "10.8.0.1")]
        let found = try warnings(eth0, named + [routed] + more)
        #expect(found.map(\.line) == [5, 4, 4] && found.allSatisfy { $0.severity == .warning && $0.column > 0 })
        let message = "`eth0` also bears 10.0.0.6, 2001:db8::5054:ff:fe12:3456, which the site file does not give `h`: "
        #expect(found[0].message.hasPrefix(message) && found[0].message.contains("is dropped"), "\(found)")
        let help = "write it at `eth0` of `h`, or name `eth0` there without `addresses`, where they change; "
        #expect(found[0].help?.hasPrefix(help) == true, "\(found)")
        #expect(found[0].help?.hasSuffix("`net.ipv6.conf.eth0.autoconf=0`") == true, "\(found)")
        #expect(found[1].help?.hasSuffix("`net.ipv6.conf.eth7/3.autoconf=0`") == true, "\(found)")
        #expect(found[2].help?.hasSuffix("where they change") == true, "\(found)")

        // What such a host sends is bound to its addresses by whichever interface it goes.
        let bare = try warnings(#"addresses: [10.0.0.5/24, "2001:db8::5/64"]"#, named + elsewhere + [routed])
        #expect(bare.count == 2 && bare[1].message.hasPrefix("`eth1` also bears 10.9.0.1,"))
        #expect(bare[0].help?.hasPrefix("write it in `addresses` of `h`, ") == true, "\(bare)")
        // The lease is kept; rules are for the addresses of the file all the same.
        let leased = eth0.replacing("/64\"]", with: "/64\"], dhcp: true")
        #expect(try warnings(leased, [routed]).count == 1)
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
