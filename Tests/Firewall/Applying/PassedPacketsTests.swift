import Firewall
import Foundation
import Site
import Testing

/// The kernel's settings below a folder that stands for the machine's root.
@Suite("Machines that pass packets on")
struct PassedPacketsTests {
    private let root = "\(NSTemporaryDirectory())/gatehouse-passed-\(UUID().uuidString)"

    private func warnings(
        _ role: String,
        four: String?,
        six: String?,
        _ lines: String = ""
    ) throws -> [Diagnostic] {
        defer { try? FileManager.default.removeItem(atPath: root) }
        for (path, value) in [("ipv4/ip_forward", four), ("ipv6/conf/all/forwarding", six)] {
            guard let value else { continue }
            let whole = URL(fileURLWithPath: "\(root)/proc/sys/net/\(path)")
            try FileManager.default.createDirectory(
                at: whole.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data("\(value)\n".utf8).write(to: whole)
        }
        let text = "site: a.b\nhosts:\n  h: { roles: [\(role)], addresses: [10.0.0.5/24, 2001:db8::5/64] }\n\(lines)"
        let site = try site(text)
        let host = try #require(site.hosts["h"])
        return PassedPackets.warnings(host, Intent(of: site).host("h"), MachineSettings(root: root), file: "f")
    }

    @Test("one that the site file calls no router is told of, with the settings that are on")
    func unknown() throws {
        #expect(try warnings("app", four: "0", six: "0").isEmpty)
        #expect(try warnings("app", four: nil, six: nil).isEmpty, "the kernel tells nothing")
        let both = "net.ipv4.ip_forward, net.ipv6.conf.all.forwarding"
        let cases = [("1", "0", "net.ipv4.ip_forward"), ("0", "1", "net.ipv6.conf.all.forwarding"), ("1", "1", both)]
        for (four, six, names) in cases {
            let found = try warnings("app", four: four, six: six)
            #expect(found.map(\.line) == [3] && found.allSatisfy { $0.severity == .warning && $0.column > 0 })
            let message = "this machine passes packets on (\(names): 1), and `h` is no router in the site file"
            #expect(found.first?.message == message, "\(found)")
        }
    }

    @Test("a router whose kernel passes none on is told of")
    func idle() throws {
        #expect(try warnings("router", four: "1", six: "0").isEmpty)
        #expect(try warnings("router", four: "0", six: "1").isEmpty)
        #expect(try warnings("router", four: nil, six: nil).isEmpty)
        let found = try warnings("router", four: "0", six: nil)
        let message = "`h` is a router, and this machine passes no packets on (net.ipv4.ip_forward: 0)"
        #expect(found.map(\.message) == [message])
    }

    @Test("a router whose kernel passes on one family alone, where lines let the other through, too")
    func half() throws {
        func lines(_ source: String, _ destination: String, _ verdict: String = "allow") -> String {
            "services: { web: tcp/443 }\nfirewall:\n  \(verdict): [{ from: \(source), to: \(destination), services: web }]\n"
        }
        func said(_ four: String, _ six: String, _ lines: String) throws -> [String] {
            try warnings("router", four: four, six: six, lines).map(\.message)
        }
        func message(_ family: String, _ setting: String) -> String {
            "the site file lets packets of \(family) through `h`, and this machine passes none of them on (\(setting): 0)"
        }
        let both = lines("any", "any")
        #expect(try said("1", "1", both).isEmpty)
        #expect(try said("1", "0", both) == [message("IPv6", "net.ipv6.conf.all.forwarding")])
        #expect(try said("0", "1", both) == [message("IPv4", "net.ipv4.ip_forward")])
        #expect(try said("1", "0", lines("any", "192.0.2.0/24")).isEmpty)
        #expect(try said("0", "1", lines("any", "192.0.2.0/24")) == [message("IPv4", "net.ipv4.ip_forward")])
        #expect(try said("1", "0", lines("10.0.0.0/24", "any")).isEmpty)
        #expect(try said("1", "0", lines("any", "h")).isEmpty, "to the host itself")
        #expect(try said("1", "0", lines("any", "any", "deny")).isEmpty)
    }
}
