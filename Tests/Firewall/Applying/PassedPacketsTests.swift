import Firewall
import Foundation
import Site
import Testing

/// The kernel's settings below a folder that stands for the machine's root.
@Suite("Machines that pass packets on")
struct PassedPacketsTests {
    private let root = "\(NSTemporaryDirectory())/gatehouse-passed-\(UUID().uuidString)"

    private func warnings(_ role: String, four: String?, six: String?) throws -> [Diagnostic] {
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
        let text = "site: a.b\nhosts:\n  h: { roles: [\(role)], addresses: [10.0.0.5/24] }\n"
        let host = try #require(try site(text).hosts["h"])
        return PassedPackets.warnings(host, MachineSettings(root: root), file: "f")
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
}
