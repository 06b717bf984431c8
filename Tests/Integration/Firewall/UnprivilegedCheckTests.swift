import Testing

/// `policy check` for somebody who is not root: in a user namespace, where the kernel takes some hundred rules in one
/// message and no more.
@Suite("Policy check without privilege")
struct UnprivilegedCheckTests {
    @Test("a ruleset too long for one message is loaded in pieces, and proved")
    func pieces() throws {
        let directory = try TemporaryDirectory()
        let binary = try Gateway.binary
        guard try Unprivileged.canRun(binary, in: directory) else {
            return print("not tried: an unprivileged user cannot execute \(binary)")
        }
        let numbers = 0..<700
        let services = numbers.map { "s\($0): tcp/\(1_000 + $0)" }.joined(separator: ", ")
        // Each is logged, so that each has a chain of its own.
        let lines = numbers.map {
            "    - { id: r\($0), from: 10.\($0 / 250).\($0 % 250).0/24, to: all, services: [s\($0)], log: true }\n"
        }
        try directory.write(
            """
            site: foobar.com
            hosts: { app-01: { roles: [app], addresses: [10.10.0.21/24] } }
            services: { \(services) }
            firewall:
              allow:
            \(lines.joined())
            """,
            to: "site.yaml"
        )
        try Unprivileged.own(directory)
        let result = try Unprivileged.tool(
            [binary, "policy", "check", "--site", directory.path("site.yaml")],
            in: directory
        )
        if result.status == 3, result.output.contains("no network namespace can be made") {
            return print("not tried: this machine gives users no namespaces")
        }
        #expect(result.status == 0 && result.output.hasPrefix("proved   app-01"), "\(result)")
    }
}
