import Firewall
import Foundation
import Linux
import Site
import Testing

/// Settings of other programs, below a folder that stands for the machine's root.
@Suite("Machine settings")
struct MachineSettingsTests {
    private let root = "\(NSTemporaryDirectory())/gatehouse-settings-\(UUID().uuidString)"

    private func settings(_ files: [String: String]) throws -> MachineSettings {
        for (path, text) in files {
            let whole = URL(fileURLWithPath: root + path)
            try FileManager.default.createDirectory(
                at: whole.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data(text.utf8).write(to: whole)
        }
        return MachineSettings(root: root)
    }

    @Test(
        "the ports of SSH are those that its daemon is told, else 22",
        arguments: [
            ("", [22]), ("#Port 2222\nUsePAM yes\n", [22]), ("Port 2222\n", [2222]),
            ("port=22\n\tPort\t2022\r\n", [22, 2022]),
            ("Port 0\nPort 70000\nPort x\nPort\n", [22]),
            (
                "ListenAddress 10.0.0.1:2200\nListenAddress [2001:db8::1]:2201\nListenAddress 2001:db8::2\n",
                [2200, 2201]
            ),
        ]
    )
    func ports(text: String, expected: [UInt16]) throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        #expect(try settings(["/etc/ssh/sshd_config": text]).sshPorts == expected)
    }

    @Test("files beside it count, and none is needed")
    func files() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        #expect(MachineSettings(root: root).sshPorts == [22])
        let files = ["/etc/ssh/sshd_config.d/a.conf": "Port 2022", "/etc/ssh/sshd_config.d/b.txt": "Port 2023"]
        #expect(try settings(files).sshPorts == [2022])
    }

    @Test("tables of iptables-legacy are told of, which nft does not list")
    func legacy() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        #expect(try settings(["/proc/net/ip_tables_names": ""]).legacyWarning == nil)
        let names = ["/proc/net/ip_tables_names": "nat\nfilter\n", "/proc/net/ip6_tables_names": "filter\n"]
        let warning = try #require(try settings(names).legacyWarning)
        #expect(warning.contains("iptables-legacy (filter, nat) and ip6tables-legacy (filter), "), "\(warning)")
        var facts = OtherFirewalls.Facts()
        facts.settings = MachineSettings(root: root)
        #expect(OtherFirewalls.warnings(facts) == [warning])
    }

    @Test("a bridge whose packets between its ports our rules drop is told of")
    func bridges() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        let text = "site: a.b\nhosts:\n  h: { addresses: [10.0.0.5/24] }\n"
        let host = try #require(try site(text).hosts["h"])
        func told(_ links: [NetworkLink]) -> Diagnostic? {
            FilteredBridges.warnings(host, MachineSettings(root: root), links: links, file: "f").first
        }
        func warning(_ links: [NetworkLink], four: String, six: String = "0\n") throws -> Diagnostic? {
            let folder = "/proc/sys/net/bridge"
            _ = try settings(["\(folder)/bridge-nf-call-iptables": four, "\(folder)/bridge-nf-call-ip6tables": six])
            return told(links)
        }
        let bridge = NetworkLink(index: 2, name: "br0", kind: "bridge")
        let filtered = NetworkLink(index: 2, name: "br0", kind: "bridge", isFiltered: true)
        let port = NetworkLink(index: 3, name: "tap0", kind: "tun", master: 2)
        let empty = NetworkLink(index: 4, name: "br1", kind: "bridge", isFiltered: true)
        let bond = NetworkLink(index: 2, name: "bond0", kind: "bond")
        #expect(told([filtered, port]) == nil, "the module is not there")
        #expect(try warning([bridge, port, empty], four: "0\n") == nil)
        #expect(try warning([bond, port, empty], four: "1\n") == nil)
        for (four, six) in [("1\n", "0\n"), ("0\n", "1\n")] {
            let found = try #require(try warning([bridge, port, empty], four: four, six: six))
            #expect(found.message.hasPrefix("bridge br0: packets between its ports") && found.line == 3, "\(found)")
            let names = "net.bridge.bridge-nf-call-iptables, net.bridge.bridge-nf-call-ip6tables"
            #expect(found.message.contains(names), "\(found)")
        }
        let own = try #require(try warning([filtered, port], four: "0\n"))
        #expect(own.message.contains("(its nf_call_iptables, nf_call_ip6tables)"), "\(own)")
        var facts = MachineFacts()
        facts.settings = try settings([:])
        facts.links = [filtered, port]
        #expect(facts.warnings(host, nil, file: "f") == [own])
    }

    @Test("that our rules drop what other programs have passed on is told once")
    func passedOn() throws {
        var facts = OtherFirewalls.Facts()
        facts.settings = MachineSettings(root: root)
        facts.processes = ["dockerd", "fail2ban-server"]
        let loss = "; our forward chain drops what the site file does not allow, containers' traffic too"
        let told = OtherFirewalls.warnings(facts)
        try #require(told.count == 2)
        #expect(told[0].hasPrefix("Docker is running: ") && told[0].hasSuffix(", and forwards\(loss)"), "\(told)")
        facts.isPassingTold = true
        let rest = OtherFirewalls.warnings(facts)
        #expect(rest == [String(told[0].dropLast(loss.count)), told[1]], "\(rest)")
    }

    private static let debian = """
        #!/usr/sbin/nft -f

        flush ruleset

        table inet filter { }
        """

    @Test("a file of nftables.service that flushes every table is warned of when the unit is enabled")
    func flush() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        func warning(_ text: String) throws -> String? {
            try settings(["/etc/nftables.conf": text, "/etc/ufw/ufw.conf": "ENABLED=no\n"]).flushWarning
        }
        #expect(try warning(Self.debian) == nil, "it is not enabled")
        let wants = "\(root)/etc/systemd/system/sysinit.target.wants"
        try FileManager.default.createDirectory(atPath: wants, withIntermediateDirectories: true)
        // The unit itself is no file below this root.
        try FileManager.default.createSymbolicLink(
            atPath: "\(wants)/nftables.service",
            withDestinationPath: "\(root)/lib/systemd/system/nftables.service"
        )
        #expect(try warning(Self.debian)?.contains("line 3 of /etc/nftables.conf flushes every table") == true)
        #expect(try warning("table ip a { }; flush\truleset inet # all") != nil)
        for text in ["", "# flush ruleset\n", "flush table ip a\n", "flush ruleset ip\n", "table ip a { }\n"] {
            #expect(try warning(text) == nil, "\(text)")
        }
        var facts = OtherFirewalls.Facts()
        facts.settings = try settings(["/etc/nftables.conf": Self.debian])
        #expect(OtherFirewalls.warnings(facts).contains { $0.hasPrefix("nftables.service is enabled") })
        try FileManager.default.createSymbolicLink(
            atPath: "\(root)/etc/systemd/system/nftables.service",
            withDestinationPath: "\(root)/null"
        )
        #expect(try warning(Self.debian) == nil, "it is masked")
    }

    @Test("a boot that loads none of our rules is warned of, where there is a systemd that would load them")
    func boot() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        let settings = MachineSettings(root: root)
        let standard = try StateFolder(StateFolder.standard)
        #expect(settings.bootWarning(standard) == nil, "no systemd runs")
        for folder in ["/run/systemd/system", "/etc/systemd/system/sysinit.target.wants"] {
            try FileManager.default.createDirectory(atPath: root + folder, withIntermediateDirectories: true)
        }
        #expect(settings.bootWarning(standard)?.contains("`systemctl enable gatehouse-firewall.service`") == true)
        #expect(settings.bootWarning(try StateFolder("/elsewhere")) == nil, "the unit has nothing to do with it")
        let unit = "gatehouse-firewall.service"
        try FileManager.default.createSymbolicLink(
            atPath: "\(root)/etc/systemd/system/sysinit.target.wants/\(unit)",
            withDestinationPath: "/usr/lib/systemd/system/\(unit)"
        )
        #expect(settings.bootWarning(standard) == nil)
        try FileManager.default.createSymbolicLink(
            atPath: "\(root)/etc/systemd/system/\(unit)",
            withDestinationPath: "/dev/null"
        )
        #expect(settings.bootWarning(standard) != nil, "it is masked")
    }

    @Test("ufw is enabled when its settings say so")
    func ufw() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        #expect(try settings(["/etc/ufw/ufw.conf": "# ENABLED=yes\nENABLED=yes\n"]).isUFWEnabled)
        #expect(try !settings(["/etc/ufw/ufw.conf": "ENABLED=no\n"]).isUFWEnabled)
    }
}
