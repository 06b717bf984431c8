import Foundation
import Testing

/// The units that `make install` installs, under the real systemd, as docs/operating.md says it.
@Suite(
    "Under systemd",
    .longest,
    .enabled(if: SystemdMachine.hindrance == nil, Comment(rawValue: SystemdMachine.hindrance ?? "")),
    .serialized
)
struct SystemdTests {
    private let machine: SystemdMachine

    init() throws {
        machine = try SystemdMachine()
        try machine.write(Self.site(), to: "/root/site.yaml")
        try machine.succeed("systemd-run --unit app gatehouse app --name app-01 --port 9001")
    }

    /// - Parameter listeners: of which 443 and 80, on all addresses, are those of gatehouse.socket.
    private static func site(_ listeners: String = "", pool: String = "web") -> String {
        """
        site: foobar.test
        hosts: { front: { roles: [gateway], addresses: [127.0.0.1/8] } }
        gateway:
          listen:
            - { port: 443, tls: { certificates: [foobar] } }
            - { port: 80 }
            \(listeners)
          routes: [{ hosts: [foobar.test], pool: web }]
          pools:
            \(pool): { servers: [{ address: 127.0.0.1, port: 9001 }] }
        certificates:
          foobar: { names: [foobar.test], issuer: internal }

        """
    }

    /// The lines of the section "Install" that follow `make install`.
    private static func documentedLines() throws -> [String] {
        let path = #filePath.split(separator: "/").dropLast(4).reduce("") { $0 + "/" + $1 } + "/docs/operating.md"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let section = try #require(text.components(separatedBy: "\n## ").first { $0.hasPrefix("Install\n") })
        return section.split(separator: "\n").filter { $0.hasPrefix("    ") && !$0.contains("make ") }
            .map { $0.trimmingCharacters(in: .whitespaces) }
    }

    private func install() throws {
        let lines = try Self.documentedLines()
        #expect(lines.count >= 4, "\(lines)")
        for line in lines { try machine.succeed(line) }
    }

    private func ask(_ port: Int = 443) throws -> ToolResult {
        let place = "foobar.test:\(port)"
        return try machine.command(
            "curl -sS --insecure --max-time 60 --resolve \(place):127.0.0.1"
                + " \(port == 443 ? "https" : "http")://\(place)/ -o /dev/null -w '%{http_code}'"
        )
    }

    private var main: String { get throws { try machine.show("MainPID") } }

    /// The process that serves.
    private var dataPlane: String {
        get throws { try machine.succeed("pgrep -x gatehouse-data").trimmingCharacters(in: .whitespacesAndNewlines) }
    }

    @Test("it starts, reloads, upgrades, outlives its processes and stops as operating.md says it")
    func life() throws {
        try install()
        #expect(try machine.show("ActiveState") == "active" && ask().output == "200")
        #expect(try machine.show("Type") == "notify")
        #expect(try machine.show("StatusText").hasSuffix("data plane \(dataPlane) serves"))
        #expect(try machine.succeed("ps -o user= -p \(dataPlane)").hasPrefix("gatehou"))
        let facts = try machine.succeed("cat /proc/\(dataPlane)/status")
        for line in ["NoNewPrivs:\t1", "Seccomp:\t2", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000"] {
            #expect(facts.contains(line), "\(line) in \(facts)")
        }
        #expect(try !machine.succeed("journalctl -u gatehouse --no-pager || true").contains("lacks"))
        let stored = try #require(Int(try machine.show("NFileDescriptorStore")))
        #expect(stored > 0, "the listening sockets are left with systemd")

        // A reload that takes effect, and one that is refused.
        try machine.write(Self.site("- { port: 8081 }"), to: "/etc/gatehouse/site.yaml")
        try machine.succeed("systemctl reload gatehouse")
        #expect(try ask(8081).output == "200" && machine.show("NFileDescriptorStore") != "\(stored)")
        try machine.write(Self.site(pool: "other"), to: "/etc/gatehouse/site.yaml")
        #expect(try machine.command("systemctl reload gatehouse").status != 0)
        #expect(try machine.show("ActiveState") == "active" && ask(8081).output == "200")
        try machine.write(Self.site(), to: "/etc/gatehouse/site.yaml")
        try machine.succeed("systemctl reload gatehouse")
        #expect(try machine.show("NFileDescriptorStore") == "\(stored)" && ask(8081).status != 0)

        // A new file under the old name, as a package manager leaves it.
        let (control, served) = (try main, try dataPlane)
        try machine.succeed("cp /usr/bin/gatehouse /usr/bin/new && mv /usr/bin/new /usr/bin/gatehouse")
        try machine.succeed("gatehouse upgrade --site /etc/gatehouse/site.yaml")
        try eventually("the old data plane has drained") { try dataPlane != served && !dataPlane.contains("\n") }
        #expect(try main == control && machine.show("ActiveState") == "active" && ask().output == "200")
        #expect(try machine.show("StatusText").hasSuffix("data plane \(dataPlane) serves"))

        // Control dies: the data plane serves on, and the next control takes it over.
        let orphan = try dataPlane
        try machine.succeed("kill -KILL \(control)")
        #expect(try ask().output == "200")
        try eventually("systemd starts another") {
            try machine.show("ActiveState") == "active" && main != control && dataPlane != orphan
        }
        #expect(try ask().output == "200" && machine.show("NRestarts") == "1")

        // Both die: the sockets come back out of the store.
        let sockets = "ss -Hltne 'sport = :443' | grep -o 'ino:[0-9]*' | sort"
        let before = try machine.succeed(sockets)
        try machine.succeed("kill -KILL \(dataPlane) \(main)")
        try eventually("systemd starts another") { try machine.show("NRestarts") == "2" && ask().output == "200" }
        #expect(try machine.succeed(sockets) == before)

        try machine.succeed("systemctl restart gatehouse")
        #expect(try ask().output == "200" && machine.succeed(sockets) == before)
        try machine.succeed("systemctl stop gatehouse")
        #expect(try machine.show("Result") == "success" && ask().status != 0)
        #expect(try machine.command("pgrep gatehouse-data").status == 1)
    }

    @Test("with gatehouse.socket the first connection starts it, and none is refused while it is restarted")
    func socket() throws {
        for line in try Self.documentedLines() where !line.contains("enable --now") { try machine.succeed(line) }
        try machine.succeed("systemctl daemon-reload && systemctl enable --now gatehouse.socket")
        #expect(try machine.show("ActiveState") == "inactive")
        #expect(try ask().output == "200" && machine.show("ActiveState") == "active")
        #expect(try machine.succeed("ss -Hltn 'sport = :443' | wc -l") == "2\n", "nobody else binds the ports")
        try machine.succeed("systemctl stop gatehouse.service")
        #expect(try ask().output == "200", "it was started once more")
        let load = "for i in $(seq 20); do curl -sk --max-time 60 --resolve foobar.test:443:127.0.0.1"
        let counted = try machine.succeed(
            "(\(load) https://foobar.test/ -o /dev/null -w '%{http_code} '; done) & systemctl restart gatehouse; wait"
        )
        #expect(counted == String(repeating: "200 ", count: 20))
    }

    @Test("systemd finds nothing wrong with the units, and little that they expose")
    func units() throws {
        let verified = try machine.command("systemd-analyze verify gatehouse.service gatehouse.socket")
        #expect(verified.status == 0 && verified.error.isEmpty, "\(verified)")
        let security = try machine.succeed("systemd-analyze security --no-pager gatehouse.service")
        let level = security.firstMatch(of: /Overall exposure level for gatehouse.service: ([0-9.]+)/)
        #expect(level.flatMap { Double($0.1) }.map { $0 < 3 } == true, "\(security)")
    }
}
